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


def timeline(records: CellsRecords, tapes: CellsTapes, scenario: CellsScenario, row: int, seed: int) -> Timeline:
    """The episode in a row of records and tapes, which is the first of the evaluation stream of `seed`."""
    until_s = float(records.end_s[row].max())
    return Timeline(until_s, (_blocks(records, scenario, row), _ratings(records, row), _map(scenario, seed)))


def _blocks(records: CellsRecords, scenario: CellsScenario, row: int) -> Lines:
    cell, served = records.cell[row], records.level[row] > 0
    shown = fullest(np.bincount(cell[served], minlength=scenario.cells.count), MOST_LINES)
    start_s, end_s, blocks = records.start_s[row], records.end_s[row], records.blocks[row].astype(np.float64)
    edges_s = bins_s(float(end_s.max()))
    values = [mean_active(start_s[on], end_s[on], edges_s, blocks[on]) for on in cell == shown[:, None]]
    names = tuple(f"cell {index}" for index in shown)
    shape = len(shown), len(edges_s) - 1
    return Lines("Blocks in use", "blocks", names, edges_s, np.reshape(values, shape), float(scenario.cells.blocks))


def _ratings(records: CellsRecords, row: int) -> Dots:
    arrival_s, rating = records.start_s[row][:MOST_DOTS], records.satisfaction[row][:MOST_DOTS]
    served, blocked = records.level[row][:MOST_DOTS] > 0, records.blocked[row][:MOST_DOTS]
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
            Group.at("cells", sites_m, tuple(f"cell {index}" for index in range(len(sites_m)))),
            Group.at("users", users_m, tuple(f"user {index}" for index in range(len(users_m)))),
        ),
        map=True,
    )
