"""A folder with several runs, one per preference or one per seed, and what a folder of any kind is asked for.

policies.yaml names the runs with their preferences, seeds.yaml with their seeds. Each is an ordinary run: in policy-00,
policy-01 and so on, or in the folder of its seed, such as seed-07.
"""

import dataclasses
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mecsim.core.files import MAX_RUNS, remove_partials, write_text
from mecsim.core.scenario import Scenario
from mecsim.errors import InputError, RunError
from mecsim.scenario import content_of
from mecsim.training.run import Run, read_settings
from mecsim.version import __version__

FORMAT = 1
MAX_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """What the runs of a folder differ in."""

    noun: str  # of one of them
    nouns: str
    difference: str  # between them
    value: Callable[[Run], Any]  # that a run has of it, as the index tells it

    @property
    def index(self) -> str:
        """The file that names the runs."""
        return f"{self.nouns}.yaml"

    @property
    def mark(self) -> str:
        """With which the index begins."""
        return f"mecsim_{self.nouns}"

    def folder(self, number: int) -> str:
        """The name of a run's folder."""
        return f"{self.noun}-{number:02d}"

    def names(self, name: object) -> bool:
        """Whether `name` may be that of a run's folder."""
        return isinstance(name, str) and re.fullmatch(rf"{self.noun}-\d{{2,19}}", name, re.ASCII) is not None

    def entries(self, folder: Path) -> list[str]:
        """What `MultiRun.create` has made in a folder that is there."""
        return [self.index, *(path.name for path in folder.iterdir() if self.names(path.name))]


POLICIES = Kind("policy", "policies", "preference", lambda run: list(run.config.preference or ()))
SEEDS = Kind("seed", "seeds", "seed", lambda run: run.seed)


