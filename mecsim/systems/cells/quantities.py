"""Quantities per episode that a simulation of cells is reported by."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Play
from mecsim.core.rating import ADEQUATE_RATING
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes

Array = NDArray[np.float64]

CellsPlay = Play[CellsScenario, CellsTapes, CellsRecords]


def episode_quantities(played: CellsPlay, tapes: CellsTapes, scenario: CellsScenario) -> dict[str, Array]:
    """Quantity (a key of the system's `quantities`) to values (N,), one per episode."""
    records = played.records
    satisfaction, saved = recorded_objectives(records, tapes, scenario).T
    room_block_s = records.end_s.max(axis=1) * scenario.cells.count * scenario.cells.blocks
    return {
        "satisfaction": satisfaction,
        "saved_resources": saved,
        "served_share": (records.level > 0).mean(axis=1),
        "blocked_share": records.blocked.mean(axis=1),
        "adequate_share": (records.satisfaction >= ADEQUATE_RATING).mean(axis=1),
        "fairness": jain_index(records.satisfaction, tapes.user, scenario.users.count),
        "utilisation": records.busy_block_s.sum(axis=1) / room_block_s,
    }


def request_values(played: CellsPlay, tapes: CellsTapes, scenario: CellsScenario) -> dict[str, Array]:
    """What each request came to, (N, M)."""
    return {"request_satisfaction": played.records.satisfaction}


def option_quantities(played: CellsPlay, tapes: CellsTapes, scenario: CellsScenario) -> dict[str, Array]:
    """`share` of the requests of an episode for which each option was chosen, (N, A)."""
    chosen = played.records.option
    options = np.arange(played.episodes.max_options)
    return {"share": (chosen[:, :, None] == options).mean(axis=1)}


def recorded_objectives(records: CellsRecords, tapes: CellsTapes, scenario: CellsScenario) -> Array:
    """Mean satisfaction and the share of the demanded block-seconds that was saved, (N, 2), by the records alone."""
    demanded_block_s = tapes.demanded_block_s.sum(axis=1)
    saved = np.zeros(len(tapes))
    np.divide(records.saved_block_s.sum(axis=1), demanded_block_s, out=saved, where=demanded_block_s > 0.0)
    return np.stack([records.satisfaction.mean(axis=1), saved], axis=1)


def jain_index(rating: Array, user: NDArray[np.int64], users: int) -> Array:
    """Jain's fairness (Σx)²/(n·Σx²) of the mean ratings x of the n users that asked, in each episode, (N,).

    1 where all are satisfied alike, 1/n where one is and the others are not; 1 where nobody is.

    Args:
        rating: of each request, (N, M).
        user: whose request it is, (N, M).
        users: how many users there are.
    """
    episodes = len(rating)
    index = (user + users * np.arange(episodes)[:, None]).ravel()
    asked = np.bincount(index, minlength=episodes * users).reshape(episodes, users)
    total = np.bincount(index, weights=rating.ravel(), minlength=episodes * users).reshape(episodes, users)
    mean = np.divide(total, asked, out=np.zeros_like(total), where=asked > 0)
    squares = (asked > 0).sum(axis=1) * (mean**2).sum(axis=1)
    return np.asarray(np.divide(mean.sum(axis=1) ** 2, squares, out=np.ones(episodes), where=squares > 0.0))
