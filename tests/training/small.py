"""A scenario and settings so small that a whole training takes a fraction of a second, shared by the upper layers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mecsim.core.stopping import never
from mecsim.scenario import scenario_to_yaml
from mecsim.schema.units import CountRange, Uniform
from mecsim.sweep import training_evaluation
from mecsim.systems.offload.demand import Episode, Users
from mecsim.systems.offload.network import Cloud, Edge, Servers
from mecsim.systems.offload.scenario import Histogram, OffloadScenario
from mecsim.systems.offload.scenario import Observation as ObservationOptions
from mecsim.training import EpochReport, Monitor, Run, TrainingConfig, train
from tests.systems.offload.offloading import make_scenario

STEPS, ENVS, COPIES, EDGES = 8, 4, 2, 2

SETTINGS = {
    "num_envs": str(ENVS),
    "copies": str(COPIES),
    "steps_per_round": "3",
    "evaluation_epochs": "2",
    "evaluation_preferences": "3",
    "evaluation_episodes": "4",
    "checkpoint_epochs": "2",
    "batch_size": "16",
    "replay_capacity": "80",
    "encoder_sizes": "[8]",
    "head_sizes": "[8]",
}


def small_scenario(**sections: Any) -> OffloadScenario:
    """A cloud and two edges, eight decisions, a coarse histogram; `sections` replace what they name."""
    defaults: dict[str, Any] = {
        "description": "small",
        "episode": Episode(steps=STEPS),
        "users": Users(count=3, arrival_rate_per_s=0.4),
        "servers": Servers(
            cloud=Cloud(cpu_hz=Uniform(4e9, 4e9)), edge=Edge(count=CountRange(EDGES, EDGES), cpu_hz=Uniform(2e9, 2e9))
        ),
        "observation": ObservationOptions(histogram=Histogram(bins=4, width_bit=1e7)),
    }
    return make_scenario(**(defaults | sections))


def scenario_file(folder: Path, scenario: OffloadScenario | None = None) -> Path:
    """The scenario as a file."""
    path = folder / "small.yaml"
    path.write_text(scenario_to_yaml(scenario or small_scenario()))
    return path


def small_config(algorithm: str = "sac", **settings: str) -> TrainingConfig:
    """Tiny networks and evaluations; `settings` as `--set` takes them."""
    return TrainingConfig.of(algorithm).with_settings(SETTINGS | settings)


def new_run(
    folder: Path,
    scenario: OffloadScenario | None = None,
    epochs: int = 6,
    seed: int = 0,
    algorithm: str = "sac",
    **settings: str,
) -> Run:
    """A run's folder before its first epoch."""
    config = small_config(algorithm, **settings)
    chosen = scenario or small_scenario()
    run = Run(folder, chosen, config, epochs * config.num_envs * chosen.episode.steps, seed)
    run.create("mecsim train")
    return run


def trained(
    run: Run,
    monitors: Sequence[Monitor] = (),
    resume: bool = False,
    device: str = "cpu",
    stop: Callable[[], bool] = never,
) -> list[EpochReport]:
    """Train and return what each epoch came to."""
    reports: list[EpochReport] = []

    class Notes:
        def on_epoch(self, report: EpochReport) -> None:
            reports.append(report)

    train(run, training_evaluation(run), [Notes(), *monitors], device, resume, stop)
    return reports
