"""requests.csv and cells.csv: every request and cell of the episodes that were simulated."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np

from mecsim.people.population import ACTIVITIES, PERIODS, PLACES
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes

REQUEST_COLUMNS = (
    "episode", "request", "user", "persona", "period", "place", "activity", "speed_m_per_s", "application", "cqi",
    "min_rate_bit_per_s", "demand_rate_bit_per_s", "given_rate_bit_per_s", "blocks", "start_s", "end_s", "blocked",
    "satisfaction", "predicted_satisfaction", "saved_block_s", "cell", "level",
)  # fmt: skip
CELL_COLUMNS = ("episode", "cell", "blocks", "requests", "busy_block_s", "peak_blocks")


class CellsRecordFiles:
    """Both files of a simulation, written a batch of episodes at a time; use as a context.

    requests.csv has a row per request, in the order of arrival. A rejected one has no rate, blocks, or cell (−1), and
    the CQI of its strongest cell; `blocked` is 1 where nothing fitted. cells.csv has a row per cell: how many requests
    it served, and the integral of its occupied blocks over time. Numbers keep all their digits.
    """

    NAMES = ("requests.csv", "cells.csv")

    def __init__(self, folder: Path, scenario: CellsScenario) -> None:
        self._scenario = scenario
        self._next_episode = 0
        with ExitStack() as opened:
            files = [opened.enter_context((folder / name).open("w", newline="")) for name in self.NAMES]
            self._requests, self._cells = map(csv.writer, files)
            self._files = opened.pop_all()
        self._requests.writerow(REQUEST_COLUMNS)
        self._cells.writerow(CELL_COLUMNS)

    def write(self, records: CellsRecords, tapes: CellsTapes) -> None:
        """Add the next episodes."""
        self._requests.writerows(self._request_rows(records, tapes))
        self._cells.writerows(self._cell_rows(records))
        self._next_episode += len(tapes)

    def _request_rows(self, records: CellsRecords, tapes: CellsTapes) -> Iterator[tuple[object, ...]]:
        episodes, requests = tapes.user.shape
        episode, request = (index.ravel() for index in np.indices((episodes, requests)))
        level, served = records.level, records.level > 0
        given = np.take_along_axis(tapes.rate_bit_per_s, np.maximum(level - 1, 0)[..., None], axis=2)[..., 0]
        candidate = np.where(served, (records.option - 1) // tapes.rate_bit_per_s.shape[2], 0)
        cqi = np.take_along_axis(tapes.cqi, candidate[..., None], axis=2)[..., 0]
        population = self._scenario.population
        words = {
            "persona": tuple(population.personas), "application": tuple(population.applications),
            "period": PERIODS, "place": PLACES, "activity": ACTIVITIES,
        }  # fmt: skip
        named = {name: np.array(entries)[getattr(tapes, name)] for name, entries in words.items()}
        columns = (
            tapes.user, named["persona"], named["period"], named["place"], named["activity"], tapes.speed_m_per_s,
            named["application"], cqi, tapes.min_rate_bit_per_s, tapes.demand_rate_bit_per_s,
            np.where(served, given, 0.0), records.blocks, records.start_s, records.end_s,
            records.blocked.astype(np.int64), records.satisfaction, records.predicted, records.saved_block_s,
            records.cell, level,
        )  # fmt: skip
        lists = [column.ravel().tolist() for column in columns]
        return zip((self._next_episode + episode).tolist(), request.tolist(), *lists, strict=True)

    def _cell_rows(self, records: CellsRecords) -> Iterator[tuple[object, ...]]:
        blocks = self._scenario.cells.blocks
        for episode, (busy, peak) in enumerate(zip(records.busy_block_s, records.peak_blocks, strict=True)):
            for cell, (busy_block_s, peak_blocks) in enumerate(zip(busy.tolist(), peak.tolist(), strict=True)):
                served = int((records.cell[episode] == cell).sum())
                yield self._next_episode + episode, cell, blocks, served, busy_block_s, peak_blocks

    def __enter__(self) -> Self:
        """The files are open already."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close them."""
        self._files.close()
