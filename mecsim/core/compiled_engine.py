"""What engines share whose dynamics are kernels of one episode: everything but the dynamics.

One pass per step and episode, on a target: this processor, or, with `target` alone another, a GPU.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from numpy.typing import NDArray

from mecsim.core.engine import Observation, RecordsT_co, TapesT, checked_actions
from mecsim.core.target import Host, Target, each

SpecT = TypeVar("SpecT", bound=tuple[Any, ...])
StateT = TypeVar("StateT", bound=tuple[Any, ...])


class Kernels(NamedTuple):
    """The dynamics. Each begins with spec, state and the index of the step, and ends with first and last episode."""

    observe: Callable[..., None]  # out: `Observation`
    step: Callable[..., None]  # action (N,), reward (N, Q) to write
    step_and_observe: Callable[..., None]  # both: action, reward, out
    option_rewards: Callable[..., None]  # reward (N, A, Q) to write
    drain: Callable[..., None]  # lets everything come to its end


class CompiledEngine(Generic[SpecT, StateT, TapesT, RecordsT_co]):
    """N episodes in arrays of records; implements most of `Engine`, see there for the meaning of each method."""

    target_type: ClassVar[type[Target]] = Host
    written: ClassVar[tuple[str, ...]]  # fields of the state that steps write to

    def __init__(self, spec: SpecT, steps: int, num_options: int, num_rewards: int) -> None:
        self.spec, self.steps = spec, steps
        self.target = type(self).target_type()
        self.state: StateT
        self.step_index = 0
        self.checks_actions = True
        """Whether a step looks at what it is told to do, for which on a device somebody has to wait."""
        self._num_options, self._num_rewards = num_options, num_rewards
        self._tapes: TapesT
        self._episodes = 0
        self._ended = False

    @property
    def xp(self) -> Any:
        """The namespace of its arrays."""
        return self.target.xp

    @property
    def kernels(self) -> Kernels:
        """Its dynamics."""
        raise NotImplementedError

    def initial_state(self, tapes: TapesT) -> StateT:
        """The state before the first step, in NumPy's arrays.

        Raises:
            InputError: the tapes are of another scenario.
        """
        raise NotImplementedError

    def check_possible(self, action: NDArray[Any]) -> None:
        """Raise InputError if an action (N,) int64 cannot be taken."""
        raise NotImplementedError

    def recorded(self, state: StateT) -> RecordsT_co:
        """What happened, from the state of episodes that came to their end, in NumPy's arrays."""
        raise NotImplementedError

    def begin(self, tapes: TapesT) -> None:
        """See `Engine`."""
        state = self.initial_state(tapes)
        self._tapes, self._episodes, self.state = tapes, len(tapes), each(self.target.place, state)
        self.step_index, self._ended = 0, False

    def observe(self, out: Observation) -> None:
        """See `Engine`."""
        self.run(self.kernels.observe, out)

    def option_rewards(self) -> NDArray[Any]:
        """See `Engine`."""
        reward = self.empty(self._num_options, self._num_rewards)
        self.run(self.kernels.option_rewards, reward)
        return reward

    def step(self, action: NDArray[Any]) -> NDArray[Any]:
        """See `Engine`."""
        possible, reward = self._possible(action), self.empty(self._num_rewards)
        self.run(self.kernels.step, possible, reward)
        self.step_index += 1
        return reward

    def step_and_observe(self, action: NDArray[Any], out: Observation) -> NDArray[Any]:
        """See `Engine`."""
        possible, reward = self._possible(action), self.empty(self._num_rewards)
        self.run(self.kernels.step_and_observe, possible, reward, out)
        self.step_index += 1
        return reward

    def fork(self) -> Self:
        """See `Engine`."""
        copied = copy(self)
        own = {name: each(self.target.copy, getattr(self.state, name)) for name in self.written}
        copied.state = self.state._replace(**own)  # type: ignore[attr-defined]  # a named tuple
        return copied

    def records(self) -> RecordsT_co:
        """See `Engine`."""
        self.run(self.kernels.drain)
        self._ended = True
        return self.recorded(each(self.target.on_host, self.state))

    def run(self, kernel: Callable[..., None], *arguments: object) -> None:
        """Call a kernel for all episodes at the step at hand."""
        self.target.over_rows(kernel, self._episodes, self.spec, self.state, self.step_index, *arguments)

    def empty(self, *shape: int) -> NDArray[Any]:
        """Room (N, *shape) for numbers that a kernel writes and that are handed out."""
        room: NDArray[Any] = self.xp.empty((self._episodes, *shape), dtype=self.xp.float64)
        return room

    def _possible(self, action: NDArray[Any]) -> NDArray[Any]:
        over = self._ended or self.step_index >= self.steps
        given = checked_actions(action, self._episodes, over, self.xp)
        if self.checks_actions:
            self.check_possible(given)
        return given

    def __getstate__(self) -> dict[str, Any]:
        if "state" not in vars(self):
            return dict(vars(self))
        return {**vars(self), "state": each(self.target.on_host, self.state)}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        vars(self).update(kept)
        if "state" in kept:
            self.state = each(self.target.place, self.state)
