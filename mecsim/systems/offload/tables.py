"""tasks.csv, servers.csv and waiting.csv: every task and server of the episodes that were simulated."""

from typing import TYPE_CHECKING

import numpy as np

from mecsim.core.frames import Column, Schema, Values
from mecsim.core.record_tables import EPISODE, RecordTable
from mecsim.systems.offload.scenario import OffloadScenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mecsim.systems.offload.records import OffloadRecords
    from mecsim.systems.offload.tape import OffloadTapes

TASKS = Schema(
    (
        Column(EPISODE, "Int64", "where it was dispatched, from 0"),
        Column("step", "Int64", "where it was dispatched, from 0"),
        Column("task", "Int64", "position in the order of arrival, from 0"),
        Column("user", "Int64", "whose it is"),
        Column("priority", "Int64", "its class, 0 is the most urgent", optional=True),
        Column("size_bit", "Float64", "how large it is"),
        Column("cycles", "Float64", "how much work it is", optional=True),
        Column("output_bit", "Float64", "how large its result is", optional=True),
        Column("server", "Int64", "the cloud, if there is one, then the edges; after the most servers the devices"),
        Column("distance_m", "Float64", "from the user to the server on the ground; 0 on a device"),
        Column("snr", "Float64", "of the link if nothing interferes, a power ratio; 0 on a device", optional=True),
        Column("rate_bit_per_s", "Float64", "of the link used, the mean over the upload; 0 on a device"),
        Column("queued_s", "Float64", "from arrival to dispatch; not part of the delay"),
        Column("dispatch_s", "Float64", "when it was dispatched, in the episode"),
        Column("upload_end_s", "Float64", "when it was uploaded, in the episode"),
        Column("finish_s", "Float64", "when it was finished, in the episode"),
        Column("result_s", "Float64", "when its result was back, in the episode", optional=True),
        Column("delay_s", "Float64", "finish_s − dispatch_s; result_s − dispatch_s where tasks have results"),
        Column("energy_j", "Float64", "upload and execution; idle power belongs to no task"),
        Column("price", "Float64", "what its server asked for it", optional=True),
        Column("reward_delay", "Float64", "the reward at its dispatch, in s"),
        Column("deadline_s", "Float64", "when it had to be finished, in the episode; inf for none", optional=True),
        Column("satisfaction", "Float64", "the user's rating of its delay, 0 to 5", optional=True),
        Column("adequate_s", "Float64", "the delay that is just adequate to the user, of zones", optional=True),
        Column("desired_s", "Float64", "the delay that the user desires, of zones", optional=True),
        Column("centre_s", "Float64", "the delay that the user rates by 2.5, of logistic forms", optional=True),
        Column("steepness_per_s", "Float64", "how steeply ratings fall there, of logistic forms", optional=True),
    )
)
"""A row per dispatched task, in the order of dispatch. Columns of what a scenario has not are left out."""

WAITING = Schema(
    (
        Column(EPISODE, "Int64", "whose end found it waiting, from 0"),
        Column("task", "Int64", "position in the order of arrival, from 0"),
        Column("user", "Int64", "whose it is"),
        Column("priority", "Int64", "its class, 0 is the most urgent", optional=True),
        Column("size_bit", "Float64", "how large it is"),
        Column("cycles", "Float64", "how much work it is", optional=True),
        Column("arrival_s", "Float64", "when it arrived, in the episode"),
        Column("deadline_s", "Float64", "when it had to be finished, in the episode; inf for none", optional=True),
    )
)
"""A row per task that was still in the dispatch queue when its episode ended: none where each task is decided."""

SERVERS = Schema(
    (
        Column(EPISODE, "Int64", "from 0"),
        Column("server", "Int64", "as in tasks.csv"),
        Column("kind", "String", "cloud, edge, or device"),
        Column("cpu_hz", "Float64", "its speed"),
        Column("name", "String", "what the scenario calls it; edge_01 and so on where it does not, device_0 of user 0"),
    )
)
"""A row per server that exists in an episode, and per user's device, if tasks can run there."""


