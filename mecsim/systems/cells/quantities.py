"""Quantities per episode that a simulation of cells is reported by."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Play
from mecsim.core.rating import ADEQUATE_RATING
from mecsim.people.memory import Memory
from mecsim.systems.cells.layout import NEUTRAL_RATING, UNDECIDED
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import REMEMBERED, CellsScenario
from mecsim.systems.cells.tape import CellsTapes

Array = NDArray[np.float64]

CellsPlay = Play[CellsScenario, CellsTapes, CellsRecords]


def episode_quantities(played: CellsPlay, tapes: CellsTapes, scenario: CellsScenario) -> dict[str, Array]:
    """Quantity (a key of the system's `quantities`) to values (N,), one per episode."""
    records = played.records
    satisfaction, saved, *remembered = recorded_objectives(records, tapes, scenario).T
    room_block_s = records.end_s.max(axis=1) * scenario.cells.count * scenario.cells.blocks
    return {
        "satisfaction": satisfaction,
        "saved_resources": saved,
        "served_share": (records.level > 0).mean(axis=1),
        "blocked_share": records.blocked.mean(axis=1),
        "adequate_share": (records.satisfaction >= ADEQUATE_RATING).mean(axis=1),
        "fairness": jain_index(records.satisfaction, tapes.user, scenario.users.count),
        "utilisation": records.busy_block_s.sum(axis=1) / room_block_s,
        **dict(zip(REMEMBERED, remembered, strict=False)),
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
    """What each episode came to in all objectives, (N, Q), by the records alone.

    Mean satisfaction and the share of the demanded block-seconds that was saved; of people who remember each one's
    overall rating as often as there were ratings, and of those who ask the shares who are satisfied and who left.
    """
    demanded_block_s = tapes.demanded_block_s.sum(axis=1)
    saved = np.zeros(len(tapes))
    np.divide(records.saved_block_s.sum(axis=1), demanded_block_s, out=saved, where=demanded_block_s > 0.0)
    if scenario.memory is None:
        return np.stack([records.satisfaction.mean(axis=1), saved], axis=1)
    return np.stack([*_remembered(records, tapes, scenario.memory, saved)], axis=1)


def _remembered(records: CellsRecords, tapes: CellsTapes, memory: Memory, saved: Array) -> tuple[Array, ...]:
    """All objectives of people who remember, (N,) each."""
    satisfaction, satisfied, churn = np.zeros((3, len(tapes)))
    for n, user in enumerate(tapes.user):
        asked = (records.option[n] != UNDECIDED) & ~records.left[n]
        users = np.unique(user)
        for one in users:
            rating = records.satisfaction[n, asked & (user == one)]
            if not len(rating):
                continue
            overall, below = overall_rating(memory, rating), rating < ADEQUATE_RATING - 1e-9
            left = memory.churn is not None and below[-memory.churn.window :].sum() >= memory.churn.below
            satisfaction[n] += len(rating) * overall / records.option.shape[1]
            satisfied[n] += (overall >= ADEQUATE_RATING - 1e-9 and not left) / len(users)
            churn[n] += left / len(users)
    return satisfaction, saved, satisfied, churn


def overall_rating(memory: Memory, rating: Array) -> float:
    """What is left of a person's ratings (R,), in their order; see `Memory.ratings`."""
    if memory.ratings == "last":
        return float(rating[-memory.last :].mean())
    if memory.ratings == "peak_end":
        distance = np.abs(rating - NEUTRAL_RATING)
        return float(rating[distance == distance.max()].min() + rating[-1]) / 2.0
    return float(rating.mean())


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
