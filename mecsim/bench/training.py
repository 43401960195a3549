"""Speed of training, and what its time goes to."""

import dataclasses
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from mecsim_agents import DiscreteSAC, Replay

from mecsim.core.scenario import Scenario
from mecsim.envs.vector import BatchVectorEnv
from mecsim.training import EpochReport, Evaluation, Run, TrainingConfig, prepared, train

EPOCHS = 12
FEWEST_UPDATES = 3

_PARTS: tuple[tuple[type, str, str], ...] = (
    (DiscreteSAC, "update", "learning"),
    (DiscreteSAC, "act", "acting"),
    (BatchVectorEnv, "step", "environments"),
    (Replay, "add", "storing"),
    (Replay, "sample", "sampling"),
)
"""What is timed, and what its share is called. Sampling is a part of an update."""


class _Clock:
    """A monitor that remembers when each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, EpochReport]] = []

    def on_epoch(self, report: EpochReport) -> None:
        """Note the time."""
        self.ends.append((time.perf_counter(), report))


def measure_training(scenario: Scenario, epochs: int = EPOCHS) -> dict[str, float]:
    """Environment steps and updates per second of training with the default settings, and the shares of its time.

    Speeds are those of both threads of the training together, if there are several. Shares are measured apart, on one
    thread, where one thing is done after the other: `..._network_share` is acting and learning without sampling, and
    `..._rest_share` is what is left over. Evaluations and checkpoints are left out of all of them.
    """
    found = training_speed(scenario, TrainingConfig(), epochs)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _timed() as spent_s:
            wall_s = _train(scenario, TrainingConfig(), epochs, "cpu", spent_s)[2]
    finally:
        torch.set_num_threads(threads)
    share = {name: value / wall_s for name, value in spent_s.items()}
    share["network"] = share["acting"] + share["learning"] - share["sampling"]
    share["rest"] = 1.0 - sum(share[name] for name in ("network", "sampling", "environments", "storing"))
    return found | {f"training_{name}_share": value for name, value in share.items() if name != "learning"}


def training_speed(scenario: Scenario, config: TrainingConfig, epochs: int, device: str = "cpu") -> dict[str, float]:
    """Environment steps and updates per second in the last of some epochs, at least one after the warm-up and one more.

    Evaluations and checkpoints are left out, and so is the first epoch of learning, which compiles and allocates.
    """
    first, last, wall_s = _train(scenario, config, epochs, device)
    return {
        "training_env_steps_per_s": (last.env_steps - first.env_steps) / wall_s,
        "training_updates_per_s": (last.updates - first.updates) / wall_s,
    }


def update_s(scenario: Scenario, config: TrainingConfig, device: str = "cpu", within_s: float = 2.0) -> float:
    """Seconds of a gradient update that learns from one episode of each environment.

    The fastest of at least three, and of all that fit into `within_s`.
    """
    collector, agent, replay = prepared(Run(Path(), scenario, config, steps=1, seed=0), device)
    collector.begin(1)
    for _ in range(scenario.steps):  # one by one: a whole episode of a large scenario would take much memory
        for batch in collector.collect(agent, 1):
            replay.add(batch)
    agent.observe_normalisation(replay)
    taken_s: list[float] = []
    while len(taken_s) < FEWEST_UPDATES or sum(taken_s) < within_s:
        started_s = time.perf_counter()
        metrics = agent.update(replay, 0.0)
        float(metrics["critic_gradient_norm"])  # waits for the device
        taken_s.append(time.perf_counter() - started_s)
    return min(taken_s)


def _train(
    scenario: Scenario, config: TrainingConfig, epochs: int, device: str, spent_s: dict[str, float] | None = None
) -> tuple[EpochReport, EpochReport, float]:
    """The first and the last report of a training after its warm-up, and the time between them.

    What was spent before the first of them is taken out of `spent_s`.
    """
    config = dataclasses.replace(config, evaluation_epochs=epochs, checkpoint_epochs=epochs)
    steps = epochs * config.num_envs * scenario.steps
    clock, start = _Clock(), config.warmup_epochs + 1

    class Start:
        def on_epoch(self, report: EpochReport) -> None:
            if spent_s is not None and report.epoch == start:
                spent_s.clear()

    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), scenario, config, steps, seed=0)
        nothing = np.zeros((0, len(scenario.objectives)))
        unevaluated = Evaluation(nothing, nothing[:, None], 0.0, 0.0)
        train(run, lambda policy: unevaluated, [clock, Start()], device)
    (first_s, first), (last_s, last) = clock.ends[start - 1], clock.ends[-1]
    return first, last, last_s - first_s


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Meanwhile the parts of a training add up the time that they take, in s."""
    spent_s: dict[str, float] = defaultdict(float)

    def stopwatch(function: Any, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent_s[name] += time.perf_counter() - started

        return call

    with ExitStack() as patched:
        for owner, method, name in _PARTS:
            patched.enter_context(patch.object(owner, method, stopwatch(getattr(owner, method), name)))
        yield spent_s
