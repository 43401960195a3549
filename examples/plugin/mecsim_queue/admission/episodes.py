"""N episodes in the terms of an environment, and the environment of one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays, Episodes
from mecsim.envs import SystemEnv
from mecsim_queue.admission.layout import ADMIT, BACKLOG_S, REVENUE, TIME
from mecsim_queue.admission.records import AdmissionRecords
from mecsim_queue.admission.scenario import AdmissionScenario
from mecsim_queue.admission.tape import AdmissionTapes


class AdmissionEpisodes(Episodes[AdmissionScenario, AdmissionTapes, AdmissionRecords]):
    """Engines earn minus the time (s) of admitted jobs, and their share of the offered value."""

    def possible(self, action: NDArray[np.int64], mask: NDArray[np.int8]) -> NDArray[np.int64]:
        """Everything can be taken."""
        return np.asarray(np.minimum(action, ADMIT))

    def info(self, observation: Arrays, rewards: NDArray[np.float64] | None) -> dict[str, Any]:
        """The backlog that the job finds, and what the last one brought."""
        info: dict[str, Any] = {
            "action_mask": observation["mask"].copy(),
            "backlog_s": observation["options"][..., ADMIT, BACKLOG_S].copy(),
        }
        if rewards is not None:
            info |= {"time_in_system_s": 0.0 - rewards[..., TIME], "revenue": rewards[..., REVENUE].copy()}
        return info


class AdmissionEnv(SystemEnv[AdmissionScenario, AdmissionTapes, AdmissionRecords]):
    """Admit jobs to a queue, or turn them away.

    **Observation** (`Dict`): `options` (2, F) float32, rejection and admission: whether it admits, the backlog (s), the
    job's service (s) and value, and minus what the option earns at once. `mask` (2,) int8 is 1. `context` (1,): the
    share of the jobs that are left.

    **Action** (`Discrete(2)`): 0 turns the job away, 1 admits it.

    **Reward**: `time_in_system`, minus the job's time until it is done (s); `revenue`, its share of all value offered.

    **Start**: the first job has arrived, the queue is empty. **End**: after the last job.
    """

    SYSTEM = "admission"
