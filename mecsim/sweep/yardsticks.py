"""Numbers of a sweep that a person may set targets for, by name: objectives, quantities, quantiles of both.

`delay` is an objective's total per episode, `delay_per_task_s` a quantity, which may be named without its unit. With
`_p95` after it (`_p05`, `_p50`, `_p99`) a number of episodes means the quantile over episodes; one of tasks or
requests, such as `task_delay_p95`, the quantile over all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import objectives_of, system_of
from mecsim.errors import InputError
from mecsim.schema.units import parse_quantity
from mecsim.schema.words import nearest
from mecsim.sweep.details import LEVELS, level_name, mean_and_ci95, quantiles
from mecsim.sweep.front import Front, half_width_95

Array = NDArray[np.float64]
Found = TypeVar("Found")

UNITS = {"s": "duration", "j": "energy"}  # ends of names, and what is measured in them
SHORTEST = 2  # names without a unit have at least so many parts


@dataclass(frozen=True)
class Estimates:
    """What a target reached in one number for each of K preferences, with the ends of its 95 % interval."""

    value: Array  # (K,)
    low: Array  # (K,) NaN where there is no interval
    high: Array  # (K,)
    episodes: Array | None  # (K, N) whose mean `value` is; None of a quantile


@dataclass(frozen=True)
class Yardstick:
    """A number by which preferences are judged."""

    name: str
    about: str  # for people, with the unit
    unit: str  # s, j, or nothing
    estimates: Callable[[Front], Estimates]

    def parsed(self, text: str) -> float:
        """A value such as `5 s`, `900`, `0.02` or `2 %`, in the unit of the number.

        Raises:
            InputError: it is no such value.
        """
        number, percent = text.strip(), text.strip().endswith("%")
        try:
            if percent and not self.unit:
                return float(number[:-1]) / 100.0
            kind = UNITS.get(self.unit)
            try:
                return float(number)
            except ValueError:
                if kind is None:
                    raise
            return parse_quantity(_spaced(number), kind, zero=True)
        except ValueError as error:
            told = str(error) if self.unit in UNITS else f"expected a number, got {text!r}"
            raise InputError(f"{self.name}={text}: {told}") from None


def _spaced(text: str) -> str:
    """`5s` as `5 s`."""
    digits = len(text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZµ"))
    return f"{text[:digits].rstrip()} {text[digits:]}".strip()


def yardsticks(scenario: Scenario, fronts: Sequence[Front]) -> dict[str, Yardstick]:
    """All numbers that every one of these fronts has, by their whole names."""
    system = system_of(scenario)
    found = []
    for position, one in enumerate(objectives_of(scenario)):
        unit = one.unit.lower() if one.unit.lower() in UNITS else ""
        found += _of_episodes(one.name, one.label, unit, _objective(position, scenario))
    objectives = {one.name for one in system.objectives}
    for name, about in system.quantities.items():
        if name not in objectives and all(name in front.quantities for front in fronts):
            found += _of_episodes(name, about, _unit(name), _quantity(name))
    for name, about in system.units.items():
        if all(name in front.details.tails for front in fronts):
            for index, level in enumerate(LEVELS):
                told = f"{about}, {level:.0%} quantile"
                whole = f"{name}_{level_name(level)}"
                found.append(Yardstick(whole, told, _unit(name), _tail(name, index)))
    return {one.name: replace(one, estimates=_once(one.estimates)) for one in found}


def named_yardstick(name: str, known: Mapping[str, Yardstick]) -> Yardstick:
    """The one of a name, which may lack the unit.

    Raises:
        InputError: there is none.
    """
    if name in known:
        return known[name]
    for one in known.values():
        if one.unit and name == _without_unit(one.name, one.unit):
            return one
    raise InputError(f"{name}: is no number of this sweep, {nearest(name, known)}; all of them: --list")


def _without_unit(name: str, unit: str) -> str:
    parts = name.split("_")
    return "_".join(part for i, part in enumerate(parts) if not (part == unit and i >= len(parts) - SHORTEST))


def _unit(name: str) -> str:
    end = name.rsplit("_", 1)[-1]
    return end if end in UNITS else ""


def _once(found: Callable[[Front], Found]) -> Callable[[Front], Found]:
    """The same, computed once for each front."""
    known: dict[int, tuple[Front, Found]] = {}

    def once(front: Front) -> Found:
        if id(front) not in known:
            known[id(front)] = front, found(front)  # kept, so that the number stays its own
        return known[id(front)][1]

    return once


def _of_episodes(name: str, about: str, unit: str, values: Callable[[Front], Array]) -> list[Yardstick]:
    """The mean, and the quantiles over episodes."""

    def mean(front: Front) -> Estimates:
        episodes = values(front)
        value, half = mean_and_ci95(episodes)
        if front.trainings:  # each counts as one value; what they share is in the interval over episodes
            half = np.fmax(half, half_width_95(np.stack([np.nanmean(values(one), axis=1) for one in front.trainings])))
        return Estimates(value, value - half, value + half, episodes)

    levels = _once(lambda front: np.stack([quantiles(row[:, None]) for row in values(front)], axis=2))

    def quantile(index: int) -> Callable[[Front], Estimates]:
        def estimates(front: Front) -> Estimates:
            value, low, high = levels(front)[index]
            return Estimates(value, low, high, None)

        return estimates

    tails = [
        Yardstick(f"{name}_{level_name(one)}", f"{about}, {one:.0%} quantile over episodes", unit, quantile(i))
        for i, one in enumerate(LEVELS)
    ]
    return [Yardstick(name, about, unit, mean), *tails]


def _objective(position: int, scenario: Scenario) -> Callable[[Front], Array]:
    one = objectives_of(scenario)[position]
    return lambda front: one.value(front.totals[:, :, position])


def _quantity(name: str) -> Callable[[Front], Array]:
    return lambda front: front.quantities[name]


def _tail(name: str, index: int) -> Callable[[Front], Estimates]:
    def estimates(front: Front) -> Estimates:
        value, low, high = front.details.tails[name][:, index].T
        return Estimates(value, low, high, None)

    return estimates
