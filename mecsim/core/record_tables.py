"""Files of records: what became of each task, request, server or cell of the episodes that were simulated."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import numpy as np

from mecsim.core.frames import CsvFile, Schema, Values, csv_text
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


def record_texts(
    tables: Sequence[RecordTable[RecordsT, TapesT, ScenarioT]],
    records: RecordsT, tapes: TapesT, scenario: ScenarioT, first: int = 0,
) -> tuple[bytes, ...]:  # fmt: skip
    """Each table as a file of a batch of episodes, the first of which has the number `first`."""
    texts = []
    for table in tables:
        columns = table.columns(records, tapes, scenario)
        texts.append(csv_text({**columns, EPISODE: np.asarray(columns[EPISODE]) + first}, table.schema))
    return tuple(texts)


class RecordFiles:
    """The files of a simulation, written a batch of episodes at a time; use as a context."""

    def __init__(self, folder: Path, tables: Sequence[RecordTable[Any, Any, Any]]) -> None:
        with ExitStack() as opened:
            self._files = [opened.enter_context(CsvFile(folder / table.file)) for table in tables]
            self._opened = opened.pop_all()

    def append(self, texts: Sequence[bytes]) -> None:
        """Add the `record_texts` of the next episodes."""
        for file, text in zip(self._files, texts, strict=True):
            file.append(text)

    def __enter__(self) -> Self:
        """The files are open already."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close them."""
        self._opened.close()
