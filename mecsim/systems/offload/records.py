"""What happened to tasks."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class OffloadRecords:
    """What happened to the tasks of N episodes, one slot per step. Absolute times within the episode.

    `task` is the position in the order of arrival, −1 where the step had nothing to dispatch; the other
    entries of such a slot are zero. `server` counts the servers of the scenario; the device of user u is
    max_servers + u. `rate_bit_per_s` is the mean over the upload, 0 where there was none.
    """

    task: NDArray[np.int64]  # (N, T)
    user: NDArray[np.int64]
    size_bit: NDArray[np.float64]
    cycles: NDArray[np.float64]
    output_bit: NDArray[np.float64]  # of its result
    server: NDArray[np.int64]
    rate_bit_per_s: NDArray[np.float64]
    arrival_s: NDArray[np.float64]
    dispatch_s: NDArray[np.float64]
    upload_end_s: NDArray[np.float64]
    finish_s: NDArray[np.float64]
    result_s: NDArray[np.float64]  # when the result is back with the user; finish_s where there is none
    price: NDArray[np.float64]  # what its server asked for it
    energy_j: NDArray[np.float64]  # radio and processor; what idle servers take belongs to no task
    reward_delay_s: NDArray[np.float64]
    deadline_s: NDArray[np.float64]  # absolute; infinite where the task has none
    satisfaction: NDArray[np.float64]  # of the task's user with its delay, 0 to 5; 0 where delays are not rated

    @property
    def dispatched(self) -> NDArray[np.bool_]:
        """Whether the step dispatched a task, (N, T)."""
        return self.task >= 0

    @property
    def delay_s(self) -> NDArray[np.float64]:
        """T = T_off + T_exe and the way back of each task, (N, T). Waiting in the dispatch queue is `queued_s`."""
        return self.result_s - self.dispatch_s

    @property
    def queued_s(self) -> NDArray[np.float64]:
        """Time from arrival to dispatch, (N, T)."""
        return self.dispatch_s - self.arrival_s


def empty_records(episodes: int, steps: int) -> OffloadRecords:
    """OffloadRecords of N episodes in which nothing has been dispatched."""
    columns = {field.name: np.zeros((episodes, steps)) for field in fields(OffloadRecords)}
    integers = {name: np.zeros((episodes, steps), np.int64) for name in ("user", "server")}
    return OffloadRecords(**{**columns, **integers, "task": np.full((episodes, steps), -1, np.int64)})  # type: ignore[arg-type]