@dataclass(frozen=True, slots=True)
class MultiRun:
    """Runs of one scenario that differ in their preference alone, or in their seed alone."""

    folder: Path
    runs: tuple[Run, ...]
    kind: Kind

    @staticmethod
    def of(run: Run, preferences: Sequence[Sequence[float]]) -> "MultiRun":
        """Runs like `run`, below its folder, one for each of the preferences, each weights in the order of objectives.

        Raises:
            InputError: `run` is for a preference already, or there are too few or too many preferences.
        """
        if run.config.preference is not None:
            raise InputError("each of several policies has a preference of its own: leave out --set preference")
        if not 2 <= len(preferences) <= MAX_RUNS:
            raise InputError(f"expected 2 to {MAX_RUNS} preferences, a policy each, got {len(preferences)}")
        runs = [
            dataclasses.replace(
                run,
                folder=run.folder / POLICIES.folder(index),
                config=dataclasses.replace(run.config, preference=tuple(map(float, preference))),
            )
            for index, preference in enumerate(preferences)
        ]
        return MultiRun(run.folder, tuple(runs), POLICIES)

    @staticmethod
    def of_seeds(run: Run, count: int) -> "MultiRun":
        """Runs like `run`, below its folder, with its seed and those that follow, `count` in all.

        Raises:
            InputError: there are too few or too many, or the last seed would be too large.
        """
        if not 2 <= count <= MAX_RUNS:
            raise InputError(f"expected 2 to {MAX_RUNS} seeds, a training each, got {count}")
        seeds = range(run.seed, run.seed + count)
        if seeds[-1] > MAX_SEED:
            raise InputError(f"the last of {count} seeds would be {seeds[-1]}, the largest is {MAX_SEED}")
        runs = [dataclasses.replace(run, folder=run.folder / SEEDS.folder(seed), seed=seed) for seed in seeds]
        return MultiRun(run.folder, tuple(runs), SEEDS)

    @property
    def scenario(self) -> Scenario:
        """That all of them are trained on."""
        return self.runs[0].scenario

    @property
    def repeated(self) -> bool:
        """Whether they are one training with several seeds, and not together one policy."""
        return self.kind is SEEDS

    @property
    def finished(self) -> bool:
        """Whether each was trained to its end.

        Raises:
            RunError: a checkpoint is damaged.
        """
        return all(run.finished for run in self.runs)

    def to_be_named(self, verb: str) -> InputError:
        """What is said where one run has to be named, as they are not one policy."""
        told = f"{self.folder}: holds a policy for each of several {self.kind.difference}s"
        return InputError(f"{told}; {verb} one, such as {self.runs[0].folder}")

    def with_steps(self, steps: int) -> "MultiRun":
        """The same runs to another length, as `Run.with_steps`."""
        return dataclasses.replace(self, runs=tuple(run.with_steps(steps) for run in self.runs))

    def on_threads(self, threads: int) -> "MultiRun":
        """The same, each run trained on this many threads."""
        return dataclasses.replace(self, runs=tuple(dataclasses.replace(run, threads=threads) for run in self.runs))

    def create(self, command: str) -> None:
        """Write the index and the files of all runs that stay as they are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_partials(self.folder)
        self._write_index()
        for run in self.runs:
            run.create(command)

    def with_seeds(self, count: int, command: str) -> "MultiRun":
        """The same and the runs of further seeds, `count` in all, whose files are written now; others are left alone.

        Raises:
            InputError: these are no runs of several seeds, or more than so many.
        """
        if not self.repeated:
            raise InputError(f"{self.folder}: holds policies for several preferences, to which no seeds can be added")
        there = len(self.runs)
        if count < there:
            raise InputError(f"{self.folder}: holds {there} trainings already, more than --seeds {count}")
        wanted = MultiRun.of_seeds(dataclasses.replace(self.runs[0], folder=self.folder), count)
        grown = dataclasses.replace(self, runs=(*self.runs, *wanted.runs[there:]))
        for run in grown.runs[there:]:
            run.create(command)
        grown._write_index()  # last, as what it names has to be there
        return grown

    def _write_index(self) -> None:
        content = {
            self.kind.mark: FORMAT,
            "mecsim_version": __version__,
            self.kind.nouns: {run.folder.name: self.kind.value(run) for run in self.runs},
        }
        write_text(self.folder / self.kind.index, yaml.safe_dump(content, sort_keys=False))

    @staticmethod
    def open(folder: Path) -> "MultiRun":
        """The runs in a folder.

        Raises:
            RunError: there is no index, it or a run is damaged, or another version of mecsim wrote it.
        """
        kind = kind_of(folder) or POLICIES
        path = folder / kind.index
        content = read_settings(path, kind.mark, FORMAT, "format", f"a run of several {kind.nouns}")
        named = content.get(kind.nouns)
        if not isinstance(named, dict) or not named or not all(map(kind.names, named)):
            raise RunError(
                f"{path}: damaged: {kind.nouns} should name folders such as {kind.folder(0)} "
                f"with their {kind.difference}s"
            )
        runs = [Run.open(folder / name) for name in named]
        for run, value in zip(runs, named.values(), strict=True):
            if kind.value(run) != value:
                raise RunError(f"{path}: damaged: {run.folder.name} was trained for another {kind.difference}")
            if content_of(run.scenario) != content_of(runs[0].scenario):  # each has copies of its files
                raise RunError(f"{path}: damaged: {run.folder.name} was trained on another scenario")
        return MultiRun(folder, tuple(runs), kind)


def is_multi_run(folder: Path) -> bool:
    """Whether a folder claims to hold several runs, one per preference or one per seed."""
    return kind_of(folder) is not None


def kind_of(folder: Path) -> Kind | None:
    """What the runs differ in that a folder claims to hold; None where it does not."""
    return next((kind for kind in (POLICIES, SEEDS) if _is_file(folder / kind.index)), None)


def run_scenario(folder: Path) -> Scenario:
    """The scenario that a run is trained on, or several.

    Raises:
        RunError: there is no run, or it cannot be used.
    """
    return runs_in(folder)[0].scenario


def runs_in(folder: Path) -> tuple[Run, ...]:
    """The run of a folder, or all of several.

    Raises:
        RunError: there is no run, or one cannot be used.
    """
    return MultiRun.open(folder).runs if is_multi_run(folder) else (Run.open(folder),)


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # false, too, where a name is too long to ask for
