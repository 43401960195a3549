"""tasks.csv and servers.csv: every task and server of the episodes that were simulated."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np

from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

TASK_COLUMNS = (
    "episode", "step", "task", "user", "size_bit", "server", "rate_bit_per_s", "queued_s", "dispatch_s",
    "upload_end_s", "finish_s", "delay_s", "energy_j", "reward_delay",
)  # fmt: skip
SERVER_COLUMNS = ("episode", "server", "kind", "cpu_hz")


class OffloadRecordFiles:
    """Both files of a simulation, written a batch of episodes at a time; use as a context.

    tasks.csv has a row per dispatched task, in the order of dispatch; servers.csv one per server that exists in an
    episode, and per user's device, if tasks can run there. Where tasks have deadlines, tasks.csv has the column
    `deadline_s`, absolute like the other times; where users rate delays, it ends with the column `satisfaction`.
    Numbers keep all their digits.
    """

    NAMES = ("tasks.csv", "servers.csv")

    def __init__(self, folder: Path, scenario: OffloadScenario) -> None:
        self._clouds = scenario.servers.cloud.count
        some = {"deadline_s": scenario.has_deadlines, "satisfaction": scenario.satisfaction is not None}
        self._optional = [name for name, there in some.items() if there]
        self._next_episode = 0
        with ExitStack() as opened:
            files = [opened.enter_context((folder / name).open("w", newline="")) for name in self.NAMES]
            self._tasks, self._servers = map(csv.writer, files)
            self._files = opened.pop_all()
        self._tasks.writerow([*TASK_COLUMNS, *self._optional])
        self._servers.writerow(SERVER_COLUMNS)

    def write(self, records: OffloadRecords, tapes: OffloadTapes) -> None:
        """Add the next episodes."""
        self._tasks.writerows(_task_rows(records, self._next_episode, self._optional))
        self._servers.writerows(_server_rows(tapes, self._clouds, self._next_episode))
        self._next_episode += len(tapes)

    def __enter__(self) -> Self:
        """The files are open already."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close them."""
        self._files.close()


def _task_rows(records: OffloadRecords, first_episode: int, optional: Sequence[str]) -> Iterator[tuple[object, ...]]:
    episode, step = np.nonzero(records.dispatched)
    arrays = (
        records.task, records.user, records.size_bit, records.server, records.rate_bit_per_s, records.queued_s,
        records.dispatch_s, records.upload_end_s, records.finish_s, records.delay_s, records.energy_j,
        records.reward_delay_s, *(getattr(records, name) for name in optional),
    )  # fmt: skip
    columns = [array[episode, step].tolist() for array in arrays]
    return zip((first_episode + episode).tolist(), step.tolist(), *columns, strict=True)


def _server_rows(tapes: OffloadTapes, clouds: int, first_episode: int) -> Iterator[tuple[object, ...]]:
    for episode, (count, row) in enumerate(zip(tapes.num_servers.tolist(), tapes.cpu_hz.tolist(), strict=True)):
        for server, cpu_hz in enumerate(row[:count]):
            yield first_episode + episode, server, "cloud" if server < clouds else "edge", cpu_hz
        for user, cpu_hz in enumerate(tapes.device_hz[episode].tolist()):
            yield first_episode + episode, tapes.cpu_hz.shape[1] + user, "device", cpu_hz
