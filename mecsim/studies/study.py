"""The frame of an experiment: the runs that it needs, fronts that are kept part by part, its table and pictures.

A script in `experiments/` is a function of a `Study`, made a command by `experiment`. Run again after an interruption
it goes on where it was.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mecsim.cli.options import ray_option, seed_option, sole_writer, threads_option
from mecsim.core.lock import writing_folder
from mecsim.core.scenario import Scenario
from mecsim.core.threads import use_threads

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from mecsim.sweep import Front

QUICK_EPOCHS = 2
QUICK_SETTINGS = {
    "num_envs": "4",
    "copies": "2",
    "evaluation_epochs": "1",
    "evaluation_preferences": "3",
    "evaluation_episodes": "4",
    "batch_size": "16",
    "replay_capacity": "500",
    "encoder_sizes": "[8]",
    "head_sizes": "[8]",
}

PLAIN_AGENT = {
    "architecture": "set",
    "cumulate": "false",
    "ramp_levels": "0",
    "ensemble_size": "2",
    "batch_size": "256",
    "replay_capacity": "102400",
}
"""The agent of some experiments, which were measured when these were its defaults."""


@dataclass(frozen=True, slots=True)
class Study:
    """One experiment as it was called."""

    out: Path  # folder of its results
    runs: Path  # folder of trained runs, and of the parts of all sweeps
    quick: bool  # tiny sizes: shows that it runs, not what comes out
    seed: int  # of the episodes that are played; trainings have their own
    threads: int
    workers: int | None = None  # processes for fronts, and for trainings that are asked for together
    ray: str | None = None  # address of a cluster that takes the place of these processes

    def trained(
        self, scenario: "str | Scenario", name: str, steps: int | None = None,
        settings: Mapping[str, str] | None = None, policies: int | None = None, seed: int = 0, device: str = "cpu",
    ) -> str:  # fmt: skip
        """The folder of a finished run in `runs`, trained now if it is not there; see `trained`."""
        from mecsim.scenario import load_scenario
        from mecsim.studies.trained import trained

        learned, policies = load_scenario(scenario), 2 if self.quick and policies is not None else policies
        steps, chosen = self._size(learned, steps, settings)
        return str(trained(learned, self.runs / name, steps, seed, chosen, policies, device))

    def trained_seeds(
        self, scenario: "str | Scenario", names: Mapping[str, int], steps: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> list[str]:  # fmt: skip
        """The folders of finished runs that differ in their seed alone, given by name; with workers several at once."""
        from mecsim.scenario import load_scenario
        from mecsim.studies.trained import trained, trained_at_once

        learned = load_scenario(scenario)
        steps, chosen = self._size(learned, steps, settings)
        seeds = {self.runs / name: seed for name, seed in names.items()}
        if ((self.workers or 1) > 1 or self.ray is not None) and len(seeds) > 1:
            trained_at_once(learned, seeds, steps, chosen, self.workers, self.ray)
        return [str(trained(learned, folder, steps, seed, chosen)) for folder, seed in seeds.items()]

    def _size(
        self, scenario: "Scenario", steps: int | None, settings: Mapping[str, str] | None
    ) -> tuple[int | None, dict[str, str]]:
        """Steps and settings of a training as they are asked for, or tiny ones."""
        if not self.quick:
            return steps, dict(settings or {})
        return QUICK_EPOCHS * int(QUICK_SETTINGS["num_envs"]) * scenario.steps, {**QUICK_SETTINGS, **(settings or {})}

    def grid(self, scenario: "Scenario", count: int) -> Any:
        """About `count` preferences, (K, objectives), or a few. Grids of 11 and 21 are part of that of 101."""
        from mecsim.sweep import preference_grid

        return preference_grid(len(scenario.objectives), (5 if count > 50 else 3) if self.quick else count)

    def episodes(self, count: int) -> int:
        """How many episodes to play: `count`, or a few."""
        return max(2, count // 250) if self.quick else count

    def fronts(
        self,
        targets: Sequence[str],
        scenario: "Scenario",
        preferences: "int | NDArray[np.float64]" = 101,
        episodes: int = 1000,
    ) -> list["Front"]:
        """Each target over the grid of so many preferences, or over those given, on common random numbers.

        What was played before is taken from `runs`/parts.
        """
        from mecsim.sweep import Store, sweep
        from mecsim.sweep.evaluate import place_for

        grid = self.grid(scenario, preferences) if isinstance(preferences, int) else preferences
        played = self.episodes(episodes)
        for target in targets:
            click.echo(f"{Path(target).name}: {len(grid)} preferences, {played} episodes", err=True)
        threads = self.threads if self.ray is None else 1
        place = place_for(self.ray, targets, scenario, len(grid), played, self.workers, threads)
        return sweep(targets, scenario, grid, played, self.seed, place, store=Store(self.runs / "parts"))

    def write(self, rows: Sequence[Mapping[str, object]], name: str = "result", **told: Any) -> "pl.DataFrame":
        """NAME.csv, and NAME.json with where it comes from, in the experiment's folder; returns the table."""
        from mecsim.report.results import write_result

        written = write_result(self.out / f"{name}.csv", rows, seed=self.seed, quick=self.quick, **told)
        click.echo(f"wrote {self.out / name}.csv")
        return written


def experiment(script: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function of a `Study` (and of options of its own) the command of an experiment's `run.py`.

    `script` is its `__file__`. Results go to its own folder, or with --quick below the folder of runs, so that tiny
    ones never replace those that count.
    """
    own = Path(script).resolve().parent

    def command(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def call(
            out: Path | None, runs: Path, quick: bool, seed: int, workers: int | None, address: str | None,
            num_threads: int | None,
            **options: object,
        ) -> None:  # fmt: skip
            if quick:
                runs = runs / "quick"
            results, threads = out or (runs / own.name if quick else own), use_threads(num_threads)
            sole_writer(writing_folder(results))
            study = Study(results, runs, quick, seed, threads, workers, address)
            try:
                function(study, **options)
            except KeyboardInterrupt:
                click.echo("what is finished is kept: the same command goes on from there", err=True)
                raise

        for option in (
            threads_option,
            ray_option,
            click.option("--workers", type=click.IntRange(1, 1024),
                         help="Processes that play, or train several seeds.  [default: one per core plays, of little "
                         "work one; one trains]"),
            seed_option,
            click.option("--quick", is_flag=True, help="Tiny sizes: shows that it runs, not what comes out."),
            click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
                         help="Folder of trained runs; those that are missing are trained."),
            click.option("--out", type=click.Path(path_type=Path), help="Folder of the results.  [default: its own]"),
        ):  # fmt: skip
            call = option(call)
        return click.command(own.name)(call)

    return command
