"""`mecsim.choose`: which measured preference meets targets at least cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.api.fronts import Sweep
from mecsim.api.notebook import Shown
from mecsim.core.system import values_shown
from mecsim.errors import InputError
from mecsim.report.figures import front_figure
from mecsim.sweep import Choice, Goal, Limit, Yardstick, choose_preference, goal_of, limits_of, yardsticks

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

Limits = Mapping[str, float | str]
"""Values by the names that `mecsim choose --list` tells, such as `{"delay_per_task": "5 s"}`; numbers are in s or J."""


@dataclass(frozen=True, eq=False)
class Chosen(Shown):
    """The preference that meets all limits."""

    sweep: Sweep
    choice: Choice
    limits: tuple[Limit, ...]
    goal: Goal

    @property
    def target(self) -> str:
        """Which of the sweep's targets has it."""
        return self.choice.front.target

    @property
    def preference(self) -> NDArray[np.float64]:
        """(objectives,)."""
        return self.choice.preference

    def __repr__(self) -> str:
        return (
            f"Chosen({_place(self.choice)}; {self.choice.meeting} of {self.choice.considered} points meet all limits)"
        )

    def table(self) -> "pl.DataFrame":
        """A row for each limit and for the goal: what is reached, with the ends of its 95 % interval, and the limit."""
        import polars as pl

        asked: dict[str, tuple[Yardstick, str]] = {
            limit.yardstick.name: (limit.yardstick, f"at {'most' if limit.at_most else 'least'} {limit.value:g}")
            for limit in self.limits
        }
        words = "as small as can be" if self.goal.smallest else "as large as can be"
        asked.setdefault(self.goal.yardstick.name, (self.goal.yardstick, words))
        rows = [(self.choice.reached(yardstick), told) for yardstick, told in asked.values()]
        return pl.DataFrame(
            {
                "number": list(asked),
                "value": [reached.value for reached, _ in rows],
                "low95": [reached.low for reached, _ in rows],
                "high95": [reached.high for reached, _ in rows],
                "asked": [told for _, told in rows],
            }
        )

    def figure(self) -> "Figure":
        """The fronts, with a ring around the chosen point where there are two objectives."""
        figure = front_figure(self.sweep.fronts, self.sweep.scenario)
        if len(self.sweep.scenario.objectives) == 2:
            (x, y), *_ = values_shown(self.choice.front.mean[self.choice.index][None], self.sweep.scenario)
            figure.axes[0].plot([x], [y], marker="o", markersize=14, markerfacecolor="none", color="black", zorder=5)
        return figure


def choose(
    sweep: Sweep | str | Path,
    most: Limits | None = None,
    least: Limits | None = None,
    minimize: str | None = None,
    maximize: str | None = None,
    target: str | None = None,
    sure: bool = False,
) -> Chosen:
    """The preference of a sweep that meets all limits at least cost, as `mecsim choose` finds it.

    Args:
        sweep: one, or its folder.
        most: what numbers shall be at most.
        least: what numbers shall be at least.
        minimize: the number that shall be small; what no limit names if neither this nor `maximize` is given.
        maximize: the number that shall be large.
        target: one of the sweep's; the best of all if not given.
        sure: whether the whole 95 % interval has to meet a limit, rather than the estimate.

    Raises:
        InputError: no measured preference meets all limits, or something given cannot be used.
    """
    found = sweep if isinstance(sweep, Sweep) else Sweep.open(sweep)
    fronts = found.fronts if target is None else (found.front(target),)
    known = yardsticks(found.scenario, fronts)
    limits = limits_of(most or {}, least or {}, known)
    goal = goal_of(minimize, maximize, found, limits, known)
    choice = choose_preference(fronts, limits, goal, sure)
    if not isinstance(choice, Choice):
        raise InputError(f"no measured preference meets all limits; nearest to all is {_place(choice.nearest)}")
    return Chosen(found, choice, tuple(limits), goal)


def _place(choice: Choice) -> str:
    return f"{choice.front.label} at {', '.join(f'{weight:.4g}' for weight in choice.preference)}"
