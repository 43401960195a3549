"""Speed of training, and what its time goes to."""

import dataclasses
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from mecsim.bench.quantity import Probe, Repetitions
from mecsim.core.scenario import Scenario
from mecsim.core.threads import on_threads
from mecsim.training import EpochReport, Evaluation, Run, TrainingConfig, prepared, train

EPOCHS = 7  # of each training; all but the warm-up and one more count
ROUNDS = 2
UPDATES_PER_ROUND = 3
FEWEST_UPDATES = 3
PARTS = ("network", "sampling", "environments", "storing")


@dataclass(frozen=True, slots=True)
class _Epoch:
    """An epoch of a training."""

    wall_s: float
    env_steps: int
    updates: int
    section_s: Mapping[str, float]

    @property
    def shares(self) -> dict[str, float]:
        """What its time went to; the network is acting and learning, and the rest what is left over."""
        share = {name: spent_s / self.wall_s for name, spent_s in self.section_s.items()}
        share["network"] = share["acting"] + share.pop("learning")
        return share | {"rest": 1.0 - sum(share[name] for name in PARTS)}


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

    def update() -> Repetitions:
        return {"update_ms": [1e3 * next(updates) for _ in range(UPDATES_PER_ROUND)]}

    return [Probe("training", lambda: measure_training(scenario), ROUNDS), Probe("updates", update)]


def measure_training(scenario: Scenario, epochs: int = EPOCHS) -> Repetitions:
    """Environment steps and updates per second of training with the default settings, and the shares of its time.

    Speeds are those of both threads of the training together, if there are several, and of one thread alone. Shares are
    those on one thread, where one thing is done after the other: `..._network_share` is acting and learning, and
    `..._rest_share` is what is left over. Evaluations and checkpoints are left out of all of them.
    """
    several = _train(scenario, TrainingConfig(), epochs, "cpu")
    with on_threads(1):
        alone = _train(scenario, TrainingConfig(), epochs, "cpu")
    shares = [epoch.shares for epoch in alone]
    return {
        "training_env_steps_per_s": [epoch.env_steps / epoch.wall_s for epoch in several],
        "training_updates_per_s": [epoch.updates / epoch.wall_s for epoch in several],
        "one_thread_training_env_steps_per_s": [epoch.env_steps / epoch.wall_s for epoch in alone],
        **{f"training_{name}_share": [share[name] for share in shares] for name in shares[0]},
    }


def training_speed(scenario: Scenario, config: TrainingConfig, epochs: int, device: str = "cpu") -> dict[str, float]:
    """Environment steps and updates per second in the last of some epochs, at least one after the warm-up and one more.

    Evaluations and checkpoints are left out, and so is the first epoch of learning, which compiles and allocates.
    """
    played = _train(scenario, config, epochs, device)
    wall_s = sum(epoch.wall_s for epoch in played)
    return {
        "training_env_steps_per_s": sum(epoch.env_steps for epoch in played) / wall_s,
        "training_updates_per_s": sum(epoch.updates for epoch in played) / wall_s,
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


def _train(scenario: Scenario, config: TrainingConfig, epochs: int, device: str) -> list[_Epoch]:
    """Train for some epochs; those after the warm-up and the first epoch of learning."""
    config = dataclasses.replace(config, evaluation_epochs=epochs, checkpoint_epochs=epochs)
    steps = epochs * config.num_envs * scenario.steps
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), scenario, config, steps, seed=0)
        nothing = np.zeros((0, len(scenario.objectives)))
        unevaluated = Evaluation(nothing, nothing[:, None], 0.0, 0.0)
        train(run, lambda policy: unevaluated, [clock], device)
    return [
        _Epoch(end_s - start_s, now.env_steps - before.env_steps, now.updates - before.updates, now.section_s)
        for (start_s, before), (end_s, now) in pairwise(clock.ends[config.warmup_epochs :])
    ]
