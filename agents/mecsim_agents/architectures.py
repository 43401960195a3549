"""The architectures by the name that a config gives them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch

from mecsim_agents.config import DiscreteSACConfig
from mecsim_agents.ensemble import EnsembleNetwork
from mecsim_agents.networks import OptionNetwork
from mecsim_agents.padded import PaddedNetwork


@dataclass(frozen=True)
class Shape:
    """What a network sees and gives."""

    option_features: int
    context_features: int
    num_objectives: int
    num_options: int | None  # the most options of a state, where that is known
    outputs: int  # per option
    members: int  # of the ensemble

    def of_policy(self) -> Self:
        """The same for a single network with one output per option."""
        return replace(self, outputs=1, members=1)


def new_network(shape: Shape, config: DiscreteSACConfig, generator: torch.Generator) -> EnsembleNetwork:
    """Make a network of the config's architecture and sizes with weights from `generator`, on the CPU.

    Raises ValueError if the architecture needs a number of options and there is none.
    """
    return _BUILDERS[config.architecture](shape, config, generator)


def _set(shape: Shape, config: DiscreteSACConfig, generator: torch.Generator) -> EnsembleNetwork:
    sizes = config.encoder_sizes, config.head_sizes
    seen = shape.option_features, shape.context_features, shape.num_objectives
    return OptionNetwork(*seen, shape.outputs, *sizes, shape.members, generator)


def _padded(shape: Shape, config: DiscreteSACConfig, generator: torch.Generator) -> EnsembleNetwork:
    if shape.num_options is None or shape.num_options < 1:
        raise ValueError(
            f"num_options: the padded architecture needs the most options of a state, got {shape.num_options}"
        )
    sizes = config.encoder_sizes, config.head_sizes
    seen = shape.option_features, shape.context_features, shape.num_objectives, shape.num_options
    return PaddedNetwork(*seen, shape.outputs, *sizes, shape.members, generator)


_BUILDERS: dict[str, Callable[[Shape, DiscreteSACConfig, torch.Generator], EnsembleNetwork]] = {
    "set": _set,
    "padded": _padded,
}
