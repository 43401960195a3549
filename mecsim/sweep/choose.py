"""The preference that meets targets at least cost, among those that a sweep measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import objectives_of
from mecsim.errors import InputError
from mecsim.policies import Calibration
from mecsim.sweep.front import Front, half_width_95
from mecsim.sweep.results import SweepResult
from mecsim.sweep.yardsticks import Estimates, Yardstick, named_yardstick

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Limit:
    """A target: a number that shall be at most, or at least, so large."""

    yardstick: Yardstick
    at_most: bool
    value: float

    def excess(self, reached: Array) -> Array:
        """By how much numbers miss it, ≤ 0 where they meet it."""
        return reached - self.value if self.at_most else self.value - reached

    def met(self, estimates: Estimates, sure: bool) -> NDArray[np.bool_]:
        """Where it is met, (K,): by the estimate, or if it has to be sure by the whole interval."""
        return np.asarray(self.excess(self.pessimistic(estimates) if sure else estimates.value) <= 0.0)

    def pessimistic(self, estimates: Estimates) -> Array:
        """The end of the intervals that is nearer to missing it, (K,); NaN where there is none."""
        return estimates.high if self.at_most else estimates.low


@dataclass(frozen=True)
class Goal:
    """What is best among the preferences that meet all targets."""

    yardstick: Yardstick
    smallest: bool

    def loss(self, values: Array) -> Array:
        """What is to be small."""
        return values if self.smallest else -values


@dataclass(frozen=True)
class Reached:
    """A number at the chosen preference, with the ends of its 95 % interval."""

    yardstick: Yardstick
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """A preference of a target of the sweep."""

    front: Front
    index: int  # of the preference
    meeting: int  # how many preferences of all targets meet all limits
    considered: int  # of how many
    price: float | None  # how much worse than without limits the goal is; None if it is no mean over episodes
    price_ci95: float | None  # of paired episodes

    @property
    def preference(self) -> Array:
        """(objectives,)."""
        return np.asarray(self.front.preferences[self.index])

    def reached(self, yardstick: Yardstick) -> Reached:
        """What it reaches in a number."""
        found = yardstick.estimates(self.front)
        return Reached(yardstick, *(float(of[self.index]) for of in (found.value, found.low, found.high)))


@dataclass(frozen=True)
class Nothing:
    """No preference meets all limits."""

    best: tuple[tuple[Limit, Reached, Choice], ...]  # of each limit, the preference that comes nearest to it alone
    nearest: Choice  # whose worst relative excess is least


def limits_of(most: Mapping[str, object], least: Mapping[str, object], known: Mapping[str, Yardstick]) -> list[Limit]:
    """Limits by the names of numbers and texts or numbers: what shall be at most, then what shall be at least.

    Raises:
        InputError: there is no such number, or a value cannot be used.
    """
    limits = []
    for at_most, given in ((True, most), (False, least)):
        for name, value in given.items():
            yardstick = named_yardstick(name, known)
            limits.append(Limit(yardstick, at_most, yardstick.parsed(str(value))))
    return limits


def goal_of(
    minimize: str | None,
    maximize: str | None,
    result: SweepResult,
    limits: Sequence[Limit],
    known: Mapping[str, Yardstick],
) -> Goal:
    """What shall be small, or large, by its name; without one the `default_goal`.

    Raises:
        InputError: there is no such number, or both are given.
    """
    if minimize and maximize:
        raise InputError("minimize and maximize: give one of them")
    if name := minimize or maximize:
        return Goal(named_yardstick(name, known), smallest=bool(minimize))
    return default_goal(result.scenario, result.calibration, limits, list(known.values()))


def default_goal(
    scenario: Scenario, calibration: Calibration, limits: Sequence[Limit], all_of: Sequence[Yardstick]
) -> Goal:
    """The one objective that no target names; of several or none the even-weighted cost."""
    named = {limit.yardstick.name for limit in limits}
    free = [one for one in objectives_of(scenario) if not any(one.name in name for name in named)]
    if len(free) == 1 and limits:
        yardstick = next(each for each in all_of if each.name == free[0].name)
        return Goal(yardstick, smallest=not free[0].higher_is_better)

    def cost(front: Front) -> Estimates:
        episodes = np.asarray((front.totals / calibration.scale).mean(axis=2))
        half = half_width_95(episodes, axis=1)
        value = episodes.mean(axis=1)
        return Estimates(value, value - half, value + half, episodes)

    return Goal(Yardstick("cost", "even-weighted cost, in scales of the objectives", "", cost), smallest=True)


def choose(fronts: Sequence[Front], limits: Sequence[Limit], goal: Goal, sure: bool = False) -> Choice | Nothing:
    """The best preference for a goal among those of all fronts that meet all limits; the first of equal ones.

    With `sure` the whole 95 % interval of a number has to meet its limit, not the estimate alone.

    Raises:
        InputError: there are no intervals to be sure by.
    """
    losses = [goal.loss(goal.yardstick.estimates(front).value) for front in fronts]
    meeting = []
    for front in fronts:
        fits = np.ones(len(front.preferences), np.bool_)
        for limit in limits:
            estimates = limit.yardstick.estimates(front)
            if sure and np.isnan(limit.pessimistic(estimates)).all():
                raise InputError(f"{limit.yardstick.name}: so few episodes leave no interval to be sure by; sweep more")
            fits &= limit.met(estimates, sure)
        meeting.append(fits)
    numbers = sum(int(fits.sum()) for fits in meeting), sum(len(fits) for fits in meeting)
    free = _best(losses)
    if not numbers[0]:
        return _nothing(fronts, limits, sure, numbers)
    at = _best([np.where(fits, loss, np.inf) for fits, loss in zip(meeting, losses, strict=True)])
    return Choice(fronts[at[0]], at[1], *numbers, *_price(fronts, goal, at, free))


def _best(losses: Sequence[Array]) -> tuple[int, int]:
    """Front and preference of the smallest loss; NaN is none."""
    smallest = [float(np.nanmin(np.append(loss, np.inf))) for loss in losses]
    front = int(np.argmin(smallest))
    return front, int(np.argmin(np.where(np.isnan(losses[front]), np.inf, losses[front])))


def _price(
    fronts: Sequence[Front], goal: Goal, at: tuple[int, int], free: tuple[int, int]
) -> tuple[float | None, float | None]:
    def episodes(place: tuple[int, int]) -> Array | None:
        found = goal.yardstick.estimates(fronts[place[0]]).episodes
        return None if found is None else goal.loss(found[place[1]])

    chosen, best = episodes(at), episodes(free)
    if chosen is None or best is None:
        return None, None
    apart = chosen - best
    apart = apart[~np.isnan(apart)]
    return float(apart.mean()), float(half_width_95(apart))


def _nothing(fronts: Sequence[Front], limits: Sequence[Limit], sure: bool, numbers: tuple[int, int]) -> Nothing:
    def excess(limit: Limit, front: Front) -> Array:
        found = limit.yardstick.estimates(front)
        return limit.excess(limit.pessimistic(found) if sure else found.value)

    def at(loss: Callable[[Front], Array]) -> Choice:
        front, index = _best([loss(front) for front in fronts])
        return Choice(fronts[front], index, *numbers, None, None)

    def alone(limit: Limit) -> tuple[Limit, Reached, Choice]:
        found = at(lambda front: excess(limit, front))
        return limit, found.reached(limit.yardstick), found

    def worst(front: Front) -> Array:
        each = [excess(limit, front) / max(abs(limit.value), 1e-12) for limit in limits]
        return np.asarray(np.max(each, axis=0))

    return Nothing(tuple(alone(limit) for limit in limits), at(worst))
