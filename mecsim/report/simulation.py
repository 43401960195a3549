"""What a simulation writes and tells, for each kind of scenario."""

from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.baselines import Play
from mecsim.engines.cell_tape import CellTapes
from mecsim.engines.draw import AnyTapes
from mecsim.report.cell_episodes import CELL_EPISODE_LABELS, cell_episode_columns
from mecsim.report.cell_records import CellRecordFiles
from mecsim.report.episodes import EPISODE_LABELS, episode_columns
from mecsim.report.records import RecordFiles
from mecsim.scenario import AnyScenario, CellScenario

LABELS = {**EPISODE_LABELS, **CELL_EPISODE_LABELS}
"""What the terminal calls each quantity."""

FILES = (*RecordFiles.NAMES, *CellRecordFiles.NAMES)
"""All files that records may be written to."""


class Writer(Protocol):
    """Writes records of one kind of scenario; use as a context."""

    @property
    def NAMES(self) -> tuple[str, ...]:
        """The files, in the folder."""

    def write(self, records: Any, tapes: Any) -> None:
        """Add the next episodes."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def record_files(folder: Path, scenario: AnyScenario) -> Writer:
    """The files for the records of a scenario, to be used as a context."""
    return CellRecordFiles(folder, scenario) if isinstance(scenario, CellScenario) else RecordFiles(folder, scenario)


def columns_of(played: Play, tapes: AnyTapes, scenario: AnyScenario) -> dict[str, NDArray[np.float64]]:
    """Quantity (a key of `LABELS`) to values (N,), one per episode."""
    if isinstance(scenario, CellScenario):
        if not isinstance(tapes, CellTapes):
            raise TypeError("a scenario of cells was played on tapes of offloading")
        return cell_episode_columns(played, tapes, scenario)
    if isinstance(tapes, CellTapes):
        raise TypeError("a scenario of offloading was played on tapes of cells")
    return episode_columns(played, tapes, scenario)
