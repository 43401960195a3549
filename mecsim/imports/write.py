"""What is made of an import: tables in our columns, a scenario that runs, a report of what was dropped and assumed."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mecsim.core.files import digest_of_file, write_text
from mecsim.core.frames import Column, Schema, write_csv
from mecsim.errors import InputError
from mecsim.imports.base import Found, FoundSites, FoundTasks, FoundWalks
from mecsim.imports.clean import CLOCK_DIGITS, Area, Limits, clean_sites, clean_tasks, clean_walks
from mecsim.schema.cells import in_order
from mecsim.version import __version__

SCENARIO, REPORT = "scenario.yaml", "import.json"
SITES = Schema((
    Column("name", "String", "what the site is called"),
    Column("x_m", "Float64", "east of the corner of the area"),
    Column("y_m", "Float64", "north of it"),
))  # fmt: skip
WALKS = Schema((
    Column("user", "Int64", "who"),
    Column("time_s", "Float64", "since second 0"),
    Column("x_m", "Float64", "east of the corner of the area"),
    Column("y_m", "Float64", "north of it"),
))  # fmt: skip
TASKS = Schema((
    Column("time_s", "Float64", "since second 0"),
    Column("user", "Int64", "whose"),
    Column("size_bit", "Float64", "to upload"),
    Column("deadline_s", "Float64", "from its time on", optional=True),
    Column("cycles", "Float64", "its work", optional=True),
    Column("output_bit", "Float64", "to send back", optional=True),
))  # fmt: skip
USERS = Schema((Column("user", "Int64", "number in the tables"), Column("name", "String", "in the files")))
TABLES = ("sites.csv", "walks.csv", "tasks.csv", "users.csv")

MAX_NAME, MAX_EDGES, MAX_SERVERS, MAX_USERS = 40, 1024, 64, 100_000
TAKEN = ("cloud", "device")
LOAD = 0.7  # where nothing tells how fast servers are
TASK_BIT, CYCLES_PER_BIT = 1e7, 1000.0  # where nothing tells of tasks
SLOWEST_HZ = 1e6
EDGES, EDGE_HZ, CLOUD_HZ, DEVICE_HZ = 4, 2e9, 4e9, 1e9  # where nothing tells of servers
WALKERS, WALKER_RATE = 20, 0.1
EPISODE_TASKS = 100
MOST_EDGES = 32  # one for each square kilometre
MOST_TASKS = 500  # of an episode whose tasks are drawn
RADIO = {"model": "uma", "bandwidth": "20 MHz", "tx_power": "200 mW", "noise_figure": "7 dB"}


@dataclass(eq=False)
class Imported:
    """What was written."""

    kept: dict[str, int] = field(default_factory=dict)  # rows by table
    dropped: Counter[str] = field(default_factory=Counter)
    clipped: int = 0
    assumed: list[str] = field(default_factory=list)
    area: Area | None = None
    second_0: float | None = None  # by the clock of the files
    scenario: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, tuple[Schema, Mapping[str, Any]]] = field(default_factory=dict)


def prepare(found: Found, limits: Limits, kind: str) -> Imported:
    """Tables and a scenario of what files hold.

    Raises:
        InputError: nothing is left of it, or places lie outside of the area where that is refused.
    """
    made = Imported(dropped=Counter(found.dropped), assumed=list(found.assumed))
    made.scenario = {
        "mecsim": 1,
        "kind": "offload",
        "description": f"imported from {kind}",
        "dispatch": {"decide": "task"},
    }
    if found.sites is not None:
        _add_sites(made, *clean_sites(found.sites, limits, made.dropped))
    if found.walks is not None:
        _add_walks(made, *clean_walks(found.walks, limits, made.dropped))
    if found.tasks is not None:
        _add_tasks(made, clean_tasks(found.tasks, made.dropped), found)
    return made


def _add_sites(made: Imported, sites: FoundSites, area: Area, clipped: int) -> None:
    """Edges at the sites, and people who walk in the area."""
    made.area, made.clipped = area, clipped
    made.frames["sites.csv"] = SITES, {
        "name": _own_names(sites.names), "x_m": sites.places[:, 0], "y_m": sites.places[:, 1]
    }  # fmt: skip
    made.kept["sites.csv"] = len(sites.names)
    edge: dict[str, Any] = {"sites": "sites.csv", "cpu": _hertz(EDGE_HZ)}
    if len(sites.names) > MAX_EDGES:
        edge["count"] = MAX_EDGES
        made.assumed.append(f"each episode has edges at {MAX_EDGES:,} of the sites, by chance")
    made.assumed += [
        f"nothing but the sites is known: an edge of {_hertz(EDGE_HZ)} stands at each, {WALKERS} people walk in the "
        "area (random waypoint), and their tasks are drawn",
    ]
    made.scenario |= {
        "users": {
            "count": WALKERS,
            "arrival_rate": f"{WALKER_RATE:g} /s",
            "mobility": {"model": "waypoint", **_sides(area)},
        },
        "tasks": {"size": {"mean": f"{TASK_BIT / 1e6:g} Mbit"}, "cycles_per_bit": CYCLES_PER_BIT},
        "servers": {"cloud": {"count": 0}, "edge": edge},
        "channel": RADIO,
    }


def _add_walks(made: Imported, walks: FoundWalks, area: Area, clipped: int) -> None:
    """Users where they were recorded, and edges at random places; an episode is all of the recording."""
    made.area, made.clipped = area, clipped
    user = _numbered(made, walks.users)
    time_s = walks.time_s
    if walks.own_clocks:
        first_s = np.full(user.max() + 1, np.inf)
        np.minimum.at(first_s, user, time_s)
        time_s = time_s - first_s[user]
        made.assumed.append("each walk begins at second 0, whenever it was recorded")
    else:
        made.second_0 = float(time_s.min())
        time_s = time_s - made.second_0
    order = np.lexsort((time_s, user))
    made.frames["walks.csv"] = WALKS, {
        "user": user[order], "time_s": np.round(time_s, CLOCK_DIGITS)[order],
        "x_m": walks.places[order, 0], "y_m": walks.places[order, 1],
    }  # fmt: skip
    made.kept["walks.csv"] = len(user)
    users, span_s = int(user.max()) + 1, max(1.0, math.ceil(time_s.max()))
    edges = int(np.clip(round(area.width_m * area.height_m / 1e6), EDGES, MOST_EDGES))
    capacity_hz = CLOUD_HZ + edges * EDGE_HZ
    rate_per_s = min(0.5 * capacity_hz / (TASK_BIT * CYCLES_PER_BIT), MOST_TASKS / span_s)
    made.assumed.append(
        f"nothing but the walks is known: {edges} edges stand at random places, beside a cloud, and devices of "
        f"{_hertz(DEVICE_HZ)} serve whom no edge is near; tasks are drawn, about {rate_per_s * span_s:.0f} in an "
        f"episode, which is the whole recording of {span_s:g} s"
    )
    made.scenario |= {
        "episode": {"span": f"{span_s:g} s"},
        "users": {
            "count": users,
            "arrival_rate": f"{rate_per_s / users:.4g} /s",
            "mobility": {"model": "trace", "file": "walks.csv", **_sides(area)},
        },
        "tasks": {"size": {"mean": f"{TASK_BIT / 1e6:g} Mbit"}, "cycles_per_bit": CYCLES_PER_BIT},
        "servers": {
            "cloud": {"cpu": _hertz(CLOUD_HZ)},
            "edge": {"count": edges, "cpu": _hertz(EDGE_HZ)},
            "device": {"cpu": _hertz(DEVICE_HZ)},
        },
        "channel": RADIO,
    }


def _add_tasks(made: Imported, tasks: FoundTasks, found: Found) -> None:
    """Recorded tasks on servers that are told, or fast enough for them."""
    user = _numbered(made, tasks.users)
    made.second_0 = float(tasks.time_s[0])
    time_s = np.round(tasks.time_s - made.second_0, CLOCK_DIGITS)
    told = {name: getattr(tasks, name) for name in ("deadline_s", "cycles", "output_bit")}
    columns = {"time_s": time_s, "user": user, "size_bit": tasks.size_bit}
    columns |= {name: values for name, values in told.items() if values is not None}
    made.frames["tasks.csv"], made.kept["tasks.csv"] = (TASKS, columns), len(user)
    cycles = CYCLES_PER_BIT * tasks.size_bit if tasks.cycles is None else tasks.cycles
    made.scenario |= {
        "episode": {"steps": min(EPISODE_TASKS, len(user))},
        "users": {"count": int(user.max()) + 1},
        "tasks": {"trace": {"file": "tasks.csv"}},
        "servers": _servers(made, found, float(cycles.sum()) / max(1.0, float(time_s[-1]))),
    }


def _servers(made: Imported, found: Found, demand_hz: float) -> dict[str, Any]:
    if len(found.servers_hz) > MAX_SERVERS:
        raise InputError(f"the files name {len(found.servers_hz)} servers, expected at most {MAX_SERVERS}")
    if found.servers_hz:
        edges = {f"{name}_" if name in TAKEN else name: {"cpu": _hertz(hz)} for name, hz in found.servers_hz.items()}
        cloud = {"count": 0} if found.cloud_hz is None else {"cpu": _hertz(found.cloud_hz)}
        return {"cloud": cloud, "edges": edges}
    share_hz = float(f"{max(SLOWEST_HZ, demand_hz / LOAD / (EDGES + 2)):.3g}")
    made.assumed.append(
        f"{EDGES} edges and a cloud twice as fast serve all tasks, at a mean load of {LOAD:g}: no file tells of servers"
    )
    return {"cloud": {"cpu": _hertz(2.0 * share_hz)}, "edge": {"count": EDGES, "cpu": _hertz(share_hz)}}


def _numbered(made: Imported, users: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Users as numbers, by their names; which are told in a table."""
    names = in_order(set(users))
    if len(names) > MAX_USERS:
        raise InputError(f"the files name {len(names):,} users, expected at most {MAX_USERS:,}")
    number = {name: place for place, name in enumerate(names)}
    made.frames["users.csv"] = USERS, {"user": np.arange(len(names)), "name": names}
    return np.array([number[name] for name in users], np.int64)


