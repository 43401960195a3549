"""tasks.csv and servers.csv: every task and server of the episodes that were simulated."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mecsim.engines.system import Records
from mecsim.engines.tape import Tapes
from mecsim.scenario import Scenario

TASK_COLUMNS = (
    "episode", "step", "task", "user", "size_bit", "server", "rate_bit_per_s", "queued_s", "dispatch_s",
    "upload_end_s", "finish_s", "delay_s", "energy_j", "reward_delay",
)  # fmt: skip
SERVER_COLUMNS = ("episode", "server", "kind", "cpu_hz")


def write_tasks_csv(path: Path, records: Records) -> None:
    """One row per dispatched task, in the order of dispatch; numbers keep all their digits."""
    _write(path, TASK_COLUMNS, _task_rows(records))


def _task_rows(records: Records) -> Iterator[tuple[object, ...]]:
    episode, step = np.nonzero(records.dispatched)
    arrays = (
        records.task, records.user, records.size_bit, records.server, records.rate_bit_per_s, records.queued_s,
        records.dispatch_s, records.upload_end_s, records.finish_s, records.delay_s, records.energy_j,
        records.reward_delay_s,
    )  # fmt: skip
    columns = [array[episode, step].tolist() for array in arrays]
    return zip(episode.tolist(), step.tolist(), *columns, strict=True)


def write_servers_csv(path: Path, tapes: Tapes, scenario: Scenario) -> None:
    """One row per server that exists in an episode."""
    clouds = scenario.servers.cloud.count
    rows = (
        (episode, server, "cloud" if server < clouds else "edge", cpu_hz)
        for episode, (count, row) in enumerate(zip(tapes.num_servers.tolist(), tapes.cpu_hz.tolist(), strict=True))
        for server, cpu_hz in enumerate(row[:count])
    )
    _write(path, SERVER_COLUMNS, rows)


def _write(path: Path, header: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
