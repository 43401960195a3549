"""What a GPU changes: speed of the engines and of training, and whether it plays and learns the same.

    python experiments/gpu/run.py [--minutes 8]

With `--minutes` there is one table of figures beside their bars, in about that time. Otherwise `gmorl-e6` is taken
through this: First the engines by themselves: the batched one on all cores and the one on the GPU, with how far apart
they come on the same tapes and actions. Then training on the CPU, and on the first CUDA device in float32 and with TF32
matrix products: the same code and the CPU's settings but for those in the table. Then three trainings of each kind with
as many updates, played on common random numbers: their mean costs should agree within what seeds make of it. Needs
CUDA; with --quick what there is of it is tried in tiny sizes.
"""

import json
from dataclasses import dataclass

import click
import numpy as np
import torch
from figures import figures, shown

from mecsim.bench.engines import EnginePlay
from mecsim.bench.training import training_speed
from mecsim.cli import main
from mecsim.conformance.subject import random_actions
from mecsim.core.engine import Observation
from mecsim.core.system import draw_episodes, layout_of, system_of
from mecsim.core.target import in_numpy
from mecsim.errors import InputError
from mecsim.policies import calibrate
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario
from mecsim.studies.study import QUICK_SETTINGS, Study, experiment
from mecsim.sweep import half_width_95, measured
from mecsim.training import TrainingConfig
from mecsim.training.config import AGENT_ON_CUDA, ON_CUDA

BATCHES, ENVS, EPOCHS = (256, 1024, 4096, 16_384), (64, 1024, 8192), 4
QUICK_BATCHES, QUICK_ENVS, QUICK_EPOCHS = (16,), (4, 8), 3
ENGINE_EPISODES, QUICK_ENGINE_EPISODES, REPETITIONS, COMPARED = (1024, 8192, 65_536), (2, 4), 5, 256
STEPS, SEEDS, PREFERENCES, EPISODES = 640_000, 3, 21, 200  # 4,950 updates


@dataclass(frozen=True)
class Kind:
    """Where networks are computed, and how."""

    name: str
    device: str
    engine: str
    precision: str = "float32"


CPU = Kind("cpu float32", "cpu", "batched")
CUDA = (Kind("cuda float32", "cuda", "cuda"), Kind("cuda TF32", "cuda", "cuda", "tf32"))


@experiment(__file__)
@click.option(
    "--minutes", type=click.FloatRange(4.0, 60.0), help="Measure figures with their bars alone, in this time."
)
def run(study: Study, minutes: float | None) -> None:
    """Training on a CPU and on a GPU: speed, and whether it learns the same."""
    if not (torch.cuda.is_available() or study.quick):
        raise InputError("no CUDA device: run this on a machine that has one, with a torch built for CUDA (or --quick)")
    if minutes is not None:
        found = []
        for figure in figures(study, minutes):
            found.append(figure.row())
            click.echo(shown(figure))
            study.write(found, "figures", minutes=minutes)  # at once, as the machine may be lent for a while
        return
    kinds = [CPU, *(CUDA if torch.cuda.is_available() else ())]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    engines = _engines(study)
    study.write(engines, "engines", gpu=gpu, threads=study.threads, repetitions=REPETITIONS)
    agreement = _agreement(study, kinds)  # first, as its trainings are kept
    study.write(agreement, "agreement", gpu=gpu, steps=STEPS, seeds=SEEDS)
    speeds = _speeds(study, kinds)
    study.write(speeds, gpu=gpu, threads=study.threads, epochs=EPOCHS)
    panels = []
    for column, label in (("updates_per_s", "updates per second"), ("env_steps_per_s", "environment steps per second")):
        curves = []
        for kind in kinds:
            for envs in dict.fromkeys(row["num_envs"] for row in speeds):
                of = [row for row in speeds if row["kind"] == kind.name and row["num_envs"] == envs]
                sizes = [row["batch_size"] for row in of]
                curves.append(Curve(f"{kind.name}, {envs} envs", sizes, [row[column] for row in of]))
        panels.append(Panel("batch size", label, curves, log=True))
    save_lines(study.out / "gpu.png", f"Training on {gpu or 'a CPU alone'}, gmorl-e6", panels)


