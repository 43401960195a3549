"""Data sets in the format of RayCloudSim: tasks (CSV), and nodes with their links (JSON)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mecsim.core.json_files import parse_json
from mecsim.imports.base import Found, FoundTasks, Importer, Options
from mecsim.imports.rows import UNREADABLE, CsvRows, refuse, text_of
from mecsim.schema.cells import number_of
from mecsim.schema.mappings import name_of

WANTED = {
    "time_s": ("generationtime",),
    "size": ("tasksize",),
    "cycles_per_bit": ("cyclesperbit",),
    "deadline_s": ("ddl",),
    "user": ("srcname", "devicetype"),
}
MEGA = 1e6  # sizes are Mbit, speeds MHz


def read(paths: Sequence[Path], options: Options) -> Found:
    """The tasks of CSV files, and the nodes of a JSON file, if there is one."""
    found = Found(rows=0)
    users: list[str] = []
    rows: list[list[float]] = []
    configs = [path for path in paths if path.suffix == ".json"]
    tables = [path for path in paths if path.suffix != ".json"]
    if not tables or len(configs) > 1:
        refuse(paths[0], "expected the tasks, a CSV file, and at most one JSON file of nodes")
    for path in tables:
        csv_rows = CsvRows(path, WANTED, options.columns)
        csv_rows.need("time_s", "size", "cycles_per_bit", "deadline_s")
        for row in csv_rows.into(found):
            values = [number_of(row[key]) for key in ("time_s", "size", "cycles_per_bit", "deadline_s")]
            if not np.isfinite(values).all():
                found.dropped[UNREADABLE] += 1
                continue
            users.append(row.get("user") or "0")
            rows.append(values)
    table = np.array(rows).reshape(-1, 4)
    size_bit = MEGA * table[:, 1]
    found.tasks = FoundTasks(table[:, 0], users, size_bit, table[:, 3], size_bit * table[:, 2])
    found.assumed.append("sizes are Mbit, and deadlines count from when a task arises; TransBitRate is left unread")
    for path in configs:
        _add_nodes(path, found)
    return found


def _add_nodes(path: Path, found: Found) -> None:
    try:
        content = parse_json(text_of(path))
    except ValueError as error:
        refuse(path, f"is no JSON: {error}")
    nodes, links = (content.get(key) if isinstance(content, dict) else None for key in ("Nodes", "Edges"))
    if not isinstance(nodes, list) or not nodes or not all(isinstance(node, dict) for node in nodes):
        refuse(path, "names no nodes, expected a list of Nodes")
    servers: dict[str, float] = {}
    clouds: list[float] = []
    for number, node in enumerate(nodes):
        speed_hz = MEGA * number_of(str(node.get("MaxCpuFreq", "")))
        if not 0.0 < speed_hz < np.inf:
            refuse(path, f"node {number} has no speed, expected a MaxCpuFreq in MHz")
        if node.get("DeviceType") == "Cloud" and not clouds:
            clouds.append(speed_hz)
        else:
            name = name_of(str(node.get("NodeName", f"n{number}")))
            servers[name_of(f"{name}_{number}") if name in servers else name] = speed_hz
    found.servers_hz = servers
    found.cloud_hz = clouds[0] if clouds else None
    count = len(links) if isinstance(links, list) else 0
    found.assumed.append(
        f"speeds are MHz; {count} links between nodes are left unread, each user has a radio link to each server"
    )


TOPO4MEC = Importer(
    "tasks and servers: Topo4MEC's cities, as RayCloudSim has them", "a CSV file, and a JSON file", read
)
PAKISTAN = Importer("tasks and servers: the tuples of Pakistan, likewise", "a CSV file, and a JSON file", read)