def task_columns(records: "OffloadRecords", tapes: "OffloadTapes", scenario: OffloadScenario) -> dict[str, Values]:
    """tasks.csv of some episodes."""
    episode, step = np.nonzero(records.dispatched)
    told = {"deadline_s": scenario.has_deadlines, "satisfaction": scenario.satisfaction is not None}
    told |= {"cycles": scenario.has_work, "output_bit": scenario.has_output, "result_s": scenario.has_output}
    told |= {"price": scenario.servers.priced}
    sources = {"reward_delay": "reward_delay_s"}  # where the records have another name for it
    columns: dict[str, Values] = {EPISODE: episode, "step": step, **_links(records, tapes, scenario)}
    if scenario.has_classes:
        columns["priority"] = tapes.priority[episode, records.task[episode, step]]
    if scenario.satisfaction is not None:
        numbers = tapes.patience[episode, records.user[episode, step]].T
        columns |= dict(zip(scenario.satisfaction.law.NUMBERS, numbers, strict=True))
    elsewhere = {"priority", "snr", "adequate_s", "desired_s", "centre_s", "steepness_per_s"}
    for name in (column.name for column in TASKS.columns if column.name not in {*columns, *elsewhere}):
        if told.get(name, True):
            columns[name] = getattr(records, sources.get(name, name))[episode, step]
    return {column.name: columns[column.name] for column in TASKS.columns if column.name in columns}


def _links(records: "OffloadRecords", tapes: "OffloadTapes", scenario: OffloadScenario) -> dict[str, Values]:
    """What the link of each task is like, as far as a tape tells; zeros on devices."""
    episode, step = np.nonzero(records.dispatched)
    server, link = records.server[episode, step], tapes.link[episode, records.task[episode, step]]
    on_radio = server < scenario.max_servers

    def of_link(values: "NDArray[np.float64]") -> "NDArray[np.float64]":
        return np.where(on_radio, values[episode, link, np.where(on_radio, server, 0)], 0.0)

    snr = {"snr": of_link(tapes.snr)} if tapes.snr.size else {}
    return {"distance_m": of_link(tapes.distance_m), **snr}


def waiting_columns(records: "OffloadRecords", tapes: "OffloadTapes", scenario: OffloadScenario) -> dict[str, Values]:
    """waiting.csv of some episodes."""
    from mecsim.physics.dispatch import arrival_times_s
    from mecsim.systems.offload.misses import never_dispatched

    episode, task = np.nonzero(never_dispatched(tapes, records.task))
    arrival_s = arrival_times_s(tapes.arrivals, tapes.user.shape[1], tapes.decision_s)[episode, task]
    columns: dict[str, Values] = {EPISODE: episode, "task": task, "user": tapes.user[episode, task]}
    if scenario.has_classes:
        columns["priority"] = tapes.priority[episode, task]
    columns["size_bit"] = tapes.size_bit[episode, task]
    if scenario.has_work:
        columns["cycles"] = tapes.size_bit[episode, task] * tapes.cycles_per_bit[episode, task]
    columns["arrival_s"] = arrival_s
    if scenario.has_deadlines:
        columns["deadline_s"] = arrival_s + tapes.deadline_s[episode, task]
    return columns


def server_columns(records: "OffloadRecords", tapes: "OffloadTapes", scenario: OffloadScenario) -> dict[str, Values]:
    """servers.csv of some episodes."""
    servers, devices = tapes.cpu_hz.shape[1], tapes.device_hz.shape[1]
    exists = np.arange(servers) < tapes.num_servers[:, None]
    exists = np.concatenate([exists, np.ones((len(tapes), devices), np.bool_)], axis=1)
    episode, server = np.nonzero(exists)
    from mecsim.systems.offload.edges import server_names

    kinds = np.array(["cloud"] * scenario.servers.cloud.count + ["edge"] * servers)[:servers]
    names = np.array([*server_names(scenario), *(f"device_{user}" for user in range(devices))])
    return {
        EPISODE: episode,
        "server": server,
        "kind": np.concatenate([kinds, np.full(devices, "device")])[server],
        "cpu_hz": np.concatenate([tapes.cpu_hz, tapes.device_hz], axis=1)[exists],
        "name": names[server],
    }


TABLES = (
    RecordTable("tasks.csv", TASKS, task_columns),
    RecordTable("servers.csv", SERVERS, server_columns),
    RecordTable("waiting.csv", WAITING, waiting_columns),
)