def _engines(study: Study) -> list[dict[str, object]]:
    """Environment steps per second of each engine that can be used, SimPy's apart, and whether they agree."""
    scenario = load_scenario("gmorl-e6")
    usable = [name for name in system_of(scenario).usable_engines() if name != "simpy"]
    rows: list[dict[str, object]] = []
    for name in usable:
        apart = _apart(name, 2 if study.quick else COMPARED) if name != "batched" else None
        for episodes in QUICK_ENGINE_EPISODES if study.quick else ENGINE_EPISODES:
            play = EnginePlay(scenario, episodes, name)
            play.steps_per_s()  # compiles
            speeds = {
                key: max(play.steps_per_s(observe) for _ in range(1 if study.quick else REPETITIONS))
                for key, observe in (("env_steps_per_s", True), ("dynamics_steps_per_s", False))
            }
            rows.append({"engine": name, "episodes": episodes, **speeds, "most_apart": apart})
    return rows


def _apart(name: str, episodes: int) -> float:
    """The largest difference of a reward or an observation from the batched engine's, relative where above 1."""
    scenario, most = load_scenario("gmorl-e6"), 0.0
    tapes, rng = draw_episodes(scenario, 1, 0, episodes), np.random.default_rng(0)
    engines = [system_of(scenario).new_episodes(scenario, engine).engine for engine in ("batched", name)]
    for engine in engines:
        engine.begin(tapes)
    for _ in range(scenario.steps):
        rooms = [
            Observation.empty(episodes, layout_of(scenario).shape, engine.xp.float64, engine.xp) for engine in engines
        ]
        for engine, room in zip(engines, rooms, strict=True):
            engine.observe(room)
        action = random_actions(in_numpy(rooms[0].mask), rng)
        rewards = [engine.step(action) for engine in engines]
        for one, other in zip((*rooms[0], rewards[0]), (*rooms[1], rewards[1]), strict=True):
            expected = in_numpy(one)
            difference = np.abs(in_numpy(other) - expected) / np.maximum(1.0, np.abs(expected))
            most = max(most, float(difference.max()))
    return most


def _speeds(study: Study, kinds: list[Kind]) -> list[dict[str, object]]:
    """Environment steps and updates per second of each kind, for sizes of batches and of collecting."""
    scenario, base = load_scenario("gmorl-e6"), QUICK_SETTINGS if study.quick else {}
    batches, all_envs, epochs = (QUICK_BATCHES, QUICK_ENVS, QUICK_EPOCHS) if study.quick else (BATCHES, ENVS, EPOCHS)
    rows: list[dict[str, object]] = []
    for kind in kinds:
        for envs in all_envs:
            for batch in batches:
                sizes = {"num_envs": str(envs), "batch_size": str(batch)}
                config = TrainingConfig().with_settings({**_settings(kind), **base, **sizes})
                found = training_speed(scenario, config, epochs, kind.device)
                row: dict[str, object] = {"kind": kind.name, "num_envs": envs, "batch_size": batch}
                rows.append(row | {name.removeprefix("training_"): value for name, value in found.items()})
    return rows


def _agreement(study: Study, kinds: list[Kind]) -> list[dict[str, object]]:
    """Mean cost after the same number of updates, as a ratio to greedy, with intervals over seeds."""
    scenario = load_scenario("gmorl-e6")
    calibration = calibrate(scenario)
    [greedy] = study.fronts(["greedy"], scenario, PREFERENCES, EPISODES)
    yardstick, seeds = measured(greedy, calibration)["mean_cost"], range(2 if study.quick else SEEDS)
    rows: list[dict[str, object]] = []
    for kind in kinds:
        name = "gpu-" + kind.name.replace(" ", "-").lower()
        targets = [
            study.trained(scenario, f"{name}-seed{seed}", STEPS, _settings(kind), seed=seed, device=kind.device)
            for seed in seeds
        ]
        fronts = study.fronts(targets, scenario, PREFERENCES, EPISODES)
        ratios = np.array([measured(front, calibration)["mean_cost"] / yardstick for front in fronts])
        row: dict[str, object] = {"kind": kind.name, "mean_cost_to_greedy": float(ratios.mean())}
        rows.append(row | {"mean_cost_to_greedy_ci95": float(half_width_95(ratios)), "seeds": len(ratios)})
    return rows


def _settings(kind: Kind) -> dict[str, str]:
    """The CPU's defaults, whatever the device, but for where and how numbers are computed."""
    plain = TrainingConfig().to_mapping()
    same = {name: plain[name] for name in ON_CUDA} | {name: plain["agent"][name] for name in AGENT_ON_CUDA}
    computed = {"engine": kind.engine, "precision": kind.precision}
    return {name: json.dumps(value) for name, value in (same | computed).items()}


if __name__ == "__main__":
    main(program=run)
