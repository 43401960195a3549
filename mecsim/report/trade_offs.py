"""TensorBoard of a sweep: one joint front, curves over the weight, and a session per target and preference."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorboard.plugins.hparams import api_pb2

from mecsim.core.scenario import Scenario
from mecsim.core.system import objectives_of, system_of, values_shown
from mecsim.report.events import EventFile
from mecsim.report.figures import front_figures
from mecsim.report.over_weight import objectives_figure, options_figure, over_weight, told_weights
from mecsim.report.tensorboard_server import SESSION, folder_names
from mecsim.scenario import scenario_to_yaml
from mecsim.sweep import Front, Quality

Array = NDArray[np.float64]

MOST_SESSIONS = 300
"""Of a sweep, each a run of TensorBoard, which selects no run at all by itself where there are more than 500."""

WEIGHT_STEPS = 1000
"""The step of a curve is a whole number: a weight of 0.25 is step 250."""

CARD = """\
| where | what |
|---|---|
| HPARAMS | a session per target and preference. In its parallel coordinates and scatter matrix drag along the axis \
of an objective: what is left are the preferences that reach it. Colour by `target` |
| Images | `front`: all targets on the same axes, with 95 % intervals. `objectives_over_weight`: each objective over \
its own weight. `options_over_weight`, of each target: what it chooses |
| Time series, Scalars | `over_weight`: an objective over its own weight; step 250 is a weight of 0.25 |

| target | hypervolume | mean cost | expected cost at the best point | points on the front |
|---|---|---|---|---|
"""


def write_trade_offs(
    folder: Path, fronts: Sequence[Front], qualities: Mapping[str, Quality], scenario: Scenario
) -> None:
    """The joint front in `folder`, a run for each target below it, and below that one for each preference."""
    names = folder_names([front.label for front in fronts])
    told = _told_quantities(fronts, scenario)
    with EventFile(folder) as file:
        for picture, figure in front_figures(fronts, scenario).items():
            file.figure(picture, figure, 0)
        file.figure("objectives_over_weight", objectives_figure(fronts, scenario), 0)
        file.text("how_to_read", CARD + "".join(_quality_row(front, qualities[front.target]) for front in fronts))
        file.text("scenario", "".join(f"    {line}\n" for line in scenario_to_yaml(scenario).splitlines()))
        file.experiment(_hparams(fronts, scenario), _metrics(told, scenario))
    for front, name in zip(fronts, names, strict=True):
        with EventFile(folder / name) as file:
            _write_target(file, front, qualities[front.target], scenario)
        for row in _evenly(len(front.preferences), max(1, MOST_SESSIONS // len(fronts))):
            weights = "_".join(f"{weight:.4g}" for weight in front.preferences[row])
            with EventFile(folder / name / f"{SESSION}_{weights}") as file:
                chosen = dict(zip(map(_weight, scenario.objectives), front.preferences[row].tolist(), strict=True))
                file.session({"target": front.label, **chosen}, _reached(front, row, told, scenario))


def _write_target(file: EventFile, front: Front, quality: Quality, scenario: Scenario) -> None:
    shown, weights = values_shown(front.mean, scenario), told_weights(front.preferences)
    for column, objective in enumerate(objectives_of(scenario)):
        for weight, value in zip(*over_weight(weights[:, column], shown[:, column]), strict=True):
            step = round(float(weight) * WEIGHT_STEPS)
            file.scalar(f"over_weight/{objective.name}", float(value), step, f"{objective.label}, over its own weight")
    for name in ("hypervolume", "mean_cost", "expected_utility"):
        file.scalar(f"quality/{name}", getattr(quality, name), 0)
    if "share" in front.options:
        figure = options_figure(front.preferences, front.options["share"], scenario)
        file.figure("options_over_weight", figure, 0)


def _quality_row(front: Front, quality: Quality) -> str:
    numbers = (quality.hypervolume, quality.mean_cost, quality.expected_utility)
    return f"| {front.label} | {' | '.join(f'{number:.4g}' for number in numbers)} | {quality.cardinality} |\n"


def _weight(objective: str) -> str:
    return f"weight_{objective}"


def _hparams(fronts: Sequence[Front], scenario: Scenario) -> list[api_pb2.HParamInfo]:
    target = api_pb2.HParamInfo(name="target", type=api_pb2.DATA_TYPE_STRING)
    for label in dict.fromkeys(front.label for front in fronts):
        target.domain_discrete.values.add(string_value=label)
    whole = api_pb2.Interval(min_value=0.0, max_value=1.0)
    weights = [
        api_pb2.HParamInfo(name=_weight(name), type=api_pb2.DATA_TYPE_FLOAT64, domain_interval=whole)
        for name in scenario.objectives
    ]
    return [target, *weights]


def _told_quantities(fronts: Sequence[Front], scenario: Scenario) -> list[str]:
    """Quantities that are metrics beside the objectives: those that differ among points and repeat no objective."""
    objectives = np.concatenate([values_shown(front.mean, scenario) for front in fronts])
    told = []
    for name in set.intersection(*(set(front.quantities) for front in fronts)):
        means = np.concatenate([front.quantities[name].mean(axis=1) for front in fronts])
        repeats = np.isclose(means[:, None], objectives).all(axis=0).any()
        if not repeats and not np.isnan(means).any() and np.ptp(means) > 1e-9 * np.abs(means).max():
            told.append(name)
    return sorted(told, key=list(fronts[0].quantities).index)


def _metrics(quantities: Sequence[str], scenario: Scenario) -> list[api_pb2.MetricInfo]:
    shown = {f"objective/{one.name}": one.label for one in objectives_of(scenario)}
    shown |= {f"quantity/{name}": system_of(scenario).quantities[name] for name in quantities}
    return [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=label) for tag, label in shown.items()]


def _reached(front: Front, row: int, quantities: Sequence[str], scenario: Scenario) -> dict[str, float]:
    """What a target came to for a preference, as metrics by their tags."""
    shown = values_shown(front.mean[row][None], scenario)[0].tolist()
    reached = {f"objective/{name}": value for name, value in zip(scenario.objectives, shown, strict=True)}
    return reached | {f"quantity/{name}": float(front.quantities[name][row].mean()) for name in quantities}


def _evenly(count: int, most: int) -> list[int]:
    """At most `most` of the rows 0 … count − 1, evenly spread, both ends among them."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))
