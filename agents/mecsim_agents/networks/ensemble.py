"""What all architectures share: an ensemble of networks evaluated in one batched product, and the encoder of a row.

Dimension suffixes: N states, A options, F option features, G context features, d objectives, K ensemble members,
H embedding width, M outputs per option, B rows of any kind.
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class NetworkShape:
    """What a network sees and gives."""

    option_features: int
    context_features: int
    num_objectives: int
    outputs: int  # per option
    members: int  # of the ensemble
    num_options: int | None = None  # the most options of a state, where that is known

    def of_policy(self) -> Self:
        """The same for a single network with one output per option."""
        return replace(self, outputs=1, members=1)


@dataclass(frozen=True)
class LayerSizes:
    """Widths of the hidden layers."""

    encoder: tuple[int, ...]  # of each option alone; the last one is that of an embedding
    head: tuple[int, ...]  # between the embeddings and the outputs


def random_weight(members: int, rows: int, columns: int, fan_in: int, generator: torch.Generator) -> nn.Parameter:
    """Draw a weight (K, rows, columns), uniform with variance 1 / `fan_in`."""
    bound = math.sqrt(3.0 / fan_in)
    return nn.Parameter((torch.rand(members, rows, columns, generator=generator) * 2.0 - 1.0) * bound)


def zero_bias(members: int, columns: int) -> nn.Parameter:
    """Return a bias (K, 1, columns) of zeros."""
    return nn.Parameter(torch.zeros(members, 1, columns))


class EnsembleNetwork(nn.Module, ABC):
    """K networks of one architecture, from the options of a state to M outputs for each of them.

    Each option is embedded alone, by layers that all options share. What is made of the embeddings is the
    architecture's. The last layer starts at zero, so every output does.
    """

    max_options: int | None = None
    """The most options that a state may have; None where any number will do."""

    def __init__(self, shape: NetworkShape, sizes: LayerSizes, generator: torch.Generator) -> None:
        """Draw the encoder's weights from `generator`, on the CPU whatever the device, so a seed means one network."""
        super().__init__()
        self.members, self.outputs = shape.members, shape.outputs
        layers = [shape.option_features, *sizes.encoder]
        self.encoder_weights, self.encoder_biases = self._layers(layers, generator)

    @abstractmethod
    def forward(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor) -> Tensor:
        """Map normalised inputs (see `InputNormaliser`) to (K, N, A, M); outputs of absent options mean nothing."""

    @abstractmethod
    def taken(
        self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor, action_N: Tensor
    ) -> Tensor:
        """Return the outputs (K, N, 1, M) of one option of each state, for less than all of them would cost."""

    def check_options(self, count: int) -> None:
        """Raise ValueError if a state has more options, absent ones included, than the architecture can take."""
        if self.max_options is not None and count > self.max_options:
            raise ValueError(
                f"options: the padded architecture was made for at most {self.max_options}, got {count}; "
                "train with as many, or with architecture=set"
            )

    def encode(self, options_NAF: Tensor, layers: int | None = None) -> Tensor:
        """Embed each option from its own features, (K, N, A, H), by the encoder or its first layers; never negative."""
        members, (states, choices, features) = self.members, options_NAF.shape
        rows_KBF = options_NAF.reshape(1, states * choices, features).expand(members, -1, -1)
        weights, biases = list(self.encoder_weights)[:layers], list(self.encoder_biases)[:layers]
        rows_KBH = self._through(rows_KBF, weights, biases)
        return rows_KBH.view(members, states, choices, -1)

    def _layers(self, sizes: Sequence[int], generator: torch.Generator) -> tuple[nn.ParameterList, nn.ParameterList]:
        """Make weights and biases of the layers between `sizes`."""
        pairs = list(itertools.pairwise(sizes))
        weights = [random_weight(self.members, rows, columns, rows, generator) for rows, columns in pairs]
        return nn.ParameterList(weights), nn.ParameterList([zero_bias(self.members, columns) for _, columns in pairs])

    @staticmethod
    def _through(rows_KB: Tensor, weights: Iterable[Tensor], biases: Iterable[Tensor]) -> Tensor:
        """Send rows (K, B, ·) through layers, each ending in a rectifier."""
        for weight, bias in zip(weights, biases, strict=True):
            rows_KB = torch.baddbmm(bias, rows_KB, weight).relu_()
        return rows_KB
