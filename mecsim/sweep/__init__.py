"""Fronts: policies played over a grid of preferences on common random numbers.

`mecsim.sweep(targets, …)` plays them and returns a `mecsim.Sweep`; `mecsim.api.fronts.sweep` says all about it.
"""

import sys
from types import ModuleType
from typing import Any

from mecsim.core.plugins import Reference
from mecsim.sweep.bootstrap import Estimate, estimates
from mecsim.sweep.choose import Choice, Goal, Limit, Nothing, Reached, default_goal, goal_of, limits_of
from mecsim.sweep.choose import choose as choose_preference
from mecsim.sweep.cluster import Cluster
from mecsim.sweep.compare import Comparison, Side
from mecsim.sweep.compare import compare as compare_sides
from mecsim.sweep.distribute import Workers
from mecsim.sweep.evaluate import evaluate, sweep, tape_chunks
from mecsim.sweep.files import assess, summary, write_front_csv, write_json
from mecsim.sweep.front import Front, half_width_95
from mecsim.sweep.indicators import Quality, hypervolume, mean_cost, on_front
from mecsim.sweep.measures import MEASURES, Difference, compared, differences, measured
from mecsim.sweep.planned import planned
from mecsim.sweep.preferences import preference_grid
from mecsim.sweep.results import SweepResult, check_sweeps, is_sweep, read_sweep, write_results
from mecsim.sweep.resume import SweepSettings, resume_store, start_store
from mecsim.sweep.store import Store
from mecsim.sweep.targets import check_playable, check_targets, policy_factory, runs_of, scenario_of_runs, with_greedy
from mecsim.sweep.validation import training_evaluation
from mecsim.sweep.warnings import beyond_reference, collapsed, collapsed_runs, concerns, foreseen
from mecsim.sweep.yardsticks import Yardstick, yardsticks

__all__ = [
    "MEASURES",
    "Choice",
    "Cluster",
    "Comparison",
    "Difference",
    "Estimate",
    "Front",
    "Goal",
    "Limit",
    "Nothing",
    "Quality",
    "Reached",
    "Side",
    "Store",
    "SweepResult",
    "SweepSettings",
    "Workers",
    "Yardstick",
    "assess",
    "beyond_reference",
    "check_playable",
    "check_sweeps",
    "check_targets",
    "choose_preference",
    "collapsed",
    "collapsed_runs",
    "compare_sides",
    "compared",
    "concerns",
    "default_goal",
    "differences",
    "estimates",
    "evaluate",
    "foreseen",
    "goal_of",
    "half_width_95",
    "hypervolume",
    "is_sweep",
    "limits_of",
    "mean_cost",
    "measured",
    "on_front",
    "planned",
    "policy_factory",
    "preference_grid",
    "read_sweep",
    "resume_store",
    "runs_of",
    "scenario_of_runs",
    "start_store",
    "summary",
    "sweep",
    "tape_chunks",
    "training_evaluation",
    "with_greedy",
    "write_front_csv",
    "write_json",
    "write_results",
    "yardsticks",
]


class _Called(ModuleType):
    """`mecsim.sweep(…)` is `mecsim.api.fronts.sweep`: a package that is imported takes the place of a function of its
    name, in whatever order both are asked for, so it has to be both."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return Reference[Any]("mecsim.api.fronts:sweep").load()(*given, **named)


sys.modules[__name__].__class__ = _Called
