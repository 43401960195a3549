"""Finished parts of sweeps on disk, so that an interrupted sweep goes on where it was.

A part is what a target reached for a few preferences. Its file is named by a digest of everything that decides its
numbers: the scenario's content, the target itself (a run by its weights, not by its path), preferences, episodes, seed
and the version of mecsim. One folder can therefore hold the parts of many sweeps, and what belongs to other settings is
never taken for a part.
"""

import hashlib
import json
import zipfile
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import atomic_write
from mecsim.core.scenario import Scenario
from mecsim.policies import Planning, policies_of
from mecsim.policies.registry import is_place, source_of
from mecsim.scenario import content_of
from mecsim.sweep.details import Details
from mecsim.sweep.front import Front
from mecsim.sweep.planned import base_of
from mecsim.version import __version__

FORMAT = 3
IDENTIFYING = ("policies.yaml", "seeds.yaml", "scenario.yaml", "config.yaml", "agent.safetensors")
"""Files that decide how a run acts: indices of several, scenario, settings, weights."""

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of parts; it is made when the first part is written."""

    folder: Path

    def path(
        self, identity: str, scenario: Scenario, preferences: Sequence[Sequence[float]], episodes: int, seed: int
    ) -> Path:
        """The file of a part; `identity` is that of its target."""
        # How long a scenario is trained by default, and what it is called, changes nothing of what is played.
        content = [
            FORMAT,
            __version__,
            _content(scenario, scenario.data),
            identity,
            preferences,
            episodes,
            seed,
        ]
        return self.folder / f"{_digest(json.dumps(content).encode())}.npz"


@dataclass(frozen=True, slots=True)
class Part:
    """What a target reached for some preferences."""

    totals: NDArray[np.float64]  # (preferences, episodes, objectives)
    details: Details = field(default_factory=Details)

    @staticmethod
    def joined(parts: "Sequence[Part]") -> "Part":
        """Of the preferences of all of them."""
        return Part(np.concatenate([part.totals for part in parts]), Details.joined([part.details for part in parts]))

    def front(self, target: str, preferences: NDArray[np.float64]) -> Front:
        """As what a target reached."""
        return Front(target, preferences, self.totals, details=self.details)


DETAILS = tuple(one.name for one in fields(Details))


def read_part(path: Path, shape: tuple[int, int, int]) -> Part | None:
    """What is in a part's file, totals of a shape; None if there is no such file or it is damaged.

    Damaged parts are no error: they are computed again.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            totals = arrays["totals"]
            named: dict[str, dict[str, NDArray[np.float64]]] = {kind: {} for kind in DETAILS}
            for entry in arrays.files:
                kind, slash, name = entry.partition("/")
                if slash:
                    named[kind][name] = arrays[entry]
    except _UNREADABLE:
        return None
    return Part(totals, Details(**named)) if totals.shape == shape and totals.dtype == np.float64 else None


def write_part(path: Path, preferences: NDArray[np.float64], part: Part) -> None:
    """Write a part such that whoever reads it finds all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {f"{kind}/{name}": found for kind in DETAILS for name, found in getattr(part.details, kind).items()}
    with atomic_write(path) as partial, partial.open("wb") as file:
        np.savez(file, preferences=preferences, totals=part.totals, **named)


def target_identity(target: str, scenario: Scenario) -> str:
    """What a target is apart from its path: a policy's name, or a digest of the policies in a run's folder.

    Two targets of one identity act alike. Training a run further changes its identity, and so does another text of the
    module of an object at `package.module:Object`.
    """
    base, futures = base_of(target)
    if futures is not None:
        return f"{target_identity(base, scenario)} with {Planning(futures)}"
    if target in policies_of(scenario):
        return f"policy {target}"
    if is_place(target):
        return f"object {target} {_digest(source_of(target))}"
    folder = Path(target)
    # Of several runs in a folder each has such files of its own. Of each run only the newest checkpoint is kept.
    files = sorted(path for name in IDENTIFYING for path in folder.rglob(name))
    digests = [f"{path.relative_to(folder).as_posix()} {_digest(path.read_bytes())}" for path in files]
    return f"run {_digest(chr(10).join(digests).encode())}"


@lru_cache(maxsize=8)
def _content(scenario: Scenario, _: Hashable) -> str:
    """The second argument are the scenario's data from outside, so that changed files count as changed."""
    return content_of(scenario.apart_from_texts())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
