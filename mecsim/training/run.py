"""A run folder: everything about one training, enough to repeat it, go on with it, or play its policy.

scenario.yaml (resolved) and copies of the files that it names in data/, config.yaml, command.txt, metrics.csv,
checkpoints/NUMBER/, TensorBoard events. A checkpoint is a folder named by its epoch: agent.safetensors,
replay.safetensors and state.json, the last written last; a folder without state.json is not a checkpoint.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from mecsim_agents import LEARNERS, Learner, Replay
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mecsim.core.files import atomic_write
from mecsim.core.frames import Schema, read_csv, write_csv
from mecsim.core.scenario import Scenario
from mecsim.errors import InputError, RunError, ScenarioError
from mecsim.scenario import load_whole, save_whole
from mecsim.training.config import TrainingConfig
from mecsim.training.metrics import metrics_schema
from mecsim.version import __version__

EVALUATIONS = 20  # at least so many in a training that is long enough, unless its settings say otherwise
FORMAT = 2


@dataclass(frozen=True)
class Run:
    """A run folder with its scenario and settings."""

    TRACKED: ClassVar = "tracked.json"  # by what trackers know the run
    FAILURE: ClassVar = "failure.json"  # what stopped the training, see `Guard`
    OWN_ENTRIES: ClassVar = (
        "scenario.yaml", "config.yaml", "command.txt", "metrics.csv", "checkpoints", "tensorboard", TRACKED, FAILURE,
    )  # fmt: skip

    folder: Path
    scenario: Scenario
    config: TrainingConfig
    steps: int  # environment steps of the whole training
    seed: int
    threads: int | None = None  # that it is trained on; with as many it can be repeated bit for bit

    def __post_init__(self) -> None:
        """Raise InputError for a preference over other objectives than the scenario's."""
        names, preference = self.scenario.objectives, self.config.preference
        if preference is not None and len(preference) != len(names):
            raise InputError(
                f"preference: expected a weight for each of {', '.join(names)}, got {len(preference)} weights"
            )

    @property
    def epochs(self) -> int:
        """Of the whole training; the last one is never cut short."""
        return ceil(self.steps / (self.config.num_envs * self.scenario.steps))

    def is_evaluated(self, epoch: int) -> bool:
        """Whether the policy is evaluated after an epoch: before its first update, at regular distances, at the end."""
        every = self.config.evaluation_epochs or max(1, self.epochs // EVALUATIONS)
        return epoch in (self.config.warmup_epochs, self.epochs) or epoch % every == 0

    @property
    def warmup_steps(self) -> int:
        """Environment steps before the first update."""
        return self.config.warmup_epochs * self.config.num_envs * self.scenario.steps

    def create(self, command: str) -> None:
        """Write the files that stay as they are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_whole(self.scenario, self.folder)
        (self.folder / "command.txt").write_text(command + "\n", encoding="utf-8")
        self._write_config()

    @property
    def runs(self) -> tuple["Run", ...]:
        """Itself alone, as several runs in a folder have them all."""
        return (self,)

    def with_steps(self, steps: int) -> Self:
        """The same run to another length, which is written down; schedules follow it from here on.

        Raises:
            InputError: it was trained for more already.
        """
        done = self.latest_env_steps() if self.has_checkpoint() else 0
        if steps < done:
            raise InputError(f"--steps {steps}: {self.folder} was trained for {done} steps already")
        longer = replace(self, steps=steps)
        longer._write_config()
        return longer

    def _write_config(self) -> None:
        content = {
            "mecsim_run": FORMAT,
            "mecsim_version": __version__,
            "steps": self.steps,
            "seed": self.seed,
            "threads": self.threads,
            "training": self.config.to_mapping(),
        }
        with atomic_write(self.folder / "config.yaml") as partial:
            partial.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """The run in a folder.

        Raises:
            RunError: there is none, it is damaged, or another version of mecsim wrote it in another format.
        """
        folder = Path(folder)
        path = folder / "config.yaml"
        content = read_settings(path, "mecsim_run", FORMAT, "run format", "a run of mecsim train")
        try:
            training = dict(content["training"])
            if (name := training.get("algorithm", TrainingConfig.algorithm)) not in LEARNERS:
                raise RunError(f"{folder}: trained with the agent {name}: install the package that brings it")
            config = TrainingConfig.from_stored(training)
            if not (folder / "scenario.yaml").exists():
                raise RunError(f"{folder}: damaged: it has no scenario.yaml")
            scenario = load_whole(folder)
            threads = content.get("threads")
            steps, seed = int(content["steps"]), int(content["seed"])
            return cls(folder, scenario, config, steps, seed, None if threads is None else int(threads))
        except (KeyError, TypeError, ValueError, InputError) as error:
            if isinstance(error, ScenarioError | RunError):
                raise
            raise RunError(f"{path}: damaged: {first_line(error)}") from None

    # Metrics

    @cached_property
    def metrics(self) -> Schema:
        """Of metrics.csv. Kept, as it is asked for in every epoch and finding an agent looks through all packages."""
        return metrics_schema(self.scenario.objectives, LEARNERS[self.config.algorithm].metrics)

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write metrics.csv from its first row; an interruption leaves the earlier one whole."""
        write_csv(self.folder / "metrics.csv", self.metrics.rows(rows), self.metrics)

    def read_metrics(self, until_epoch: int) -> list[dict[str, Any]]:
        """The rows of the first epochs; None where a field is empty.

        Raises:
            RunError: the file is damaged.
        """
        path = self.folder / "metrics.csv"
        if not path.exists():
            return []
        try:
            rows = read_csv(path, self.metrics).to_dicts()
        except InputError as error:
            raise RunError(f"{path}: damaged{str(error).removeprefix(str(path))}") from None
        return [row for row in rows if row["epoch"] <= until_epoch]

    # Checkpoints

    def save_checkpoint(self, epoch: int, agent: Learner, replay: Replay, state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then remove the earlier ones."""
        folder = self.folder / "checkpoints" / f"{epoch:06d}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        agent.save(folder / "agent.safetensors")
        save_file(replay.state_tensors(), folder / "replay.safetensors")
        with atomic_write(folder / "state.json") as partial:
            partial.write_text(json.dumps({"epoch": epoch, **state}, indent=2) + "\n", encoding="utf-8")
        for other in sorted((self.folder / "checkpoints").iterdir()):
            if other != folder:
                shutil.rmtree(other)

    def has_checkpoint(self) -> bool:
        """Whether there is a complete checkpoint."""
        return any((self.folder / "checkpoints").glob("*/state.json"))

    def latest_checkpoint(self) -> Path:
        """The newest complete checkpoint.

        Raises:
            RunError: there is none.
        """
        complete = sorted((self.folder / "checkpoints").glob("*/state.json"))
        if not complete:
            raise RunError(f"{self.folder}: the run has no checkpoint yet")
        return complete[-1].parent

    def latest_epoch(self) -> int:
        """The epoch after which the newest checkpoint was written.

        Raises:
            RunError: there is none, or it is damaged.
        """
        return self._latest_state("epoch")

    def latest_env_steps(self) -> int:
        """Environment steps at the newest checkpoint.

        Raises:
            RunError: there is none, or it is damaged.
        """
        return self._latest_state("env_steps")

    def _latest_state(self, name: str) -> int:
        path = self.latest_checkpoint() / "state.json"
        try:
            return int(json.loads(path.read_text(encoding="utf-8"))[name])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path}: damaged: {first_line(error)}") from None

    @property
    def finished(self) -> bool:
        """Whether it was trained to its end.

        Raises:
            RunError: its checkpoint is damaged.
        """
        return self.has_checkpoint() and self.latest_env_steps() >= self.steps

    def load_agent(self, device: str = "cpu") -> Learner:
        """The agent of the newest checkpoint.

        Raises:
            RunError: there is none, or it is damaged.
        """
        path = self.latest_checkpoint() / "agent.safetensors"
        try:
            return LEARNERS[self.config.algorithm].load(path, device)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise RunError(f"{path}: damaged: {first_line(error)}") from None

    def load_checkpoint(self, replay: Replay, device: str) -> Learner:
        """The agent of the newest checkpoint; fills `replay`.

        Raises:
            RunError: there is none, or it is damaged.
        """
        agent = self.load_agent(device)
        folder = self.latest_checkpoint()
        try:
            replay.load_state_tensors(load_file(folder / "replay.safetensors"))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise RunError(f"{folder}: damaged: {first_line(error)}") from None
        return agent


def read_settings(path: Path, key: str, version: int, noun: str, folder_is: str) -> dict[str, Any]:
    """The YAML mapping in `path`, whose entry `key` has to be `version`.

    `noun` is what a message calls that entry, `folder_is` what a folder without the file is not.

    Raises:
        RunError: the file is missing, cannot be read, or is of another version.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path.parent}: not {folder_is} (it has no {path.name})") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise RunError(f"{path}: cannot be read: {first_line(error)}") from None
    found = content.get(key) if isinstance(content, dict) else None
    if not isinstance(content, dict) or found != version:
        told = f"{noun} {found}" if found is not None else f"no {noun}"
        raise RunError(f"{path}: {told}, this version reads format {version}; train anew or use the mecsim it is of")
    return content


def first_line(error: BaseException) -> str:
    """What an error says, on one line."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return (str(error).splitlines() or [type(error).__name__])[0]
