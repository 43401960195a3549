"""How one training is timed and measured: a clock that stands still meanwhile, the moments, the curve's table."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray

from mecsim.core.frames import Column, Schema, write_csv
from mecsim.core.seeds import Stream
from mecsim.policies import Policy, calibrate
from mecsim.policies.policy import Preferences
from mecsim.scenario import load_scenario
from mecsim.sweep import evaluate, hypervolume, mean_cost, policy_factory, preference_grid
from mecsim.sweep.indicators import expected_utility

SCENARIO = "gmorl-e6"
FIRST_S, LEAST_S, FACTOR = 0.1, 0.5, 1.15  # moments at which a training is measured: see `moments`
CLOCKS = ("wall", "cpu")

CURVE = Schema(
    (
        Column("method", "String", "that is trained"),
        Column("seed", "Int64", "of the training"),
        Column("wall_s", "Float64", "time of training"),
        Column("env_steps", "Int64", "decisions it has made"),
        Column("hypervolume", "Float64", "of the mean costs over all preferences"),
        Column("mean_cost", "Float64", "at the asked preference, in units of the scale"),
        Column("expected_utility", "Float64", "cost of the best point for each preference, in units of the scale"),
        Column("cpu_s", "Float64", "time of the processor"),
    )
)
"""curve.csv: a line per moment at which a training was measured."""


class TimeUp(Exception):
    """The training has had its time."""


class Stopwatch:
    """Wall and processor seconds while it runs. It begins to with `go_on`."""

    def __init__(self) -> None:
        self._wall_s = self._cpu_s = 0.0
        self._since: tuple[float, float] | None = None

    def read(self) -> tuple[float, float]:
        """Wall and processor seconds."""
        if self._since is None:
            return self._wall_s, self._cpu_s
        wall_s, cpu_s = _now()
        return self._wall_s + wall_s - self._since[0], self._cpu_s + cpu_s - self._since[1]

    def pause(self) -> None:
        """Stand still; nothing new if it does already."""
        self._wall_s, self._cpu_s = self.read()
        self._since = None

    def go_on(self) -> None:
        """Run again."""
        self._since = self._since or _now()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stand still inside of the block."""
        self.pause()
        try:
            yield
        finally:
            self.go_on()


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def moments(seconds: float) -> list[float]:
    """When a training of so many seconds is measured: every half second, later after each 15 % more, and at its end."""
    found = [min(FIRST_S, seconds)]
    while found[-1] < seconds:
        found.append(min(seconds, max(found[-1] + LEAST_S, FACTOR * found[-1])))
    return found


class Course:
    """The course of one training: its clock, how it is measured, and the lines of its curve."""

    def __init__(
        self, method: str, seed: int, seconds: float, clock: str, preferences: int, episodes: int, episode_seed: int,
        out: Path,
    ) -> None:  # fmt: skip
        self.scenario = load_scenario(SCENARIO)
        self.calibration = calibrate(self.scenario)
        self.preferences = preference_grid(len(self.scenario.objectives), preferences)
        self.seed = seed
        self.moments = moments(seconds)
        self.clock = CLOCKS.index(clock)  # of what `Stopwatch.read` returns
        self.lines: list[dict[str, Any]] = []  # of the curve
        self._method, self._episodes, self._episode_seed = method, episodes, episode_seed
        self._path = out / "curve.csv"
        self._waiting = list(self.moments)
        self.watch = Stopwatch()
        self.totals = np.zeros(0)  # of the newest measurement

    def begin(self) -> None:
        """Start the clock, now that all is imported that a method needs; what is loaded at first use is used before."""
        self.totals = self.play(policy_factory("greedy", self.scenario)(0))  # compiles the engine, or loads it
        layer = torch.nn.Linear(1, 1)
        layer(torch.ones(1)).sum().backward()
        torch.optim.Adam(layer.parameters()).step()  # the first optimiser imports for seconds
        self.watch.go_on()

    def play(self, policy: Policy, preferences: Preferences | None = None) -> NDArray[np.float64]:
        """Totals of a policy over preferences and the episodes of all measurements, (K, episodes, objectives)."""
        asked = self.preferences if preferences is None else preferences
        return evaluate(
            lambda seed: policy, self.scenario, asked, self._episodes, self._episode_seed, Stream.VALIDATION
        )

    def passed(self, policy: Policy, env_steps: int, over: bool = False) -> None:
        """Measure the policy if a moment to do so has come, or if the training is over.

        Raises:
            TimeUp: it is over, or this was the last moment.
        """
        now = self.watch.read()
        if now[self.clock] < self._waiting[0] and not over:
            return
        with self.watch.paused():
            self.totals = self.play(policy)
            self.tell(*now, env_steps, self.totals)
        self._waiting = [moment for moment in self._waiting if moment > now[self.clock]]
        if over or not self._waiting:
            raise TimeUp

    def tell(self, wall_s: float, cpu_s: float, env_steps: int, totals: NDArray[np.float64]) -> None:
        """Write a line of the curve."""
        mean, scale = totals.mean(axis=1), self.calibration.scale
        line = {
            "method": self._method,
            "seed": self.seed,
            "wall_s": round(wall_s, 3),
            "env_steps": env_steps,
            "hypervolume": round(hypervolume(mean, self.calibration.reference), 3),
            "mean_cost": round(mean_cost(mean, self.preferences, scale), 6),
            "expected_utility": round(expected_utility(mean, self.preferences, scale), 6),
            "cpu_s": round(cpu_s, 3),
        }
        self.lines.append(line)
        write_csv(self._path, CURVE.rows(self.lines), CURVE)
        told = "{wall_s:.1f} s, {env_steps:,} steps, hypervolume {hypervolume:.1f}, mean cost {mean_cost:.4f}"
        click.echo(f"{self._method}: {told.format(**line)}", err=True)