def _own_names(names: Sequence[str]) -> list[str]:
    """A name for each site, not too long, that no other has."""
    taken: dict[str, int] = dict.fromkeys(TAKEN, 1)
    own: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = "".join(letter for letter in name if letter.isprintable()).strip()[:MAX_NAME] or f"site {number}"
        unique = plain
        while unique in taken:
            taken[plain] = taken.get(plain, 1) + 1
            end = f" ({taken[plain]})"
            unique = plain[: MAX_NAME - len(end)] + end
        taken[unique] = 1
        own.append(unique)
    return own


def _sides(area: Area) -> dict[str, str]:
    return {"width": f"{area.width_m:.12g} m", "height": f"{area.height_m:.12g} m", "outside": "refuse"}


def _hertz(speed_hz: float) -> str:
    return f"{speed_hz / 1e9:.12g} GHz"


def write(made: Imported, folder: Path, kind: str, paths: Sequence[Path], rows: int) -> dict[str, Any]:
    """Write tables, scenario and report into a folder that is there; the report.

    Raises:
        OSError: something cannot be written.
    """
    for name, (schema, columns) in made.frames.items():
        write_csv(folder / name, schema.frame(columns), schema)
    head = f"# Made by mecsim import {kind}; {REPORT} tells what was dropped and what is assumed.\n"
    body = yaml.safe_dump(made.scenario, sort_keys=False, allow_unicode=True, width=120)
    write_text(folder / SCENARIO, head + body)
    report = {
        "format": 1,
        "kind": kind,
        "mecsim_version": __version__,
        "files": [{"name": path.name, "sha256": digest_of_file(path)} for path in paths],
        "rows": rows,
        "kept": made.kept,
        "dropped": [{"reason": reason, "rows": count} for reason, count in made.dropped.most_common()],
        "clipped": made.clipped,
        "assumed": made.assumed,
        "area": made.area.told() if made.area else None,
        "second_0": _moment(made.second_0),
        "tables": sorted(made.frames),
        "scenario": SCENARIO,
    }
    write_text(folder / REPORT, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return report


def _moment(second_0: float | None) -> str | float | None:
    """Second 0 by the clock of the files; as a date if it counts from 1970."""
    if second_0 is None or second_0 < 1e8:
        return second_0
    return datetime.fromtimestamp(second_0, UTC).isoformat().replace("+00:00", "Z")
