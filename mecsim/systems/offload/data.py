"""What a scenario takes from outside: sites of edges, recorded tasks, recorded positions of users.

Positions are metres (`x_m,y_m`) or degrees (`latitude,longitude`). Columns are those of the tables below, in any order;
others are errors, unless a format maps columns. Rows may come in any order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import ScenarioError
from mecsim.schema.fields import MAX_CLASSES, Finding
from mecsim.schema.formats import PLAIN, Format
from mecsim.schema.mappings import unknown_names
from mecsim.schema.tables import NAMES, Column, Table, fail, read_table
from mecsim.schema.units import show

Array = NDArray[np.float64]

MAX_SITES = 100_000
MAX_NAME = 40
TAKEN_NAMES = ("cloud", "device")  # what the other options are called
MAX_EXTENT_DEGREE = 5.0  # beyond it a plane is no longer a good map
MAX_STEPS = 10**15  # from the beginning of time to the end of a trace

_TIME = Column("time_s", "a time from 0 to 1e12 s", 0.0, 1e12, unit="s", stamps=True)
_USER = Column("user", "the number of a user, from 0", 0.0, 99_999.0, whole=True, ids=True)
_PLANE = (
    Column("x_m", "metres from -1e7 to 1e7", -1e7, 1e7, unit="m"),
    Column("y_m", "metres from -1e7 to 1e7", -1e7, 1e7, unit="m"),
)
_GLOBE = (
    Column("latitude", "degrees from -85 to 85", -85.0, 85.0),
    Column("longitude", "degrees from -180 to 180", -180.0, 180.0),
)
_SPEED = Column("cpu_ghz", "a speed from 1e-9 to 1e9 GHz", 1e-9, 1e9, optional=True, unit="GHz")
_POWERS = tuple(
    Column(name, "a power from 0 to 1e12 W", 0.0, 1e12, optional=True, unit="W") for name in ("idle_w", "full_w")
)
_TASKS = (
    _TIME,
    _USER,
    Column("size_bit", "a size from 1e-18 to 1e18 bit", 1e-18, 1e18, unit="bit"),
    Column("deadline_s", "a time above 0 s, or nothing for none", 1e-18, 1e18, optional=True, empty=np.inf, unit="s"),
    Column("cycles_per_bit", "a number from 1e-18 to 1e18", 1e-18, 1e18, optional=True),
    Column("cycles", "a number from 1e-18 to 1e30", 1e-18, 1e30, optional=True),
    Column("output_bit", "a size from 0 to 1e18 bit", 0.0, 1e18, optional=True, unit="bit"),
    Column("priority", f"a class from 0 to {MAX_CLASSES - 1}", 0.0, MAX_CLASSES - 1.0, whole=True, optional=True),
)
_SITES = ((*_PLANE, _SPEED, *_POWERS), (*_GLOBE, _SPEED, *_POWERS))
_WALKS = ((_USER, _TIME, *_PLANE), (_USER, _TIME, *_GLOBE))


def _names(*choices: Sequence[Column]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(column.name for columns in choices for column in columns), NAMES]))


SITE_COLUMNS, TASK_COLUMNS, WALK_COLUMNS = _names(*_SITES), _names(_TASKS), _names(*_WALKS)


@dataclass(frozen=True, eq=False)
class Positions:
    """Places: x and y in metres, or longitude and latitude in degrees, (P, 2)."""

    values: Array
    in_degrees: bool


@dataclass(frozen=True, eq=False)
class Sites(Positions):
    """Where edges stand, and what else a file says of each; None where it has no such column."""

    table: Table  # as the file has it
    cpu_hz: Array | None  # (P,)
    power_w: Array | None  # (P, 2) idle and at full load

    @property
    def names(self) -> tuple[str, ...] | None:
        """What they are called, (P,)."""
        return self.table.names


@dataclass(frozen=True, eq=False)
class TaskTrace:
    """Recorded tasks in the order of time; those of the same time in the order of the file."""

    time_s: Array  # (P,)
    user: NDArray[np.int64]  # (P,)
    size_bit: Array  # (P,)
    deadline_s: Array | None  # (P,) infinite where a task has none; None where the file has no such column
    priority: NDArray[np.int64] | None  # (P,); None where the file has no such column
    cycles_per_bit: Array | None  # (P,) likewise, also where it tells the cycles of whole tasks
    output_bit: Array | None  # (P,) likewise
    table: Table  # as the file has it

    @property
    def classes(self) -> int | None:
        """The number of priority classes; None where the file tells none."""
        return None if self.priority is None else int(self.priority.max()) + 1


@dataclass(frozen=True, eq=False)
class MobilityTrace:
    """Recorded positions, user by user and in the order of time."""

    user: NDArray[np.int64]  # (P,)
    time_s: Array  # (P,)
    positions: Positions
    table: Table  # as the file has it


def unreadable(
    key: str, read: Callable[[str, Format], object], path: str | None, as_told: Format, known: Sequence[str]
) -> list[Finding]:
    """Why the file that a key names cannot be used; nothing where it can, or names none.

    Columns that its format maps are among the `known` ones.
    """
    findings = unknown_names(as_told.columns, known, "column", "columns.")
    try:
        if path is not None and not findings:
            read(path, as_told)
    except ScenarioError as error:
        return [(key, str(error))]
    return findings


def read_sites(path: str, as_told: Format = PLAIN) -> Sites:
    """The sites of edges, in the order of the file. Raises ScenarioError as `read_table` does."""
    return _sites(read_table(path, _SITES, MAX_SITES, as_told))


def read_tasks(path: str, as_told: Format = PLAIN) -> TaskTrace:
    """Recorded tasks. Raises ScenarioError as `read_table` does."""
    return _tasks(read_table(path, (_TASKS,), as_told=as_told))


def read_mobility(path: str, as_told: Format = PLAIN) -> MobilityTrace:
    """Recorded positions. Raises ScenarioError as `read_table` does, and where a user is in two places at once."""
    return _mobility(read_table(path, _WALKS, as_told=as_told))


@lru_cache(maxsize=4)
def _sites(table: Table) -> Sites:
    columns, positions = table.columns, _positions(table)
    powers = [columns[column.name] for column in _POWERS if column.name in columns]
    if len(powers) == 1:
        fail(table.path, 1, "one of idle_w and full_w, expected both or none")
    if powers:
        table.refuse(powers[1] < powers[0], "full_w lies below idle_w, expected at least that")
    return Sites(
        positions.values,
        positions.in_degrees,
        table,
        cpu_hz=columns["cpu_ghz"] * 1e9 if "cpu_ghz" in columns else None,
        power_w=np.stack(powers, axis=1) if powers else None,
    )


def check_names(sites: Sites) -> None:
    """Refuse names that cannot tell edges apart; ScenarioError names the line."""
    names = sites.names or ()
    short = np.array([not 0 < len(name) <= MAX_NAME or not name.isprintable() for name in names], np.bool_)
    sites.table.refuse(short, f"name: expected a name of 1 to {MAX_NAME} characters, or no column of names")
    first = dict[str, int]()
    again = np.array([first.setdefault(name, row) < row or name in TAKEN_NAMES for row, name in enumerate(names)])
    if again.any():
        name = names[int(np.argmax(again))]
        sites.table.refuse(again, f"name: {show(name)} is taken, expected a name of its own for each edge")


@lru_cache(maxsize=2)
def _tasks(table: Table) -> TaskTrace:
    columns = table.columns
    time_s = columns["time_s"]
    cycles_per_bit = columns.get("cycles_per_bit")
    if "cycles" in columns:
        if cycles_per_bit is not None:
            fail(table.path, 1, "both cycles and cycles_per_bit, expected one of them")
        cycles_per_bit = columns["cycles"] / columns["size_bit"]
    order: slice | NDArray[np.int64] = slice(None)
    if (np.diff(time_s) < 0.0).any():
        order = np.argsort(time_s, kind="stable")
    return TaskTrace(
        time_s=np.ascontiguousarray(time_s[order]),
        user=columns["user"][order].astype(np.int64),
        size_bit=np.ascontiguousarray(columns["size_bit"][order]),
        deadline_s=columns["deadline_s"][order].copy() if "deadline_s" in columns else None,
        priority=columns["priority"][order].astype(np.int64) if "priority" in columns else None,
        cycles_per_bit=None if cycles_per_bit is None else cycles_per_bit[order].copy(),
        output_bit=columns["output_bit"][order].copy() if "output_bit" in columns else None,
        table=table,
    )


@lru_cache(maxsize=2)
def _mobility(table: Table) -> MobilityTrace:
    user, time_s = table.columns["user"], table.columns["time_s"]
    order = np.lexsort((time_s, user))
    again = np.zeros(len(order), np.bool_)
    again[order[1:]] = (np.diff(user[order]) == 0.0) & (np.diff(time_s[order]) == 0.0)
    table.refuse(again, "a second position of the user at the same time, expected one")
    positions = _positions(table)
    ordered = Positions(positions.values[order], positions.in_degrees)
    return MobilityTrace(user[order].astype(np.int64), time_s[order].copy(), ordered, table)


@lru_cache(maxsize=4)
def _positions(table: Table) -> Positions:
    in_degrees = "latitude" in table.columns
    names: Sequence[str] = ("longitude", "latitude") if in_degrees else ("x_m", "y_m")
    values = np.stack([table.columns[name] for name in names], axis=1)
    if in_degrees and np.ptp(values, axis=0).max() > MAX_EXTENT_DEGREE:
        extent = " by ".join(f"{degrees:.4g}" for degrees in np.ptp(values, axis=0))
        fail(table.path, None, f"an area of {extent} degrees, expected at most {MAX_EXTENT_DEGREE:g} each")
    return Positions(values, in_degrees)


@lru_cache(maxsize=4)
def steps_of(trace: TaskTrace, step_s: float) -> NDArray[np.int64]:
    """The step at whose start each task of a trace arrives, (P,): the first at or after its time.

    Step m is at m·`step_s`. A time that is a step but for rounding counts as that step.
    """
    ratio = trace.time_s / step_s
    nearest = np.round(ratio)
    steps = np.where(np.abs(ratio - nearest) <= 4.0 * np.spacing(nearest), nearest, np.ceil(ratio)).astype(np.int64)
    steps.setflags(write=False)
    return steps


@lru_cache(maxsize=4)
def most_in_window(trace: TaskTrace, step_s: float, steps: int, aligned: bool) -> int:
    """The most tasks that arrive within a window of `steps` steps; `aligned` windows begin at multiples of `steps`."""
    at = steps_of(trace, step_s)
    if aligned:
        return int(np.unique(at // steps, return_counts=True)[1].max())
    return int((np.searchsorted(at, at + steps, "left") - np.arange(len(at))).max())


def spans_s(trace: TaskTrace, span_s: float) -> Array:
    """Where the spans of time begin that tasks of a trace lie in, and the end of the last, (spans + 1,).

    They begin at multiples of their length.
    """
    first_s, last_s = trace.time_s[[0, -1]]
    edges_s = span_s * np.arange(first_s // span_s - 1.0, last_s // span_s + 3.0)  # some more: quotients are rounded
    return edges_s[np.searchsorted(edges_s, first_s, "right") - 1 : np.searchsorted(edges_s, last_s, "right") + 1]


@lru_cache(maxsize=4)
def most_in_span(trace: TaskTrace, span_s: float, aligned: bool) -> int:
    """The most tasks that arrive within a span of time; `aligned` ones are those of `spans_s`."""
    time_s = trace.time_s
    if aligned:
        return int(np.diff(np.searchsorted(time_s, spans_s(trace, span_s))).max())
    return int((np.searchsorted(time_s, time_s + span_s, "left") - np.arange(len(time_s))).max())


def outrun(trace: TaskTrace, step_s: float) -> tuple[int, float, float]:
    """What a dispatch each step makes of a trace.

    The most tasks that arrive in a step, the share of the tasks that wait for a later one, and the mean wait (s).
    """
    at = steps_of(trace, step_s)
    order = np.arange(len(at))
    wait = np.maximum.accumulate(at - order) + order - at
    return int(np.unique(at, return_counts=True)[1].max()), float((wait > 0).mean()), float(wait.mean() * step_s)
