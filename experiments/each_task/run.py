"""A decision for each task as it arrives: what is learned, what three objectives trade off, how fast an hour passes.

    python experiments/each_task/run.py

`gmorl-e6-tasks`, three trainings: mean cost at the asked preference, expected utility and hypervolume against greedy
and lookahead on common random numbers (`tasks.csv`). The same system with deadlines and prices, one training: delay,
share of missed deadlines and price of greedy and of the agent (`services.csv`). Hours with as many Poisson arrivals as
Azure's hours of requests to language models have tasks: the processor time of one of them on the batched engine,
compiled before, without choosing (`hours.csv`). With --part one of the tables alone.
"""

import time

import click
import numpy as np

from mecsim.cli import main
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.policies import Calibration, calibrate
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import Front, compared, measured

TRAINED, PLANNER, SERVICES = (21, 1000), (21, 200), (15, 400)
SEEDS = 3
SERVICE_KEYS = {
    "tasks.deadline": "[5, 30] s",
    "servers.cloud.price.per_gigacycle": "0.02",
    "servers.edge.price.per_gigacycle": "0.005",
    "objectives": "[delay, misses, price]",
    "evaluation.reference": "null",
    "evaluation.scale": "null",
}
SERVICE_STEPS = 640_000
HOURS, REPEATS = (8_819, 19_366), 5  # tasks of the hours of Azure's code and conversation requests, 2023


@experiment(__file__)
@click.option("--part", type=click.Choice(["tasks", "services", "hours"]), help="One table alone.")
def run(study: Study, part: str | None) -> None:
    """Decisions at the arrival of tasks."""
    parts = {"tasks": tasks, "services": services, "hours": hours}
    for name in [part] if part else parts:
        parts[name](study)


def tasks(study: Study) -> None:
    """One policy for six edges, beside greedy and lookahead."""
    scenario = load_scenario("gmorl-e6-tasks")
    calibration = calibrate(scenario)
    folders = {_folder("e6-tasks", seed): seed for seed in range(1 if study.quick else SEEDS)}
    trained = {f"seed {seed}": run for seed, run in enumerate(study.trained_seeds(scenario, folders))}
    targets = {"greedy": "greedy", **trained}
    fronts = dict(zip(targets, study.fronts(list(targets.values()), scenario, *TRAINED), strict=True))
    fronts |= dict(zip(["lookahead"], study.fronts(["lookahead"], scenario, *PLANNER), strict=True))
    common = study.grid(scenario, PLANNER[0]), study.episodes(PLANNER[1])
    rows: list[dict[str, object]] = []
    for name, front in fronts.items():
        part = front.restricted(*common)
        row: dict[str, object] = {"target": name, "episodes": part.totals.shape[1], **measured(part, calibration)}
        for other in ("greedy", "lookahead"):
            row |= compared(part, fronts[other].restricted(*common), calibration, other)
        rows.append(row)
    study.write(rows, "tasks", reference="3000 s, 6 J")
    greedy = _cost(fronts["greedy"].restricted(*common), calibration)
    curves = [
        Curve(name, common[0][:, 0].tolist(), (_cost(front.restricted(*common), calibration) / greedy).tolist(), None)
        for name, front in fronts.items()
        if name != "greedy"
    ]
    panel = Panel("weight of delay", "cost at that preference, ratio to greedy", curves)
    save_lines(study.out / "tasks.png", "gmorl-e6-tasks: cost where it was asked for", [panel])


def services(study: Study) -> None:
    """Three objectives: delay, deadlines that are missed, and money."""
    scenario = with_context(load_scenario("gmorl-e6-tasks"), SERVICE_KEYS)
    run = study.trained(scenario, "services", SERVICE_STEPS)
    targets = {"greedy": "greedy", "agent": run}
    fronts = dict(zip(targets, study.fronts(list(targets.values()), scenario, *SERVICES), strict=True))
    calibration = calibrate(scenario)
    rows: list[dict[str, object]] = []
    for name, front in fronts.items():
        told = {**measured(front, calibration), **compared(front, fronts["greedy"], calibration, "greedy")}
        for preference, mean in zip(front.preferences.tolist(), front.mean.tolist(), strict=True):
            weights = {f"weight_{one}": weight for one, weight in zip(scenario.objectives, preference, strict=True)}
            rows.append({"target": name, **weights, **dict(zip(scenario.objectives, mean, strict=True)), **told})
    study.write(rows, "services")


def hours(study: Study) -> None:
    """How long an hour takes: one episode, a policy that looks at nothing, and each decision a call from Python."""
    rows: list[dict[str, object]] = []
    for count in (50,) if study.quick else HOURS:
        keys = {"episode.steps": str(count), "users.arrival_rate": f"{count / 36_000:.6g} /s"}
        scenario = with_context(load_scenario("gmorl-e6-tasks"), keys)
        tapes, episodes = draw_episodes(scenario, study.seed, 0, 1), new_episodes(scenario, "batched")
        options = np.random.default_rng(study.seed).integers(0, episodes.max_options, (count, 1))
        took_s = []
        for _ in range(REPEATS + 1):  # the first one compiles
            episodes.begin(tapes)
            began_s = time.process_time()
            for action in options:
                episodes.step_unseen(action)
            took_s.append(time.process_time() - began_s)
        dispatched = int((episodes.records().task >= 0).sum())  # type: ignore[attr-defined]  # of this system
        rows.append({"tasks": count, "dispatched": dispatched, "seconds": min(took_s[1:])})
    study.write(rows, "hours")


def _folder(name: str, seed: int) -> str:
    return name if seed == 0 else f"{name}-seed{seed}"


def _cost(front: Front, calibration: Calibration) -> np.ndarray:
    """Scalarised cost at each preference, (K,)."""
    return np.asarray((front.mean / calibration.scale * front.preferences).sum(axis=1))


if __name__ == "__main__":
    main(program=run)
