"""What is shown of a training, whoever shows it: curves by name, pictures, and how to read them."""

import time
from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import values_shown
from mecsim.report.figures import front_figures
from mecsim.report.over_weight import objectives_figure, options_figure
from mecsim.sweep import Front
from mecsim.training import EpochReport, Evaluation, Watched

Array = NDArray[np.float64]

PICTURES_SHARE = 0.03
"""Pictures beside the front are left out where they would take a larger part of the time."""

READING: Mapping[str, str] = {
    "return": "Mean per episode while exploring, over preferences drawn at random. Noisy: see `objectives` for the "
    "policy itself.",
    "objectives": "Mean per episode of the policy as it would be played, for the preference in the name (weights in "
    "the order of the objectives), on the same episodes at every evaluation. It should pass the run `greedy` and level "
    "off.",
    "front/hypervolume": "What the front dominates up to the reference point: higher is better. Level for a quarter of "
    "the training: more steps gain little. Falling: the learning rate is too high.",
    "front/hypervolume_low": "Lower end of the 95 % interval of the hypervolume over episodes.",
    "front/hypervolume_high": "Upper end of the 95 % interval of the hypervolume over episodes.",
    "front/mean_cost": "Scalarised cost at the asked preference, mean over preferences: lower is better.",
    "learning": "What the agent reports of its updates. A loss that grows without end is a learning rate that is too "
    "high; an entropy that falls to 0 early is a policy that no longer tries anything.",
    "seconds": "Where the time of an epoch goes.",
    "actions": "Share of the options in the decisions while exploring: the largest, and how many options are in "
    "use, which is the exponential of the entropy of the shares. 1 in use is a policy that always does the same.",
}
"""What a curve shows, by its name or the first part of it."""

CARD = """\
| where | what |
|---|---|
| Custom scalars | the curves that tell whether the training is healthy, each beside greedy's |
| Time series, Scalars | every curve; the run `greedy` is the reference line |
| Images | `front`: the front with 95 % intervals. `objectives_over_weight`: each objective over its own weight; it \
should get better with the weight. `options_over_weight`: what the policy chooses over the weight of an objective |
| Text | the scenario, the settings and the command |

The step of every curve is the number of decisions in all environments. The first point of what is evaluated is the \
policy before its first update.

| curve | how to read it |
|---|---|
"""


def reading_card() -> str:
    """How to read all of it, as Markdown."""
    return CARD + "".join(f"| `{name}` | {about} |\n" for name, about in READING.items())


def about_curve(name: str) -> str:
    """How to read a curve."""
    return READING.get(name) or READING.get(name.partition("/")[0], "")


def report_curves(report: EpochReport, scenario: Scenario) -> dict[str, float]:
    """The curves' values of an epoch, by name."""
    curves = {f"return/{name}": float(one) for name, one in zip(scenario.objectives, report.returns, strict=True)}
    curves |= {f"learning/{name}": mean for name, mean in report.metrics.items()}
    curves["learning/updates"] = float(report.updates)
    curves |= {f"seconds/{section}": spent_s for section, spent_s in report.section_s.items()}
    used = report.action_shares[report.action_shares > 0.0]
    curves["actions/largest_share"] = float(used.max(initial=0.0))
    curves["actions/options_in_use"] = float(np.exp(-(used * np.log(used)).sum()))
    if report.evaluation is not None:
        curves |= evaluation_curves(report.evaluation, scenario)
    return curves


def greedy_curves(greedy: Evaluation, scenario: Scenario) -> dict[str, float]:
    """The same of the greedy policy, wherever it has a value: its curves are level lines.

    Its returns are means over the preferences of an evaluation.
    """
    overall = values_shown(greedy.totals.mean(axis=(0, 1))[None], scenario)[0]
    returns = {f"return/{name}": float(one) for name, one in zip(scenario.objectives, overall, strict=True)}
    return returns | evaluation_curves(greedy, scenario)


def evaluation_curves(found: Evaluation, scenario: Scenario) -> dict[str, float]:
    """The values of an evaluation, by name."""
    curves = {"front/hypervolume": found.hypervolume, "front/mean_cost": found.mean_cost}
    if not np.isnan(found.hypervolume_ci95):
        curves["front/hypervolume_low"] = found.hypervolume - found.hypervolume_ci95
        curves["front/hypervolume_high"] = found.hypervolume + found.hypervolume_ci95
    shown = values_shown(found.totals.mean(axis=1), scenario)
    for row in told_apart(found.preferences):
        weights = "_".join(f"{weight:.2g}" for weight in found.preferences[row])
        for name, value in zip(scenario.objectives, shown[row], strict=True):
            curves[f"objectives/{name}_at_{weights}"] = float(value)
    return curves


def told_apart(preferences: Array) -> list[int]:
    """The rows of a grid (K, objectives) that have curves: each objective alone, half of it, and even weights."""
    alone = np.eye(preferences.shape[1])
    even = np.full((1, len(alone)), 1.0 / len(alone))
    wanted = np.concatenate([alone, (alone + even) / 2.0, even])
    apart = np.abs(preferences[None] - wanted[:, None]).max(axis=2)
    return sorted(set(apart.argmin(axis=1).tolist()))


class Pictures:
    """Draws what an evaluation found, and keeps count of the time that this takes."""

    def __init__(self, watched: Watched) -> None:
        self._scenario, self._greedy = watched.run.scenario, _front("greedy", watched.greedy)
        self._began_s, self._spent_s = time.perf_counter(), 0.0

    def of(self, report: EpochReport) -> Iterator[tuple[str, Figure]]:
        """Pictures by name, if there was an evaluation: always the front, the others where there is time for them."""
        if report.evaluation is None:
            return
        started_s = time.perf_counter()
        in_time = self._spent_s <= PICTURES_SHARE * (started_s - self._began_s) or report.epoch == report.epochs
        fronts = [_front("policy", report.evaluation), self._greedy]
        yield from front_figures(fronts, self._scenario).items()
        if in_time:
            yield "objectives_over_weight", objectives_figure(fronts, self._scenario)
            yield (
                "options_over_weight",
                options_figure(report.evaluation.preferences, report.evaluation.option_shares, self._scenario),
            )
        self._spent_s += time.perf_counter() - started_s


def _front(name: str, found: Evaluation) -> Front:
    return Front(name, found.preferences, found.totals)
