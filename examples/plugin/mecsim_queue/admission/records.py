"""What became of every job, and what an episode is told by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Play
from mecsim_queue.admission.scenario import AdmissionScenario
from mecsim_queue.admission.tape import AdmissionTapes


@dataclass(frozen=True, slots=True)
class AdmissionRecords:
    """N episodes of M jobs; absolute times, NaN for jobs that were turned away."""

    admitted: NDArray[np.bool_]  # (N, M)
    start_s: NDArray[np.float64]  # (N, M)
    finish_s: NDArray[np.float64]  # (N, M)

    def copy(self) -> "AdmissionRecords":
        """Arrays of its own."""
        return AdmissionRecords(self.admitted.copy(), self.start_s.copy(), self.finish_s.copy())


def empty_records(tapes: AdmissionTapes) -> AdmissionRecords:
    """Records before anything was decided."""
    shape = tapes.arrival_s.shape
    return AdmissionRecords(np.zeros(shape, np.bool_), np.full(shape, np.nan), np.full(shape, np.nan))


def recorded_objectives(
    records: AdmissionRecords, tapes: AdmissionTapes, scenario: AdmissionScenario
) -> NDArray[np.float64]:
    """Time in the system (s) and share of the value admitted, (N, 2)."""
    time_s = np.nansum(records.finish_s - tapes.arrival_s, axis=1)
    revenue = np.where(records.admitted, tapes.value, 0.0).sum(axis=1) / tapes.value.sum(axis=1)
    return np.stack([time_s, revenue], axis=1)


def episode_quantities(
    played: Play[AdmissionScenario, AdmissionTapes, AdmissionRecords],
    tapes: AdmissionTapes,
    scenario: AdmissionScenario,
) -> dict[str, NDArray[np.float64]]:
    """Quantity (see `System.quantities`) to values (N,)."""
    time_s, revenue = recorded_objectives(played.records, tapes, scenario).T
    admitted = played.records.admitted.mean(axis=1)
    return {"time_in_system_s": time_s, "revenue": revenue, "admitted_share": admitted}
