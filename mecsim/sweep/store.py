"""Finished parts of sweeps on disk, so that an interrupted sweep goes on where it was.

A part is what a target reached for a few preferences. Its file is named by a digest of everything that decides its
numbers: the scenario's content and that of its files, the target itself (a run by its weights, not by its path),
preferences, episodes, seed, and the code that plays. The file holds that digest, too. One folder can therefore hold the
parts of many sweeps, and what belongs to other settings, or to another code, is never taken for a part.
"""

import zipfile
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import atomic_write, digest_of_file
from mecsim.core.json_files import digest_of_json
from mecsim.core.scenario import Scenario
from mecsim.core.sources import code_digest
from mecsim.policies import Planning, policies_of
from mecsim.policies.registry import code_of, is_place
from mecsim.scenario import content_of
from mecsim.sweep.details import Details
from mecsim.sweep.front import Front
from mecsim.sweep.planned import base_of

FORMAT = 4

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of parts; it is made when the first part is written."""

    folder: Path

    def place(
        self, identity: str, scenario: Scenario, preferences: Sequence[Sequence[float]], episodes: int, seed: int
    ) -> "PartFile":
        """Where a part is kept; `identity` is that of its target."""
        # How long a scenario is trained by default, and what it is called, changes nothing of what is played.
        content = [FORMAT, code_digest(), _content(scenario, scenario.data), identity, preferences, episodes, seed]
        return PartFile(self.folder, digest_of_json(content))


@dataclass(frozen=True, slots=True)
class PartFile:
    """Where a part is kept."""

    folder: Path
    key: str  # a digest of everything that decides its numbers

    @property
    def path(self) -> Path:
        """Its file."""
        return self.folder / f"{self.key[:32]}.npz"


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


def read_part(place: PartFile, shape: tuple[int, int, int]) -> Part | None:
    """The part that is kept in a place, totals of a shape; None if there is none or it is damaged.

    Damaged parts are no error, nor those of other settings under this name: they are computed again.
    """
    try:
        with place.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if str(arrays["key"]) != place.key:
                return None
            totals = arrays["totals"]
            named: dict[str, dict[str, NDArray[np.float64]]] = {kind: {} for kind in DETAILS}
            for entry in arrays.files:
                kind, slash, name = entry.partition("/")
                if slash:
                    named[kind][name] = arrays[entry]
    except _UNREADABLE:
        return None
    whole = totals.shape == shape and totals.dtype == np.float64 and np.isfinite(totals).all()
    return Part(totals, Details(**named)) if whole else None


def write_part(place: PartFile, preferences: NDArray[np.float64], part: Part) -> None:
    """Write a part such that whoever reads it finds all of it or nothing."""
    place.folder.mkdir(parents=True, exist_ok=True)
    named = {f"{kind}/{name}": found for kind in DETAILS for name, found in getattr(part.details, kind).items()}
    with atomic_write(place.path) as partial, partial.open("wb") as file:
        np.savez(file, key=np.array(place.key), preferences=preferences, totals=part.totals, **named)


def target_identity(target: str, scenario: Scenario) -> str:
    """What a target is apart from its path: a policy's name, or a digest of the policies in a run's folder.

    Two targets of one identity act alike. Training a run further changes its identity, and so does another code of the
    module of an object at `package.module:Object`.

    Raises:
        RunError: a run in the folder cannot be used.
    """
    base, futures = base_of(target)
    if futures is not None:
        return f"{target_identity(base, scenario)} with {Planning(futures)}"
    if target in policies_of(scenario):
        return f"policy {target}"
    if is_place(target):
        return f"object {target} {code_of(target)}"
    from mecsim.training.checkpoints import AGENT  # PyTorch comes with it
    from mecsim.training.multi import runs_in

    folder = Path(target)
    decisive = [
        (path.relative_to(folder).as_posix(), digest_of_file(path))
        for run in runs_in(folder)
        for path in (run.folder / "scenario.yaml", run.folder / "config.yaml", run.latest_checkpoint() / AGENT)
    ]
    return f"run {digest_of_json(decisive)}"


def played_identity(target: str, scenario: Scenario) -> str:
    """What a target is together with what it is played on, the content of files included; raises as both."""
    return f"{target_identity(target, scenario)} on {digest_of_json(_content(scenario, scenario.data))}"


@lru_cache(maxsize=8)
def _content(scenario: Scenario, _: Hashable) -> str:
    """The second argument are the scenario's data from outside, so that changed files count as changed."""
    return content_of(scenario.apart_from_texts())
