"""Networks from the options of a state to outputs for each of them, and what is done to their inputs."""

from mecsim_agents.networks.architectures import ARCHITECTURES
from mecsim_agents.networks.ensemble import EnsembleNetwork, LayerSizes, NetworkShape
from mecsim_agents.networks.exchanging import ExchangingNetwork
from mecsim_agents.networks.normaliser import InputNormaliser
from mecsim_agents.networks.option_set import OptionNetwork
from mecsim_agents.networks.padded import PaddedNetwork

__all__ = [
    "ARCHITECTURES",
    "EnsembleNetwork",
    "ExchangingNetwork",
    "InputNormaliser",
    "LayerSizes",
    "NetworkShape",
    "OptionNetwork",
    "PaddedNetwork",
]
