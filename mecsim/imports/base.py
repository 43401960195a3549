"""What an importer is: it reads files of one format, and finds sites, walks or tasks in them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.core.plugins import Places, Registry
from mecsim.imports import BUILT_IN

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Options:
    """What a user asks of an import."""

    columns: Mapping[str, str] = field(default_factory=dict)  # our columns to those of a CSV file
    every_s: float | None = None  # between two positions of a walk whose file has no times


@dataclass(eq=False)
class Located:
    """P places: east and north in metres, or longitude and latitude in degrees."""

    places: Array  # (P, 2)
    in_degrees: bool


@dataclass(eq=False)
class FoundSites(Located):
    """Where servers or masts stand."""

    names: list[str]  # (P,)


@dataclass(eq=False)
class FoundWalks(Located):
    """Where users were at certain times."""

    users: list[str]  # (P,) what the file calls them
    time_s: Array  # (P,) by any clock
    own_clocks: bool = False  # whether each walk was recorded on a day of its own, and is to begin at 0


@dataclass(eq=False)
class FoundTasks:
    """Tasks or requests."""

    time_s: Array  # (P,) by any clock
    users: list[str]  # (P,)
    size_bit: Array  # (P,)
    deadline_s: Array | None = None  # (P,) from their times on
    cycles: Array | None = None  # (P,) their work; None where nothing tells it
    output_bit: Array | None = None  # (P,) what is sent back


@dataclass(eq=False)
class Found:
    """What files hold, before anything but unreadable rows is dropped."""

    rows: int  # that were read
    sites: FoundSites | None = None
    walks: FoundWalks | None = None
    tasks: FoundTasks | None = None
    servers_hz: Mapping[str, float] = field(default_factory=dict)  # speeds of servers by name
    cloud_hz: float | None = None
    dropped: Counter[str] = field(default_factory=Counter)  # rows by the reason
    assumed: list[str] = field(default_factory=list)  # what no file tells, a sentence each


@dataclass(frozen=True)
class Importer:
    """How files of one kind are read."""

    about: str  # a line
    files: str  # which ones, in words
    read: Callable[[Sequence[Path], Options], Found]


IMPORTERS: Registry[Importer] = Registry("kind of data", Places("mecsim.imports", lambda: BUILT_IN))
