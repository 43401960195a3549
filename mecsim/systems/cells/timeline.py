"""What an episode of cells looks like: blocks in use, ratings, and where everybody is."""

import numpy as np

from mecsim.core.rating import TOP_RATING
from mecsim.core.seeds import Stream
from mecsim.core.timeline import (
    MOST_DOTS,
    MOST_LINES,
    Dots,
    Group,
    Lines,
    Timeline,
    bins_s,
    fullest,
    mean_active,
)
from mecsim.systems.cells.draw import first_places_m
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes


def timeline(records: CellsRecords, tapes: CellsTapes, scenario: CellsScenario, seed: int) -> Timeline:
    """The first of the episodes, which is the first of the evaluation stream of `seed`."""
    until_s = float(records.end_s[0].max())
    return Timeline(until_s, (_blocks(records, scenario, bins_s(until_s)), _ratings(records), _map(scenario, seed)))


def _blocks(records: CellsRecords, scenario: CellsScenario, edges_s: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Lines:
    cell, served = records.cell[0], records.level[0] > 0
    shown = fullest(np.bincount(cell[served], minlength=scenario.cells.count), MOST_LINES)
    values = [
        mean_active(records.start_s[0][on], records.end_s[0][on], edges_s, records.blocks[0][on].astype(np.float64))
        for on in cell == shown[:, None]
    ]
    names = tuple(f"cell {index}" for index in shown)
    shape = len(shown), len(edges_s) - 1
    return Lines("Blocks in use", "blocks", names, edges_s, np.reshape(values, shape), float(scenario.cells.blocks))


def _ratings(records: CellsRecords) -> Dots:
    arrival_s, rating = records.start_s[0][:MOST_DOTS], records.satisfaction[0][:MOST_DOTS]
    served, blocked = records.level[0][:MOST_DOTS] > 0, records.blocked[0][:MOST_DOTS]
    groups = {"served": served, "rejected": ~served & ~blocked, "no block free": ~served & blocked}
    return Dots(
        "Ratings of requests",
        "arrival (s)",
        f"satisfaction (0 to {TOP_RATING:g})",
        tuple(Group(name, arrival_s[which], rating[which]) for name, which in groups.items() if which.any()),
    )


def _map(scenario: CellsScenario, seed: int) -> Dots:
    sites_m, users_m = first_places_m(scenario, seed, Stream.EVALUATION)
    users_m = users_m[:MOST_DOTS]
    return Dots(
        "Map",
        "east (m)",
        "north (m)",
        (
            Group("cells", *sites_m.T, words=tuple(f"cell {index}" for index in range(len(sites_m)))),
            Group("users", *users_m.T, words=tuple(f"user {index}" for index in range(len(users_m)))),
        ),
        map=True,
    )
