"""How the cost of a step grows with the number of servers, users, environments, histogram bins and steps.

    python experiments/scaling/run.py

One quantity at a time is varied around `gmorl-e6`; the load of the servers and the tasks per second stay what they are.
Costs are those of one environment step of the compiled engine with its observation, under uniformly random actions, of
drawing new episodes, for each of their steps, and of one gradient update with the default settings. Each is the fastest
of several repetitions, as other programs only slow one down. A slope is that of a straight line through the logarithms
of the larger half of the values: 1 is linear, below 1 better. All costs are of one environment, so more of them side by
side are linear at a slope of 0.
"""

import time

import numpy as np

from mecsim.bench.engines import engine_steps_per_s
from mecsim.bench.training import update_s
from mecsim.cli import main
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.training import TrainingConfig

AXES: dict[str, tuple[int, ...]] = {
    "servers": (2, 4, 8, 16, 32, 64, 128, 256),  # the cloud and at least one edge
    "users": (10, 100, 1_000, 10_000, 100_000),
    "environments": (1, 4, 16, 64, 256, 1024, 4096, 16_384),
    "bins": (1, 4, 16, 64, 256, 1000),
    "steps": (100, 400, 1_600, 6_400, 25_600),
}
QUICK = {"servers": (2, 4), "users": (10, 100), "environments": (1, 8), "bins": (1, 8), "steps": (10, 20)}
ENVS, ENVS_OF_USERS = 256, 32  # side by side; with 100,000 users each of them needs 11 MB
ENVS_OF_STEPS = 16  # with 25,600 steps each of them takes as long as 256 usual ones
REPETITIONS, UPDATES_S = 3, 2.0
COSTS = {"env_step_us": "environment step (µs)", "draw_us": "drawing, per step (µs)", "update_ms": "update (ms)"}


@experiment(__file__)
def run(study: Study) -> None:
    """Time of an environment step and of an update against the size of a scenario."""
    rows: list[dict[str, object]] = []
    for axis, values in (QUICK if study.quick else AXES).items():
        costs: dict[str, list[float]] = {}
        for value in values:
            for name, cost in _measured(axis, value, study.quick).items():
                costs.setdefault(name, []).append(cost)
        slopes = {name: _slope(values, of) for name, of in costs.items()}
        for index, value in enumerate(values):
            row: dict[str, object] = {"axis": axis, "value": value}
            row |= {name: costs[name][index] if name in costs else None for name in COSTS}
            last = index == len(values) - 1
            row |= {f"{name}_slope": slopes[name] if last and name in slopes else None for name in COSTS}
            rows.append(row)
    study.write(rows, threads=study.threads, envs=ENVS, envs_of_users=ENVS_OF_USERS, envs_of_steps=ENVS_OF_STEPS)
    panels = []
    for axis in AXES:
        of = [row for row in rows if row["axis"] == axis]
        sizes = [row["value"] for row in of]
        curves = [
            Curve(label, sizes, [row[name] for row in of]) for name, label in COSTS.items() if of[0][name] is not None
        ]
        panels.append(Panel(f"number of {axis}", "time", curves, log=True))
    save_lines(study.out / "scaling.png", "Cost against size, gmorl-e6", panels)


def _measured(axis: str, value: int, quick: bool) -> dict[str, float]:
    """The costs of a scenario with that many of something."""
    scenario = _varied(axis, value)
    envs = {"environments": value, "users": ENVS_OF_USERS, "steps": ENVS_OF_STEPS}.get(axis, ENVS)
    if quick:
        envs = min(envs, 8)
    found = {"env_step_us": 1e6 / engine_steps_per_s(scenario, envs, REPETITIONS)}
    found["draw_us"] = 1e6 * _draw_s(scenario, envs) / (envs * scenario.episode.steps)
    if axis in ("servers", "bins"):  # what an update sees; it depends on nothing else
        # No more than what is played: 256 servers would fill 5 GB of the default.
        settings = {"num_envs": "8" if quick else "64"}
        settings["replay_capacity"] = str(int(settings["num_envs"]) * scenario.episode.steps)
        config = TrainingConfig().with_settings(settings)
        found["update_ms"] = 1e3 * update_s(scenario, config, within_s=0.0 if quick else UPDATES_S)
    return found


def _varied(axis: str, value: int) -> OffloadScenario:
    """`gmorl-e6` with that many of something."""
    base = load_scenario("gmorl-e6")
    if axis == "servers":  # the cloud is one of them
        return with_context(base, {"edges": str(value - 1)})
    if axis == "steps":  # random actions overload some servers, where tasks pile up for as long as an episode lasts
        return with_context(base, {"episode.steps": str(value)})
    if axis == "bins":
        return with_context(base, {"observation.histogram.bins": str(value)})
    if axis == "users":  # who send as many tasks together, so that nothing but the users grows
        together_per_s = base.users.count * base.users.arrival_rate_per_s
        return with_context(base, {"users.count": str(value), "users.arrival_rate": f"{together_per_s / value!r} /s"})
    return base


def _draw_s(scenario: OffloadScenario, envs: int) -> float:
    """Seconds to draw an episode of each environment, new ones every time."""
    taken_s = []
    for seed in range(1, REPETITIONS + 1):
        started_s = time.perf_counter()
        draw_tapes(scenario, seed, 0, envs)
        taken_s.append(time.perf_counter() - started_s)
    return min(taken_s)


def _slope(sizes: tuple[int, ...], costs: list[float]) -> float:
    """By which power costs grow, over the larger half of the sizes."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(costs[half:]), 1)[0]) if len(sizes) > 3 else np.nan


if __name__ == "__main__":
    main(program=run)
