"""What a training asks of whoever learns, and how a learner is named, made and read from a file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim_agents.config import LearnerConfig
from mecsim_agents.environment import EnvironmentShape
from mecsim_agents.late import late_call
from mecsim_agents.timer import SectionTimer

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from mecsim_agents.observation import Observation
    from mecsim_agents.replay import Replay


class Learner(Protocol):
    """Learns one policy for all preferences, over sets of options.

    An observation is a mapping of `options` float32 (N, A, F), `mask` (N, A), nonzero for the options that exist, and
    `context` float32 (N, G), or the same without N. N may change between calls, and A too, as far as `check_options`
    lets it. A preference is (d,) or (N, d), not negative, with sum one. An absent option is never chosen.

    A training acts with `explore=True` in one thread while another one updates, so the policy that explores must not
    change but in `release`. What is learned and drawn depends on the seed and the calls alone, and goes on bit for bit
    after `save` and loading.
    """

    updates: int
    """Updates made so far."""

    @property
    def shape(self) -> EnvironmentShape:
        """What it was told of its environment."""

    @property
    def config(self) -> LearnerConfig:
        """Its hyper-parameters."""

    @property
    def timer(self) -> SectionTimer:
        """Where its time goes: `sampling` from the replay, and `learning` from what was sampled."""

    @property
    def fixed_options(self) -> int | None:
        """How many options a state of the deployed policy has, absent ones included; None if any number will do."""

    def check_options(self, count: int) -> None:
        """Raise ValueError if states of so many options, absent ones included, are too large for it."""

    def act(
        self, observation: "Observation", preference: "ArrayLike | Tensor", *, explore: bool
    ) -> NDArray[np.int64] | int:
        """Choose an option for each state: (N,) int64, or an int for a single state.

        `explore` tries options out, with the policy that was released last; otherwise the best one known is taken.
        Raises ValueError for a state without any option.
        """

    def explore(self, observation: "Mapping[str, Tensor]", preference: "Tensor") -> "Tensor":
        """Try out an option of each state, (N,) int64, as `act` does with `explore=True`, without leaving the device.

        Observation and preferences (N, d) are tensors of the learner's device. Nothing is checked, and nobody waits for
        the answer. Called by trainings whose environments live on that device, and by no others.
        """

    def eval(self, observation: "Observation", preference: "ArrayLike | Tensor") -> NDArray[np.int64] | int:
        """Choose without exploring, under the name that morl-baselines uses."""

    def action_probabilities(self, observation: "Observation", preference: "ArrayLike | Tensor") -> NDArray[np.float32]:
        """Return how much it is for each option, (N, A), or (A,) for a single state; they sum to one.

        The largest is played without exploring; absent options have exactly 0.
        """

    def deployed(self, preference: Sequence[float] | None = None) -> "nn.Module":
        """Return what it plays without exploring as a module that can be exported, on the weights of the moment.

        Inputs are options, mask, context and preference, with N in front; outputs what `act` and `action_probabilities`
        return. With a `preference` (d,) it plays by that one, whatever is asked for.
        """

    def observe(self, replay: "Replay") -> None:
        """Look at what the warm-up brought, once, before the first update."""

    def release(self) -> None:
        """Explore from now on with the policy as it is now."""

    def update(self, replay: "Replay", progress: float, preference: ArrayLike | None = None) -> "Mapping[str, Tensor]":
        """Learn from a batch of the replay and return the algorithm's metrics, tensors without dimension.

        `progress` in [0, 1] is the share of the training done. With a `preference` (d,) nothing but that one is learned
        for. Raises FloatingPointError when something is not finite.
        """

    def save(self, path: str | Path) -> None:
        """Write one file with all that a run needs to continue, replay apart."""


@dataclass(frozen=True)
class Algorithm:
    """A kind of learner. A package that has one names such an object in an entry point of the group `mecsim.agents`."""

    name: str
    summary: str  # one line
    config: type[LearnerConfig]
    metrics: Mapping[str, str]
    """What each number that `update` of such a learner returns means, and its unit."""
    new: "Callable[[EnvironmentShape, Any, torch.device | str, int], Learner]"
    """Makes one from what it has to know of its environment, a `config`, the device, and a seed."""
    load: "Callable[[Path, torch.device | str], Learner]"
    """Reads on a device what `save` of such a learner wrote; ValueError for another kind of file."""

    @classmethod
    def at(
        cls, place: str, name: str, summary: str, config: type[LearnerConfig], metrics: Mapping[str, str]
    ) -> "Algorithm":
        """Describe a class of learners, `package.module:Class`, that is imported when a learner is made or read."""
        module, _, learner = place.partition(":")
        return cls(name, summary, config, metrics, late_call(module, learner), late_call(module, f"{learner}.load"))
