"""Files of records: what became of each task, request, server or cell of the episodes that were simulated."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar

import numpy as np

from mecsim.core.frames import CsvFile, Schema, Values
from mecsim.core.scenario import Scenario
from mecsim.core.tape import Tapes

EPISODE = "episode"
"""The column of every table of records that says which episode a row is of, from 0."""

RecordsT = TypeVar("RecordsT")
TapesT = TypeVar("TapesT", bound=Tapes)
ScenarioT = TypeVar("ScenarioT", bound=Scenario)


@dataclass(frozen=True, eq=False)
class RecordTable(Generic[RecordsT, TapesT, ScenarioT]):
    """A table of records."""

    file: str  # its name
    schema: Schema
    columns: Callable[[RecordsT, TapesT, ScenarioT], Mapping[str, Values]]
    """Values by column of a batch of episodes, whose `episode` counts from 0; optional columns where they are told."""


class RecordFiles(Generic[RecordsT, TapesT, ScenarioT]):
    """The files of a simulation, written a batch of episodes at a time; use as a context."""

    def __init__(
        self, folder: Path, tables: Sequence[RecordTable[RecordsT, TapesT, ScenarioT]], scenario: ScenarioT
    ) -> None:
        self._tables, self._scenario = tables, scenario
        self._next_episode = 0
        with ExitStack() as opened:
            self._files = [opened.enter_context(CsvFile(folder / table.file, table.schema)) for table in tables]
            self._opened = opened.pop_all()

    def write(self, records: RecordsT, tapes: TapesT) -> None:
        """Add the next episodes."""
        for table, file in zip(self._tables, self._files, strict=True):
            columns = table.columns(records, tapes, self._scenario)
            file.write({**columns, EPISODE: np.asarray(columns[EPISODE]) + self._next_episode})
        self._next_episode += len(tapes)

    def __enter__(self) -> Self:
        """The files are open already."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close them."""
        self._opened.close()
