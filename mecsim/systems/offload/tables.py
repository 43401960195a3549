"""tasks.csv and servers.csv: every task and server of the episodes that were simulated."""

from typing import TYPE_CHECKING

import numpy as np

from mecsim.core.frames import Column, Schema, Values
from mecsim.core.record_tables import EPISODE, RecordTable
from mecsim.systems.offload.scenario import OffloadScenario

if TYPE_CHECKING:
    from mecsim.systems.offload.records import OffloadRecords
    from mecsim.systems.offload.tape import OffloadTapes

TASKS = Schema(
    (
        Column(EPISODE, "Int64", "where it was dispatched, from 0"),
        Column("step", "Int64", "where it was dispatched, from 0"),
        Column("task", "Int64", "position in the order of arrival, from 0"),
        Column("user", "Int64", "whose it is"),
        Column("size_bit", "Float64", "how large it is"),
        Column("cycles", "Float64", "how much work it is", optional=True),
        Column("output_bit", "Float64", "how large its result is", optional=True),
        Column("server", "Int64", "the cloud, if there is one, then the edges; after the most servers the devices"),
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
    )
)
"""A row per dispatched task, in the order of dispatch. Columns of what a scenario has not are left out."""

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
    columns: dict[str, Values] = {EPISODE: episode, "step": step}
    for name in (column.name for column in TASKS.columns if column.name not in columns):
        if told.get(name, True):
            columns[name] = getattr(records, sources.get(name, name))[episode, step]
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


TABLES = (RecordTable("tasks.csv", TASKS, task_columns), RecordTable("servers.csv", SERVERS, server_columns))
