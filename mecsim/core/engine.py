"""What an engine is to everything above: one protocol for all systems, for readable engines, fast ones and devices.

An engine plays N episodes side by side, all at the same decision. Given a tape and actions it is deterministic: it owns
no randomness. Its arrays are those of its namespace `xp`, which follows the array API standard as far as is used here
(NumPy, or a library whose arrays live on a device), so that an engine on a GPU is one file and a line of its system.
"""

from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.tape import Tapes
from mecsim.errors import InputError

ABSENT = -1.0  # every entry of a row whose option does not exist in this episode

ScenarioT = TypeVar("ScenarioT", bound=Scenario)
TapesT = TypeVar("TapesT", bound=Tapes)
TapesT_contra = TypeVar("TapesT_contra", bound=Tapes, contravariant=True)
RecordsT_co = TypeVar("RecordsT_co", covariant=True)


class Observation(NamedTuple):
    """Observations of N episodes; a tuple, so that compiled code can take it.

    Engines write in place, in whatever floating-point type the arrays have.
    """

    options: NDArray[np.floating]  # (N, A, F)
    mask: NDArray[np.int8]  # (N, A) 1 for options that can be taken
    context: NDArray[np.floating]  # (N, G)

    @classmethod
    def empty(cls, episodes: int, shape: tuple[int, int, int], dtype: Any = None, xp: Any = np) -> Self:
        """Arrays of the namespace `xp` to write into; `shape` is (A, F, G), `dtype` float32 if not given."""
        (options, width, context), real = shape, dtype or xp.float32
        return cls(
            options=xp.empty((episodes, options, width), dtype=real),
            mask=xp.empty((episodes, options), dtype=xp.int8),
            context=xp.empty((episodes, context), dtype=real),
        )

    def as_dict(self) -> dict[str, NDArray[Any]]:
        """As Gymnasium has it."""
        return {"options": self.options, "mask": self.mask, "context": self.context}


class Engine(Protocol[TapesT_contra, RecordsT_co]):
    """N episodes of T decisions with A options and Q objectives: those of the system, whatever the scenario asks for.

    It is made of a scenario. `begin`, then for each decision `observe` and `step`, then `records`. What it hands out is
    new at each call, and it keeps nothing of what it is given but the tapes. One that needs a device says by a static
    method `why_not() -> str` what is missing on this machine, if anything is.
    """

    @property
    def xp(self) -> Any:
        """The namespace of its arrays."""

    @property
    def steps(self) -> int:
        """T."""

    @property
    def step_index(self) -> int:
        """Decisions taken so far, in each episode."""

    def begin(self, tapes: TapesT_contra) -> None:
        """Start the episodes of `tapes`.

        Raises InputError for tapes of another scenario.
        """

    def observe(self, out: Observation) -> None:
        """Write the observation of the decision at hand."""

    def option_rewards(self) -> NDArray[np.float64]:
        """What each option is expected to earn at once, (N, A, Q); −inf for options that cannot be taken."""

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Take an option (N,) in each episode and go on to the next decision; rewards (N, Q), larger is better.

        Raises InputError, and changes nothing, for an action that cannot be taken or after the last decision.
        """

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        """`step`, then `observe`; an engine may do both at once."""

    def fork(self) -> Self:
        """An engine at the same point of the same episodes, which goes on by itself: for planners."""

    def records(self) -> RecordsT_co:
        """Let everything come to its end, after which no step can follow, and tell what happened.

        Asked again, it tells the same.
        """


def checked_actions(action: NDArray[np.int64], episodes: int, over: bool, xp: Any = np) -> NDArray[np.int64]:
    """The actions (N,) of a step in the type that engines take; whether they are possible is not looked at.

    `xp`: the namespace of the engine's arrays.

    Raises:
        InputError: they are not one whole number per episode, or the episodes are over.
    """
    if over:
        raise InputError("the episode is over: begin a new one")
    given = xp.asarray(action)
    if given.shape != (episodes,) or not _is_whole(given.dtype):
        found = f"{tuple(given.shape)} {given.dtype}"
        raise InputError(f"one action per episode is expected, ({episodes},) integers, got {found}")
    own: NDArray[np.int64] = xp.empty((episodes,), dtype=xp.int64)  # whatever the strides of what was given
    own[:] = given
    return own


def _is_whole(dtype: Any) -> bool:
    """Whether numbers of a type of NumPy's or PyTorch's are whole."""
    return dtype.kind in "iu" if hasattr(dtype, "kind") else "int" in str(dtype)


def impossible_action(action: int, episode: int, num_options: int, reason: str = "") -> InputError:
    """The error of an action that cannot be taken; `reason` is why one that names an option cannot."""
    if 0 <= action < num_options:
        return InputError(f"action {action} cannot be taken in episode {episode}: {reason}")
    return InputError(f"action {action} names no option: episode {episode} has {num_options}")


class Replayed(Generic[ScenarioT, TapesT, RecordsT_co]):
    """Copies of an engine whose state cannot be copied, such as running processes: its actions are taken again.

    An engine is deterministic, so the copy comes to the same point. This serves `fork`, `copy` and pickling alike.
    """

    def __init__(self, scenario: ScenarioT) -> None:
        self.scenario = scenario
        self._tapes: TapesT | None = None
        self._actions: list[NDArray[np.int64]] = []
        self._ended = False  # by `records`

    def begin(self, tapes: TapesT) -> None:
        """Start the episodes of `tapes`; an engine adds what it does."""
        self._tapes, self._actions, self._ended = tapes, [], False

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Take an option in each episode; an engine adds what it does."""
        raise NotImplementedError

    def records(self) -> RecordsT_co:
        """End the episodes and tell what happened; an engine says how."""
        raise NotImplementedError

    def fork(self) -> Self:
        """See `Engine`."""
        copied = object.__new__(type(self))
        copied.__setstate__(self.__getstate__())
        return copied

    def __getstate__(self) -> tuple[ScenarioT, TapesT | None, list[NDArray[np.int64]], bool]:
        return self.scenario, self._tapes, list(self._actions), self._ended

    def __setstate__(self, state: tuple[ScenarioT, TapesT | None, list[NDArray[np.int64]], bool]) -> None:
        scenario, tapes, actions, ended = state
        type(self).__init__(self, scenario)
        if tapes is not None:
            self.begin(tapes)
            for action in actions:
                self.step(action)
            if ended:
                self.records()
