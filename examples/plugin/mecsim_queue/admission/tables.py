"""jobs.csv: every job of the episodes that were simulated."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.core.frames import Column, Schema, Values
from mecsim.core.record_tables import EPISODE, RecordTable
from mecsim_queue.admission.scenario import AdmissionScenario

if TYPE_CHECKING:
    from mecsim_queue.admission.records import AdmissionRecords
    from mecsim_queue.admission.tape import AdmissionTapes

JOBS = Schema(
    (
        Column(EPISODE, "Int64", "from 0"),
        Column("job", "Int64", "position in the order of arrival, from 0"),
        Column("arrival_s", "Float64", "when it arrived, in the episode"),
        Column("service_s", "Float64", "how long the server needs for it"),
        Column("value", "Float64", "what admitting it brings"),
        Column("admitted", "Int64", "1 where it was admitted"),
        Column("start_s", "Float64", "when the server began with it; nan where it was turned away"),
        Column("finish_s", "Float64", "when it was served; nan where it was turned away"),
    )
)
"""A row per job."""


def job_columns(records: "AdmissionRecords", tapes: "AdmissionTapes", scenario: AdmissionScenario) -> dict[str, Values]:
    """jobs.csv of some episodes."""
    index: NDArray[np.int64] = np.indices(tapes.arrival_s.shape)  # of the episode, of the job
    columns: dict[str, NDArray[np.generic]] = {
        EPISODE: index[0],
        "job": index[1],
        "arrival_s": tapes.arrival_s,
        "service_s": tapes.service_s,
        "value": tapes.value,
        "admitted": records.admitted.astype(np.int64),
        "start_s": records.start_s,
        "finish_s": records.finish_s,
    }
    return {name: values.ravel() for name, values in columns.items()}


TABLES = (RecordTable("jobs.csv", JOBS, job_columns),)
