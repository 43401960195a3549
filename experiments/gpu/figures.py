"""What a GPU has to reach, in one call and so many minutes: each figure beside its bar."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import torch

from mecsim.bench.engines import EnginePlay
from mecsim.bench.training import training_speed, update_s
from mecsim.core.scenario import Scenario
from mecsim.policies import calibrate
from mecsim.scenario import load_scenario
from mecsim.studies.study import QUICK_SETTINGS, Study
from mecsim.sweep import Front, measured
from mecsim.training import Run, TrainingConfig

REPETITIONS, EPISODES, BATCH, EPOCHS = 5, 65_536, 4096, 6
TWICE = {"num_envs": "8192", "batch_size": "16384", "updates_per_step": "1", "replay_capacity": "819200"}
"""As fast as can be, with each transition learned from twice on average."""
AS_ON_A_CPU = {"encoder_sizes": "[64, 64]", "head_sizes": "[64]"}
SHORT_S, PLAYED_S = 30.0, 60.0
SHARE = 0.8
"""Of the time of a training, as its beginning takes longer than what follows."""


@dataclass(frozen=True)
class Figure:
    """Something measured, and what it should be."""

    name: str
    value: float
    bar: float
    larger_is_better: bool

    @property
    def reached(self) -> bool:
        """Whether it is as good as it should be."""
        return self.value >= self.bar if self.larger_is_better else self.value <= self.bar

    def row(self) -> dict[str, object]:
        """For a table."""
        return {"figure": self.name, "measured": self.value, "bar": self.bar, "reached": self.reached}


def figures(study: Study, minutes: float) -> Iterator[Figure]:
    """Measure one after another; the last training takes what is left of the time."""
    ends_s = time.monotonic() + 60.0 * minutes
    device = "cuda" if torch.cuda.is_available() else "cpu"
    scenario = load_scenario("gmorl-e6")
    yield Figure("engine, million steps/s with observations", _engine(study, scenario, device) / 1e6, 100.0, True)
    config = _config(study, device, {"batch_size": str(BATCH), **AS_ON_A_CPU})
    yield Figure(f"an update of {config.agent.batch_size:,}, ms", 1e3 * update_s(scenario, config, device), 1.0, False)
    epochs = 3 if study.quick else EPOCHS
    fastest = training_speed(scenario, _config(study, device, TWICE), epochs, device)["training_env_steps_per_s"]
    yield Figure("training, thousand steps/s, each learned from twice", fastest / 1e3, 1000.0, True)

    speed = training_speed(scenario, _config(study, device, {}), epochs, device)["training_env_steps_per_s"]
    [greedy] = study.fronts(["greedy"], scenario, 21, 200)
    short, short_s = _trained(study, scenario, "short", SHARE * SHORT_S * speed, device)
    yield Figure("seconds of the short training", short_s, SHORT_S, False)
    yield Figure("its mean cost to greedy's, %", _to_greedy(short, greedy, scenario), -5.4, False)
    left_s = max(SHORT_S, ends_s - time.monotonic() - PLAYED_S)
    long, long_s = _trained(study, scenario, "long", SHARE * left_s * speed, device)
    yield Figure("seconds of the long training", long_s, 600.0, False)
    yield Figure("its mean cost to greedy's, %", _to_greedy(long, greedy, scenario), -6.2, False)


def shown(figure: Figure) -> str:
    """A line for a person."""
    relation = "at least" if figure.larger_is_better else "at most"
    return f"{figure.name:55} {figure.value:10.4g}  {relation} {figure.bar:g}: {'yes' if figure.reached else 'NO'}"


def _config(study: Study, device: str, settings: dict[str, str]) -> TrainingConfig:
    return TrainingConfig.of(device=device).with_settings(QUICK_SETTINGS if study.quick else settings)


def _engine(study: Study, scenario: Scenario, device: str) -> float:
    play = EnginePlay(scenario, 4 if study.quick else EPISODES, "cuda" if device == "cuda" else "batched")
    play.steps_per_s()  # compiles
    return max(play.steps_per_s() for _ in range(1 if study.quick else REPETITIONS))


def _trained(study: Study, scenario: Scenario, name: str, steps: float, device: str) -> tuple[Front, float]:
    started_s = time.monotonic()
    target = study.trained(scenario, f"gpu-{name}", int(steps), device=device)
    taken_s = time.monotonic() - started_s
    click.echo(f"{Run.open(Path(target)).latest_env_steps():,} steps in {taken_s:.0f} s", err=True)
    return study.fronts([target], scenario, 21, 200)[0], taken_s


def _to_greedy(front: Front, greedy: Front, scenario: Scenario) -> float:
    costs = [measured(one, calibrate(scenario))["mean_cost"] for one in (front, greedy)]
    return 100.0 * (costs[0] / costs[1] - 1.0)
