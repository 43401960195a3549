"""Who is told of every epoch of a training, by name: `mecsim train --log NAME`."""

import importlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from mecsim.core.files import write_text
from mecsim.core.json_files import read_json
from mecsim.core.plugins import Places, Registry
from mecsim.errors import InputError, MecsimError, RunError
from mecsim.policies.registry import is_place, object_at
from mecsim.schema.words import first_line
from mecsim.training import EpochReport, MakeMonitor, Monitor, Run, Watched

BUILT_IN = {
    "wandb": "mecsim.report.wandb:WandbMonitor",
    "mlflow": "mecsim.report.mlflow:MlflowMonitor",
}

MONITORS: Registry[MakeMonitor] = Registry("monitor", Places("mecsim.monitors", lambda: BUILT_IN))
"""Those of mecsim and of packages that name theirs by an entry point of the group `mecsim.monitors`."""

PACKAGES = {"wandb": "wandb", "mlflow": "mlflow"}
"""What a built-in monitor needs beyond mecsim."""


def find_monitor(name: str) -> MakeMonitor:
    """What makes the monitor of a name, or the one at `package.module:Object`.

    Raises:
        InputError: there is none, or a package that it needs is not installed.
    """
    if is_place(name):
        made = object_at(name)
    else:
        made = MONITORS.load(name)
        if name in PACKAGES:
            needed(PACKAGES[name])
    if not callable(made):
        raise InputError(f"--log {name}: expected a class or function that makes a monitor of what is watched")

    def make(watched: Watched) -> Monitor:
        with _one_line(name):
            monitor: Any = made(watched)
        if not callable(getattr(monitor, "on_epoch", None)):
            raise InputError(f"--log {name}: makes no monitor, expected an object with on_epoch(report)")
        return _Named(name, monitor)

    return make


class _Named:
    """Another monitor, whose errors are told in a line with its name."""

    def __init__(self, name: str, monitor: Monitor) -> None:
        self._name, self._monitor, self._context = name, monitor, ExitStack()

    def on_epoch(self, report: EpochReport) -> None:
        """What the other does."""
        with _one_line(self._name):
            self._monitor.on_epoch(report)

    def __enter__(self) -> Self:
        """Enter the other, if it is a context manager."""
        if isinstance(self._monitor, AbstractContextManager):
            with _one_line(self._name):
                self._monitor = self._context.enter_context(self._monitor)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the other."""
        with _one_line(self._name):
            self._context.__exit__(kind, error, at)


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    try:
        yield
    except MecsimError:
        raise
    except Exception as error:
        raise RunError(f"--log {name}: {type(error).__name__}: {first_line(error)}") from error


def needed(package: str) -> ModuleType:
    """A package that a monitor needs.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(f"--log {package} needs a package: pip install {package} ({error})") from error


def plain_settings(run: Run) -> dict[str, Any]:
    """What a training was started with, as flat as trackers want it."""
    training = run.config.to_mapping()
    agent = training.pop("agent")
    told = {"scenario": run.scenario.description or run.scenario.kind, "steps": run.steps, "seed": run.seed, **training}
    return told | {f"agent.{name}": value for name, value in agent.items()}


def run_name(run: Run) -> str:
    """The name of a run for people: its folder's; of one of several after that of their folder."""
    folder = run.folder.resolve()
    several = any((folder.parent / name).is_file() for name in ("policies.yaml", "seeds.yaml"))
    return f"{folder.parent.name}/{folder.name}" if several else folder.name


def known_id(watched: Watched, tracker: str) -> str | None:
    """By what a tracker knows the run that goes on; None of one that begins, or was not told to it before."""
    path = watched.run.folder / Run.TRACKED
    if watched.resumed_at is None or not path.is_file():
        return None
    found = _tracked(path).get(tracker)
    return None if found is None else str(found)


def keep_id(run: Run, tracker: str, identity: str) -> None:
    """Keep by what a tracker knows a run, so that it is the same run when it goes on."""
    path = run.folder / Run.TRACKED
    known = _tracked(path) if path.is_file() else {}
    write_text(path, json.dumps({**known, tracker: identity}, indent=2) + "\n")


def _tracked(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path))
    except (ValueError, TypeError) as error:
        raise RunError(
            f"{path}: damaged: {first_line(error)}; remove it, and trackers begin a run of their own"
        ) from None
