"""Speed of training, and what its time goes to."""

import dataclasses
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mecsim.bench.quantity import Probe
from mecsim.core.scenario import Scenario
from mecsim.core.threads import on_threads
from mecsim.training import EpochReport, Evaluation, Run, TrainingConfig, prepared, train

EPOCHS = 3  # of each training; all but the warm-up and one more count
ROUNDS = 5
FEWEST_UPDATES = 3  # of which the fastest counts


@dataclass(frozen=True, slots=True)
class _Timed:
    """Some epochs of a training."""

    wall_s: float
    env_steps: int
    updates: int
    section_s: Mapping[str, float]


class _Clock:
    """A monitor that remembers when each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, EpochReport]] = []

    def on_epoch(self, report: EpochReport) -> None:
        """Note the time."""
        self.ends.append((time.perf_counter(), report))


def training_probes(scenario: Scenario) -> list[Probe]:
    """Training with the default settings on the CPU, and one gradient update."""
    config = TrainingConfig()
    updates = _updates(scenario, config, "cpu")
    next(updates)  # compiles and allocates

    def update() -> dict[str, float]:
        return {"update_ms": 1e3 * min(next(updates) for _ in range(FEWEST_UPDATES))}

    return [Probe("training", lambda: measure_training(scenario), ROUNDS), Probe("updates", update)]


def measure_training(scenario: Scenario, epochs: int = EPOCHS) -> dict[str, float]:
    """Environment steps and updates per second of training with the default settings, and the shares of its time.

    Speeds are those of both threads of the training together, if there are several, and of one thread alone. Shares are
    those on one thread, where one thing is done after the other: `..._network_share` is acting and learning, and
    `..._rest_share` is what is left over. Evaluations and checkpoints are left out of all of them.
    """
    found = training_speed(scenario, TrainingConfig(), epochs)
    with on_threads(1):
        timed = _train(scenario, TrainingConfig(), epochs, "cpu")
    found["one_thread_training_env_steps_per_s"] = timed.env_steps / timed.wall_s
    share = {name: spent_s / timed.wall_s for name, spent_s in timed.section_s.items()}
    share["network"] = share["acting"] + share["learning"]
    share["rest"] = 1.0 - sum(share[name] for name in ("network", "sampling", "environments", "storing"))
    return found | {f"training_{name}_share": value for name, value in share.items() if name != "learning"}


def training_speed(scenario: Scenario, config: TrainingConfig, epochs: int, device: str = "cpu") -> dict[str, float]:
    """Environment steps and updates per second in the last of some epochs, at least one after the warm-up and one more.

    Evaluations and checkpoints are left out, and so is the first epoch of learning, which compiles and allocates.
    """
    timed = _train(scenario, config, epochs, device)
    return {
        "training_env_steps_per_s": timed.env_steps / timed.wall_s,
        "training_updates_per_s": timed.updates / timed.wall_s,
    }


def update_s(scenario: Scenario, config: TrainingConfig, device: str = "cpu", within_s: float = 2.0) -> float:
    """Seconds of a gradient update that learns from one episode of each environment.

    The fastest of at least three, and of all that fit into `within_s`.
    """
    taken_s: list[float] = []
    updates = _updates(scenario, config, device)
    while len(taken_s) < FEWEST_UPDATES or sum(taken_s) < within_s:
        taken_s.append(next(updates))
    return min(taken_s)


def _updates(scenario: Scenario, config: TrainingConfig, device: str) -> Iterator[float]:
    """Seconds of one gradient update after another."""
    collector, agent, replay = prepared(Run(Path(), scenario, config, steps=1, seed=0), device)
    collector.begin(1)
    for _ in range(scenario.steps):  # one by one: a whole episode of a large scenario would take much memory
        for batch in collector.collect(agent, 1):
            replay.add(batch)
    agent.observe(replay)
    while True:
        started_s = time.perf_counter()
        for metric in agent.update(replay, 0.0).values():
            float(metric)  # waits for the device
        yield time.perf_counter() - started_s


def _train(scenario: Scenario, config: TrainingConfig, epochs: int, device: str) -> _Timed:
    """Train for some epochs; what came after the warm-up and the first epoch of learning."""
    config = dataclasses.replace(config, evaluation_epochs=epochs, checkpoint_epochs=epochs)
    steps = epochs * config.num_envs * scenario.steps
    clock, start = _Clock(), config.warmup_epochs
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), scenario, config, steps, seed=0)
        nothing = np.zeros((0, len(scenario.objectives)))
        unevaluated = Evaluation(nothing, nothing[:, None], nothing, 0.0, 0.0, 0.0)
        train(run, lambda policy: unevaluated, [clock], device)
    (first_s, first), (last_s, last) = clock.ends[start], clock.ends[-1]
    section_s: dict[str, float] = defaultdict(float)
    for _, report in clock.ends[start + 1 :]:
        for name, spent_s in report.section_s.items():
            section_s[name] += spent_s
    return _Timed(last_s - first_s, last.env_steps - first.env_steps, last.updates - first.updates, section_s)
