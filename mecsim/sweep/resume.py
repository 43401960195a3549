"""The settings of a sweep that is stored in a folder: a sweep is only resumed as the one that it was."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import remove_partials
from mecsim.core.json_files import read_json
from mecsim.core.lock import LOCK
from mecsim.core.scenario import Scenario
from mecsim.core.sources import code_digest
from mecsim.errors import InputError
from mecsim.scenario import content_of
from mecsim.sweep.files import write_json
from mecsim.sweep.store import FORMAT, Store, target_identity
from mecsim.version import __version__

SETTINGS = "settings.json"


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """Everything that decides the numbers of a sweep."""

    targets: tuple[str, ...]
    scenario: Scenario
    preferences: NDArray[np.float64]  # (K, objectives)
    episodes: int
    seed: int

    def to_mapping(self) -> dict[str, Any]:
        """As `settings.json` holds it; long values as digests."""
        return {
            "format": FORMAT,
            "mecsim_version": __version__,
            "code": code_digest(),
            "scenario": hashlib.sha256(content_of(self.scenario).encode()).hexdigest(),
            "preferences": len(self.preferences),
            "episodes": self.episodes,
            "seed": self.seed,
            "targets": {target: target_identity(target, self.scenario) for target in self.targets},
        }


def start_store(folder: Path, settings: SweepSettings) -> Store:
    """A store for a new sweep; its settings are kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_partials(folder)
    write_json(folder / SETTINGS, settings.to_mapping())
    return Store(folder)


def share_store(folder: Path, settings: SweepSettings) -> Store:
    """The store that commands of the same settings fill together, made by the first of them.

    Raises:
        InputError: there is something else, or a sweep with other settings.
    """
    if (folder / SETTINGS).exists():
        _checked(folder, settings)
        return Store(folder)
    if folder.parent.is_dir() and any(entry.name not in (folder.name, LOCK) for entry in folder.parent.iterdir()):
        raise InputError(f"{folder.parent}: holds something else than parts of a sweep; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SETTINGS, settings.to_mapping())
    return Store(folder)


def resume_store(folder: Path, settings: SweepSettings) -> Store:
    """The store of an earlier sweep with the same settings. Targets may be added; earlier ones must be the same.

    Raises:
        InputError: there is no such sweep, its settings cannot be read, or they differ.
    """
    targets = _checked(folder, settings)
    remove_partials(folder)
    write_json(folder / SETTINGS, settings.to_mapping() | {"targets": targets})
    return Store(folder)


def _checked(folder: Path, settings: SweepSettings) -> dict[str, str]:
    """All targets of a stored sweep and of these settings, which are otherwise the same."""
    path = folder / SETTINGS
    try:
        found = read_json(path)
        earlier = dict(found["targets"])
    except FileNotFoundError:
        raise InputError(f"{folder.parent}: no sweep to resume there; leave --resume out to start one") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged: {str(error) or type(error).__name__}; start anew with --force") from None
    wanted = settings.to_mapping()
    cure = "give the same as before, or start anew with --force or in another folder"
    if found.get("scenario") != wanted["scenario"]:
        raise InputError(f"{folder.parent}: the sweep there is of another scenario or --context; {cure}")
    for name in ("format", "mecsim_version", "preferences", "episodes", "seed"):
        if found.get(name) != wanted[name]:
            raise InputError(
                f"{folder.parent}: the sweep there has {name.replace('_', ' ')} {found.get(name)}, not {wanted[name]}; "
                f"{cure}"
            )
    _check_targets(folder.parent, earlier, wanted["targets"])
    if found.get("code") != wanted["code"]:
        told = "%s: the code has changed since the sweep there began; all of it is played anew"
        logging.getLogger(__name__).warning(told, folder.parent)
    return {**earlier, **wanted["targets"]}


def _check_targets(folder: Path, earlier: dict[str, str], wanted: dict[str, str]) -> None:
    changed: Sequence[str] = [name for name in wanted if earlier.get(name, wanted[name]) != wanted[name]]
    if changed:
        raise InputError(
            f"{folder}: {changed[0]} has changed since the sweep there began (its policy is another one); "
            "start anew with --force or in another folder"
        )
