"""The architectures by the name that a config gives them."""

from mecsim_agents.networks.ensemble import EnsembleNetwork
from mecsim_agents.networks.exchanging import ExchangingNetwork
from mecsim_agents.networks.option_set import OptionNetwork
from mecsim_agents.networks.padded import PaddedNetwork

ARCHITECTURES: dict[str, type[EnsembleNetwork]] = {
    "set": OptionNetwork,
    "exchange": ExchangingNetwork,
    "padded": PaddedNetwork,
}
"""Networks by the name of the setting `architecture`."""
