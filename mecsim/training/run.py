"""A run folder: everything about one training, enough to repeat it, go on with it, or play its policy.

scenario.yaml (resolved) and copies of the files that it names in data/, config.yaml, command.txt, the manifest of all
that was settled, metrics.csv, checkpoints/NUMBER/, TensorBoard events.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from mecsim_agents import LEARNERS, Learner, Replay
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mecsim.core.files import atomic_write, remove_partials, write_bytes, write_text
from mecsim.core.frames import Schema, read_csv, write_csv
from mecsim.core.scenario import Scenario
from mecsim.errors import InputError, RunError, ScenarioError
from mecsim.scenario import load_whole, save_whole
from mecsim.scenario.whole import SCENARIO_FILE
from mecsim.schema.words import first_line, one_line
from mecsim.training import checkpoints
from mecsim.training.checkpoints import AGENT, METRICS, REPLAY, TO_GO_ON, TO_PLAY
from mecsim.training.config import TrainingConfig
from mecsim.training.manifest import MANIFEST, Manifest
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
        "scenario.yaml", "config.yaml", "command.txt", MANIFEST, METRICS, "checkpoints", "tensorboard", TRACKED,
        FAILURE,
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
        """Write the files that stay as they are; config.yaml first, by which the folder is known as that of a run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_partials(self.folder)
        config = self._config()
        self._write_config(config)
        save_whole(self.scenario, self.folder)
        write_text(self.folder / "command.txt", command + "\n")
        Manifest.of(_text(self.folder / SCENARIO_FILE), config).write(self.folder)

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
        if Manifest.exists(self.folder):  # before config.yaml: a length that is not in it would be an edit
            known = Manifest.read(self.folder)
            replace(known, steps=(*known.steps, steps)).write(self.folder)
        self._write_config(self._stored() | {"steps": steps})
        return replace(self, steps=steps)

    def _config(self) -> dict[str, Any]:
        """What config.yaml of a new run holds."""
        return {
            "mecsim_run": FORMAT,
            "mecsim_version": __version__,
            "steps": self.steps,
            "seed": self.seed,
            "threads": self.threads,
            "training": self.config.to_mapping(),
        }

    def _stored(self) -> dict[str, Any]:
        """What it does hold."""
        return read_settings(self.folder / "config.yaml", "mecsim_run", FORMAT, "run format", "a run of mecsim train")

    def _write_config(self, content: Mapping[str, Any]) -> None:
        write_text(self.folder / "config.yaml", yaml.safe_dump(content, sort_keys=False))

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """The run in a folder.

        Raises:
            RunError: there is none, it is damaged or was edited, or another version wrote it in another format.
        """
        folder = Path(folder)
        path = folder / "config.yaml"
        content = read_settings(path, "mecsim_run", FORMAT, "run format", "a run of mecsim train")
        try:
            training = dict(content["training"])
            if (name := training.get("algorithm", TrainingConfig.algorithm)) not in LEARNERS:
                raise RunError(f"{folder}: trained with the agent {name}: install the package that brings it")
            config = TrainingConfig.from_stored(training)
            if not (folder / SCENARIO_FILE).exists():
                raise RunError(f"{folder}: damaged: it has no scenario.yaml; put it back, or begin anew with --force")
            scenario = load_whole(folder)
            threads = content.get("threads")
            steps, seed = int(content["steps"]), int(content["seed"])
            run = cls(folder, scenario, config, steps, seed, None if threads is None else int(threads))
        except (KeyError, TypeError, ValueError, InputError) as error:
            if isinstance(error, ScenarioError | RunError):
                raise
            raise RunError(f"{path}: damaged: {first_line(error)}") from None
        if Manifest.exists(folder):
            Manifest.read(folder).check(folder, _text(folder / SCENARIO_FILE), content)
        return run

    # Metrics

    @cached_property
    def metrics(self) -> Schema:
        """Of metrics.csv. Kept, as it is asked for in every epoch and finding an agent looks through all packages."""
        return metrics_schema(self.scenario.objectives, LEARNERS[self.config.algorithm].metrics)

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write metrics.csv from its first row; an interruption leaves the earlier one whole."""
        write_csv(self.folder / METRICS, self.metrics.rows(rows), self.metrics)

    def read_metrics(self, until_epoch: int) -> list[dict[str, Any]]:
        """The rows of the first epochs; None where a field is empty.

        Raises:
            RunError: the file is damaged.
        """
        kept, path = self._kept_metrics(), self.folder / METRICS
        rows = self._rows(path) if path.exists() else kept
        if not _begins(rows, kept):
            raise RunError(
                f"{path}: damaged: is not what the newest checkpoint holds; mend it with mecsim train --resume --out "
                f"{shlex.quote(str(self.folder))}"
            )
        return rows[:until_epoch]

    def mended_metrics(self, epoch: int) -> list[dict[str, Any]]:
        """The rows up to the checkpoint of an epoch, from which a training goes on; metrics.csv is cut back to them."""
        if not epoch:
            return []
        copy = self.folder / "checkpoints" / f"{epoch:06d}" / METRICS
        if not copy.exists():
            rows = self.read_metrics(epoch)
            if rows and len(rows) < epoch:
                raise RunError(f"{self.folder / METRICS}: damaged: it ends before epoch {epoch}; {checkpoints.CURE}")
            return rows
        rows = self._rows(copy)
        self.write_metrics(rows)
        return rows

    def _kept_metrics(self) -> list[dict[str, Any]]:
        """The rows of the newest checkpoint that has them as they were; none in one of earlier versions."""
        if not self.has_checkpoint():
            return []
        folder, state = self._newest((METRICS,))
        return self._rows(folder / METRICS) if METRICS in (state.files or {}) else []

    def _rows(self, path: Path) -> list[dict[str, Any]]:
        """Of the epochs from the first, none of which may be missing or come twice."""
        try:
            rows = read_csv(path, self.metrics).to_dicts()
        except InputError as error:
            raise RunError(f"{path}: damaged{str(error).removeprefix(str(path))}") from None
        if [row["epoch"] for row in rows] != list(range(1, len(rows) + 1)):
            raise RunError(f"{path}: damaged: epochs are missing or come twice")
        return rows

    # Checkpoints

    def save_checkpoint(self, epoch: int, agent: Learner, replay: Replay, state: Mapping[str, Any]) -> None:
        """Write a checkpoint; it and the one before it are kept."""
        folder = checkpoints.begin(self.folder / "checkpoints", epoch)
        try:
            with atomic_write(folder / AGENT) as partial:
                agent.save(partial)
            with atomic_write(folder / REPLAY) as partial:
                save_file(replay.state_tensors(), partial)
            if (self.folder / METRICS).exists():
                write_bytes(folder / METRICS, (self.folder / METRICS).read_bytes())
            checkpoints.complete_with(folder, state, self._manifest_digest())
        except BaseException:  # such as a full disk: what is there of it takes room and is of no use
            if not (folder / checkpoints.STATE).exists():
                checkpoints.remove(folder)
            raise

    def has_checkpoint(self) -> bool:
        """Whether there is a complete checkpoint."""
        return bool(checkpoints.complete(self.folder / "checkpoints"))

    def latest_checkpoint(self, go_on: bool = False) -> Path:
        """The newest checkpoint whose policy is as it was written; to `go_on`, all of which is.

        Newer ones that are damaged are told.

        Raises:
            RunError: there is none, or all are damaged.
        """
        return self._latest(go_on)[0]

    def latest_epoch(self, go_on: bool = False) -> int:
        """The epoch after which it was written. Errors as `latest_checkpoint`."""
        return self._latest(go_on)[1].epoch

    def latest_env_steps(self, go_on: bool = False) -> int:
        """Environment steps at that time. Errors as `latest_checkpoint`."""
        return self._latest(go_on)[1].env_steps

    def _latest(self, go_on: bool) -> tuple[Path, checkpoints.State]:
        return self._newest(TO_GO_ON if go_on else TO_PLAY)

    def _newest(self, names: Sequence[str]) -> tuple[Path, checkpoints.State]:
        found, state = checkpoints.intact(self.folder / "checkpoints", self._manifest_digest(), names)
        if state.epoch > self.epochs or state.env_steps != state.epoch * self.config.num_envs * self.scenario.steps:
            raise RunError(f"{found}: damaged: it is of another training; {checkpoints.CURE}")
        return found, state

    def _manifest_digest(self) -> str | None:
        return Manifest.read(self.folder).digest if Manifest.exists(self.folder) else None

    @property
    def finished(self) -> bool:
        """Whether it was trained to its end.

        Raises:
            RunError: its checkpoint is damaged.
        """
        return self.has_checkpoint() and self.latest_env_steps() >= self.steps

    def load_agent(self, device: str = "cpu", go_on: bool = False) -> Learner:
        """The agent of the newest checkpoint. Errors as `latest_checkpoint`."""
        path = self.latest_checkpoint(go_on) / AGENT
        with _damaged(path):
            return LEARNERS[self.config.algorithm].load(path, device)

    def load_checkpoint(self, replay: Replay, device: str) -> Learner:
        """The agent of the newest checkpoint to go on from; fills `replay`. Errors as `latest_checkpoint`."""
        agent = self.load_agent(device, go_on=True)
        path = self.latest_checkpoint(go_on=True) / REPLAY
        with _damaged(path):
            replay.load_state_tensors(load_file(path))
        return agent


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    """Whatever the content of a file makes those who read it raise is one line."""
    try:
        yield
    except (
        FileNotFoundError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
        SafetensorError,
    ) as error:  # fmt: skip
        raise RunError(one_line(f"{path}: damaged: {first_line(error)}; {checkpoints.CURE}")) from None


def _begins(rows: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]]) -> bool:
    """Whether rows begin with those that were kept, in all columns of these; NaN is equal to itself."""
    return len(rows) >= len(kept) and all(
        repr(row.get(name)) == repr(value)
        for row, earlier in zip(rows, kept, strict=False)
        for name, value in earlier.items()
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


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
