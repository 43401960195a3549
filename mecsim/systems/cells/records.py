"""What became of requests and cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.systems.cells.layout import REJECTED, UNDECIDED, CellsSpec
from mecsim.systems.cells.tape import CellsTapes


@dataclass(frozen=True, slots=True)
class CellsRecords:
    """What became of the requests of N episodes, and what the cells did. Absolute times.

    A rejected request has level 0, cell −1, no blocks, and ends when it starts. One that no step has decided has
    option −1 and saves nothing; else it looks like a rejected one.
    """

    option: NDArray[np.int64]  # (N, M)
    level: NDArray[np.int64]  # (N, M) 1 to K
    cell: NDArray[np.int64]  # (N, M)
    blocks: NDArray[np.int64]  # (N, M)
    start_s: NDArray[np.float64]  # (N, M) the arrival
    end_s: NDArray[np.float64]  # (N, M)
    satisfaction: NDArray[np.float64]  # (N, M) true, 0 to 5
    predicted: NDArray[np.float64]  # (N, M) 0 to 5
    saved_block_s: NDArray[np.float64]  # (N, M) demanded minus given; negative where a weak cell takes more blocks
    blocked: NDArray[np.bool_]  # (N, M) nothing fitted
    busy_block_s: NDArray[np.float64]  # (N, cells) integral of the occupied blocks over time, until all sessions ended
    peak_blocks: NDArray[np.int64]  # (N, cells) most blocks occupied at a time
    left: NDArray[np.bool_]  # (N, M) the user had left before: nothing was asked for, and nothing is saved
    adequate: NDArray[np.float64]  # (N, M) position of the user's level then; NaN of people without memory or who left
    desired: NDArray[np.float64]  # (N, M) likewise


def unwritten_records(tapes: CellsTapes, spec: CellsSpec) -> CellsRecords:
    """Records of the episodes of `tapes` before anything is decided."""
    shape, per_cell = tapes.arrival_s.shape, (len(tapes), spec.cells)
    return CellsRecords(
        option=np.full(shape, UNDECIDED, np.int64),
        level=np.zeros(shape, np.int64),
        cell=np.full(shape, REJECTED, np.int64),
        blocks=np.zeros(shape, np.int64),
        start_s=tapes.arrival_s.copy(),
        end_s=tapes.arrival_s.copy(),
        satisfaction=np.zeros(shape),
        predicted=np.zeros(shape),
        saved_block_s=np.zeros(shape),
        blocked=np.zeros(shape, np.bool_),
        busy_block_s=np.zeros(per_cell),
        peak_blocks=np.zeros(per_cell, np.int64),
        left=np.zeros(shape, np.bool_),
        adequate=np.full(shape, np.nan),
        desired=np.full(shape, np.nan),
    )
