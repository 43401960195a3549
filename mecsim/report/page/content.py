"""What the page shows, as plain data for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import layout_of, objectives_of, system_of, values_shown
from mecsim.core.timeline import Timeline
from mecsim.report.front_axes import shown_ci95
from mecsim.report.page.episodes import spread_preferences, timeline_data
from mecsim.report.page.learning import Curve
from mecsim.report.page.numbers import short
from mecsim.report.style import colour_and_marker
from mecsim.report.sweeps import named_fronts
from mecsim.scenario import scenario_to_yaml
from mecsim.sweep import Front, SweepResult, on_front
from mecsim.sweep.details import LEVELS, mean_and_ci95

MOST_PREFERENCES = 201  # of a target
MOST_OPTIONS = 16  # that are shown one by one

Episodes = Mapping[int, Timeline]
"""By the index of the preference."""


def thinned(sweep: SweepResult) -> SweepResult:
    """The same with at most `MOST_PREFERENCES` preferences of each target, spread over all of them."""
    fronts = []
    for front in sweep.fronts:
        kept = front.preferences[spread_preferences(front.preferences, MOST_PREFERENCES)]
        fronts.append(front if len(kept) == len(front.preferences) else front.restricted(kept, front.totals.shape[1]))
    return replace(sweep, fronts=tuple(fronts))


def page_content(
    sweeps: Sequence[SweepResult],
    curves: Sequence[Sequence[Curve]],
    episodes: Sequence[Episodes | str],
) -> dict[str, Any]:
    """Everything on the page.

    Args:
        sweeps: of scenarios with the same objectives.
        curves: learning curves of each target of the sweeps, in their order.
        episodes: of each target, or why there are none.
    """
    scenario = sweeps[0].scenario
    named, targets = named_fronts(sweeps), list[dict[str, Any]]()
    for number, sweep in enumerate(sweeps):
        for front in sweep.fronts:
            index = len(targets)
            targets.append(
                {
                    "label": named[index].label,
                    "colour": colour_and_marker(index)[0],
                    "sweep": number,
                    **_front(front, sweep.scenario),
                    "measures": sweep.summary["targets"].get(front.target, {}),
                    "learning": [_curve(curve) for curve in curves[index]],
                    **_episodes(episodes[index]),
                }
            )
    return {
        "title": scenario.description or "Trade-offs",
        "objectives": [
            {"name": one.name, "label": one.label, "higher_is_better": one.higher_is_better}
            for one in objectives_of(scenario)
        ],
        "sweeps": [_sweep(sweep) for sweep in sweeps],
        "targets": targets,
    }


def _sweep(sweep: SweepResult) -> dict[str, Any]:
    """The scenario and where the numbers come from."""
    provenance = {name: value for name, value in sweep.summary.items() if name not in ("targets", "format")}
    return {
        "folder": str(sweep.folder),
        "seed": sweep.seed,
        "scenario": scenario_to_yaml(sweep.scenario),
        "provenance": provenance,
    }


def _front(front: Front, scenario: Scenario) -> dict[str, Any]:
    return {
        "target": front.target,
        "preferences": short(front.preferences),
        "mean": short(values_shown(front.mean, scenario)),
        "ci95": short(shown_ci95(front)),
        "intervals": "over trainings" if front.trainings else "over episodes",
        "on_front": on_front(front.mean).tolist(),
        "episodes": front.totals.shape[1],
        "quantities": [*_quantities(front, scenario), *_tails(front, scenario)],
        "options": _options(front, layout_of(scenario).option_names),
    }


def _quantities(front: Front, scenario: Scenario) -> list[dict[str, Any]]:
    named = system_of(scenario).quantities
    found = {name: mean_and_ci95(values) for name, values in front.quantities.items()}
    return [{"label": named[name], "value": short(mean), "half": short(half)} for name, (mean, half) in found.items()]


def _tails(front: Front, scenario: Scenario) -> list[dict[str, Any]]:
    """Quantiles over tasks or requests; the half width is that of the farther end of their interval."""
    named, told = system_of(scenario).units, []
    for name, tails in front.details.tails.items():
        for level, (value, low, high) in zip(LEVELS, tails.transpose(1, 2, 0), strict=True):
            half = np.maximum(value - low, high - value)
            told.append({"label": f"{level:.0%} quantile: {named[name]}", "value": short(value), "half": short(half)})
    return told


def _options(front: Front, names: Sequence[str]) -> dict[str, Any]:
    """What the options had that are taken most at any preference, and the share of all others together."""
    if "share" not in front.options:
        return {"names": [], "values": {}}
    share = front.options["share"]
    kept, rest = _most_taken(share)
    values = {name: short(table[:, kept]) for name, table in front.options.items()}
    words = [names[index].replace("_", " ") for index in kept]
    if len(rest):
        words.append(f"{len(rest)} others")
        for name, table in front.options.items():
            together = table[:, rest].sum(axis=1) if name == "share" else np.full(len(table), np.nan)
            for row, value in zip(values[name], short(together), strict=True):
                row.append(value)
    return {"names": words, "values": values}


def _most_taken(share: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Options that are shown one by one, in their order, and those that are not."""
    if share.shape[1] <= MOST_OPTIONS:
        return np.arange(share.shape[1]), np.arange(0)
    order = np.argsort(-np.nan_to_num(share).max(axis=0), kind="stable")
    return np.sort(order[: MOST_OPTIONS - 1]), np.sort(order[MOST_OPTIONS - 1 :])


def _curve(curve: Curve) -> dict[str, Any]:
    steps, values = curve.env_steps.tolist(), short(curve.values)
    return {"metric": curve.metric, "label": curve.label, "run": curve.run, "x": steps, "y": values}


def _episodes(found: Episodes | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"timelines": {}, "no_timelines": found}
    return {"timelines": {str(index): timeline_data(one) for index, one in found.items()}, "no_timelines": ""}
