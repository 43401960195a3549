"""People of whom a file tells, one a row: who they are, how often they ask, and what satisfies them.

`mecsim fit` writes what a log tells of them, with how uncertain it is; `mecsim dataset --people` the truth about people
that were simulated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.core.frames import Column, Schema, read_csv, write_csv
from mecsim.errors import InputError
from mecsim.people.people import People, typical_people
from mecsim.people.population import Population
from mecsim.schema.words import nearest

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]

MAX_PEOPLE = 1_000_000
ZONE = ("adequate", "desired")
OTHER_FORMS = ("exponent", "delay_centre_s", "delay_steepness_per_s", "delay_sensitivity_per_s")

KNOWN_PEOPLE = Schema(
    (
        Column("user", "String", "what a log calls the person"),
        Column("persona", "String", "what kind of person that is"),
        Column("requests_per_day", "Float64", "on the mean"),
        Column("ratings", "Int64", "what is known is known from so many", optional=True),
        Column("schedule_shift_s", "Float64", "how late, compared with the persona's schedule", optional=True),
        Column("adequate", "Float64", "position of the adequate level: what is just accepted, rating 2"),
        Column("desired", "Float64", "position of the desired level: what is hoped for, rating 4"),
        Column("adequate_deviation", "Float64", "how uncertain that is: standard deviation", optional=True),
        Column("desired_deviation", "Float64", "likewise", optional=True),
        Column("correlation", "Float64", "of both errors", optional=True),
        *(Column(name, "Float64", "as in the personas of a scenario", optional=True) for name in OTHER_FORMS),
    )
)
"""A row per person; what is missing is as the persona says, and certain."""


@dataclass(frozen=True, eq=False)
class KnownPeople:
    """U people of a file. Equal only to itself, as another object is read once the file has changed."""

    path: Path
    frame: "pl.DataFrame"
    ids: tuple[str, ...]
    uncertain: NDArray[np.float64]  # (U, 3) deviations of both levels, and their correlation

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def rates_delays(self) -> bool:
        """Whether the file tells what satisfies them in all forms, not only that of the zone."""
        return set(OTHER_FORMS) <= set(self.frame.columns)

    def unknown_personas(self, population: Population) -> str | None:
        """What is wrong, in one line, if a persona is none of the population's."""
        known = tuple(population.personas)
        for row, name in enumerate(self.frame["persona"]):
            if name not in known:
                return f"{self.path}:{row + 2}: persona: unknown persona '{name}', {nearest(name, known)}"
        return None

    def people(self, population: Population) -> People:
        """As the file says, (U,), whatever is uncertain."""
        names = list(population.personas)
        persona = np.array([names.index(name) for name in self.frame["persona"]], np.int64)
        typical = typical_people(population).select(persona)
        told = {field.name for field in fields(People)} & set(self.frame.columns) - {"persona"}
        usual = np.array([entry.requests_per_day for entry in population.personas.values()])[persona]
        return replace(
            typical,
            request_factor=self.frame["requests_per_day"].to_numpy() / usual,
            **{name: self.frame[name].to_numpy() for name in told},
        )

    def drawn(self, people: People, index: NDArray[np.int64], rng: np.random.Generator) -> People:
        """Those at `index` as they may be, levels being drawn from what is known; `people` are all as the file says."""
        first, second = rng.standard_normal((2, len(index)))
        adequate, desired, correlation = self.uncertain[index].T
        mixed = correlation * first + np.sqrt(1.0 - correlation**2) * second
        drawn = people.select(index)
        return replace(drawn, adequate=drawn.adequate + adequate * first, desired=drawn.desired + desired * mixed)


def read_people(path: str) -> KnownPeople:
    """The people in a CSV file, remembered until it changes.

    Raises:
        InputError: it cannot be read or holds something else; one line.
    """
    file = Path(path)
    stamp = file.stat().st_mtime_ns if file.is_file() else 0
    return _read(file, stamp)


@lru_cache(maxsize=4)
def _read(path: Path, _: int) -> KnownPeople:
    if path.suffix == ".parquet" or not path.is_file():
        what = "is no table of people" if path.is_file() else "no such file, expected a table of people"
        raise InputError(f"{path}: {what}; mecsim fit LOG writes one of the people of a log, as CSV")
    frame = read_csv(path, KNOWN_PEOPLE)
    if not 1 <= len(frame) <= MAX_PEOPLE:
        raise InputError(f"{path}: {len(frame):,} people, expected 1 to {MAX_PEOPLE:,}")
    ids = tuple(frame["user"])
    if len(set(ids)) < len(ids):
        row = int(np.argmax(frame["user"].is_duplicated().to_numpy()))
        raise InputError(f"{path}: user '{ids[row]}' has several rows, expected one: one id, one person")
    bounds = {
        "requests_per_day": (1e-9, 1e9, "a number above 0"),
        "adequate_deviation": (0.0, 10.0, "a number from 0 to 10"),
        "desired_deviation": (0.0, 10.0, "a number from 0 to 10"),
        "correlation": (-1.0, 1.0, "a number from -1 to 1"),
        **dict.fromkeys(ZONE, (-10.0, 10.0, "a position from -10 to 10")),
        "schedule_shift_s": (-86400.0, 86400.0, "a time within a day"),
        **dict.fromkeys(OTHER_FORMS, (1e-9, 1e9, "a number above 0")),
    }
    for name, (low, high, expected) in bounds.items():
        if name in frame.columns:
            _check(path, frame, name, ~frame[name].is_between(low, high).to_numpy(), expected)
    _check(path, frame, "desired", (frame["desired"] <= frame["adequate"]).to_numpy(), "a position above the adequate")
    unknown = [frame[name].to_numpy() if name in frame.columns else np.zeros(len(frame)) for name in UNCERTAIN]
    return KnownPeople(path, frame, ids, np.stack(unknown, axis=1))


UNCERTAIN = ("adequate_deviation", "desired_deviation", "correlation")


def _check(path: Path, frame: "pl.DataFrame", name: str, wrong: NDArray[np.bool_], expected: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{path}:{row + 2}: {name}: expected {expected}, got {frame[name][row]:g}")


def write_people(path: Path, columns: Mapping[str, object]) -> None:
    """Write people as `read_people` reads them. Raises OSError if it cannot be written."""
    write_csv(path, KNOWN_PEOPLE.frame(columns), KNOWN_PEOPLE)  # type: ignore[arg-type]


def true_people(people: People, population: Population) -> dict[str, object]:
    """The columns of a file that tells all of people, numbered from 0."""
    per_day = np.array([persona.requests_per_day for persona in population.personas.values()])[people.persona]
    told = ("schedule_shift_s", *ZONE, *OTHER_FORMS)
    return {
        "user": [str(number) for number in range(len(people))],
        "persona": np.array(list(population.personas))[people.persona].tolist(),
        "requests_per_day": per_day * people.request_factor,
        **{name: getattr(people, name) for name in told},
    }
