"""A folder with one run per preference, and what a folder of either kind is asked for.

policies.yaml names the runs with their preferences; each is an ordinary run, in policy-00, policy-01 and so on.
"""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import yaml

from mecsim.core.scenario import Scenario
from mecsim.errors import InputError, RunError
from mecsim.training.run import Run, read_settings
from mecsim.version import __version__

FORMAT = 1
INDEX = "policies.yaml"
MAX_POLICIES = 1000


@dataclass(frozen=True, slots=True)
class MultiRun:
    """Runs of one scenario and the same settings, each for a preference of its own."""

    OWN_ENTRIES: ClassVar = (INDEX, *(f"policy-{index:02d}" for index in range(MAX_POLICIES)))

    folder: Path
    runs: tuple[Run, ...]

    @staticmethod
    def of(run: Run, preferences: Sequence[Sequence[float]]) -> "MultiRun":
        """Runs like `run`, below its folder, one for each of the preferences, each weights in the order of objectives.

        Raises:
            InputError: `run` is for a preference already, or there are too few or too many preferences.
        """
        if run.config.preference is not None:
            raise InputError("each of several policies has a preference of its own: leave out --set preference")
        if not 2 <= len(preferences) <= MAX_POLICIES:
            raise InputError(f"expected 2 to {MAX_POLICIES} preferences, a policy each, got {len(preferences)}")
        runs = [
            dataclasses.replace(
                run,
                folder=run.folder / f"policy-{index:02d}",
                config=dataclasses.replace(run.config, preference=tuple(map(float, preference))),
            )
            for index, preference in enumerate(preferences)
        ]
        return MultiRun(run.folder, tuple(runs))

    @property
    def scenario(self) -> Scenario:
        """That all of them are trained on."""
        return self.runs[0].scenario

    def on_threads(self, threads: int) -> "MultiRun":
        """The same, each policy trained on this many threads."""
        return MultiRun(self.folder, tuple(dataclasses.replace(run, threads=threads) for run in self.runs))

    def create(self, command: str) -> None:
        """Write the index and the files of all runs that stay as they are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {
            "mecsim_policies": FORMAT,
            "mecsim_version": __version__,
            "policies": {run.folder.name: list(run.config.preference or ()) for run in self.runs},
        }
        (self.folder / INDEX).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        for run in self.runs:
            run.create(command)

    @staticmethod
    def open(folder: Path) -> "MultiRun":
        """The runs in a folder.

        Raises:
            RunError: there is no index, it or a run is damaged, or another version of mecsim wrote it.
        """
        path = folder / INDEX
        content = read_settings(path, "mecsim_policies", FORMAT, "format", "a run of several policies")
        policies = content.get("policies")
        if not isinstance(policies, dict) or not policies or not set(policies) <= set(MultiRun.OWN_ENTRIES[1:]):
            raise RunError(f"{path}: damaged: policies should name folders such as policy-00 with their preferences")
        runs = [Run.open(folder / name) for name in policies]
        for run, preference in zip(runs, policies.values(), strict=True):
            if run.config.preference is None or list(run.config.preference) != preference:
                raise RunError(f"{path}: damaged: {run.folder.name} was trained for another preference")
            if run.scenario != runs[0].scenario:
                raise RunError(f"{path}: damaged: {run.folder.name} was trained on another scenario")
        return MultiRun(folder, tuple(runs))


def is_run(folder: Path) -> bool:
    """Whether a folder claims to be a run, of one policy or of several."""
    return _is_file(folder / "config.yaml") or is_multi_run(folder)


def is_multi_run(folder: Path) -> bool:
    """Whether a folder claims to be a run of several policies."""
    return _is_file(folder / INDEX)


def run_scenario(folder: Path) -> Scenario:
    """The scenario that a run of either kind is trained on.

    Raises:
        RunError: there is no run, or it cannot be used.
    """
    return MultiRun.open(folder).scenario if is_multi_run(folder) else Run.open(folder).scenario


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # false, too, where a name is too long to ask for
