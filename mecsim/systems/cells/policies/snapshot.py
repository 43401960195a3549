"""A snapshot: users who ask for service at the same moment and share the resource blocks of a cell.

The allocation problem of personalized networks (Alkurd, Abualhaol and Yanikomeroglu, arXiv 2307.03867): each of n users
is served at one level, or rejected, and together they take no more blocks than there are. Two objectives, both
maximised: the mean satisfaction, and the share of the demanded blocks that is saved.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.systems.cells.tape import CellsTapes

Array = NDArray[np.float64]
Choice = NDArray[np.int64]

SATISFACTION, SAVED = 0, 1
"""Columns of objectives."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """n users, rows in the order of arrival, and what each level 0..K would mean for them; level 0 is a rejection.

    A choice is one level for each user, (n,) int64; several choices are rows, (m, n).

    Raises:
        InputError: shapes that differ, no users, a rejection that is not free or not possible, ratings that are
            negative or not finite, negative blocks, a negative capacity.
    """

    satisfaction: Array  # (n, K + 1), 0 to 5; what stands at levels that are not valid does not count
    blocks: NDArray[np.int64]  # (n, K + 1); at level K what the user demands, whether or not it is valid
    valid: NDArray[np.bool_]  # (n, K + 1): which levels exist
    capacity: int  # blocks

    def __post_init__(self) -> None:
        shape = np.shape(self.blocks)
        if len(shape) != 2 or shape[0] < 1 or shape[1] < 2:
            raise InputError(f"snapshot: expected blocks for at least one user and two levels, got the shape {shape}")
        for name in ("satisfaction", "valid"):
            if np.shape(getattr(self, name)) != shape:
                raise InputError(f"snapshot: expected {name} of the shape of blocks, {shape}")
        if not self.valid[:, 0].all() or self.blocks[:, 0].any() or self.satisfaction[:, 0].any():
            raise InputError("snapshot: level 0 is a rejection: expected it valid, with 0 blocks and satisfaction 0")
        ratings = self.satisfaction[self.valid]
        if not (np.isfinite(ratings) & (ratings >= 0.0)).all():
            raise InputError("snapshot: expected finite satisfaction, not below 0, at all valid levels")
        if (self.blocks < 0).any() or self.capacity < 0:
            raise InputError("snapshot: expected no negative blocks and no negative capacity")

    @property
    def users(self) -> int:
        """Their number n."""
        return len(self.blocks)

    @property
    def top_level(self) -> int:
        """The level K, at which everyone gets what they demand."""
        return len(self.blocks[0]) - 1

    @property
    def demanded_blocks(self) -> int:
        """Blocks that all users demand together."""
        return int(self.blocks[:, -1].sum())

    @property
    def share_of_block(self) -> float:
        """What a block that is not used adds to the saved share."""
        return 1.0 / max(self.demanded_blocks, 1)

    def used_blocks(self, choice: Choice) -> NDArray[np.int64]:
        """Blocks that choices (..., n) take, (...)."""
        return np.asarray(self.blocks[np.arange(self.users), choice].sum(axis=-1))

    def feasible(self, choice: Choice) -> NDArray[np.bool_]:
        """Which of the choices (..., n) have valid levels only and fit into the cell, (...)."""
        exists = self.valid[np.arange(self.users), choice].all(axis=-1)
        return np.asarray(exists & (self.used_blocks(choice) <= self.capacity))

    def values(self, choice: Choice) -> Array:
        """Mean satisfaction and saved share of choices (m, n), feasible or not: (m, 2).

        saved = 1 − used/demanded; 1 where nobody demands anything.
        """
        satisfaction = self.satisfaction[np.arange(self.users), choice].mean(axis=-1)
        return np.stack([satisfaction, self.saved(self.used_blocks(choice))], axis=-1)

    def saved(self, used_blocks: NDArray[np.int64]) -> Array:
        """Share of the demanded blocks that is saved where so many are used; of any shape."""
        return np.asarray(1.0 - used_blocks * self.share_of_block)

    def scores(self, weights: Array) -> Array:
        """What each level of each user adds to the weighted sum of the objectives, (n, K + 1); −∞ if not valid."""
        gain = weights[SATISFACTION] * self.satisfaction / self.users
        return np.where(self.valid, gain - weights[SAVED] * self.share_of_block * self.blocks, -np.inf)


def snapshot_of(tapes: CellsTapes, episode: int, capacity: int, predicted: bool = False) -> Snapshot:
    """All requests of an episode as if they came at once, each to its strongest cell, which has `capacity` blocks.

    Args:
        tapes: episodes of a scenario of kind `personalize`; an episode's requests are the users.
        episode: which of them.
        capacity: blocks that the requests share.
        predicted: whether levels count with the satisfaction that the predictor expects, instead of the true one.
    """
    ratings = (tapes.predicted if predicted else tapes.satisfaction)[episode]
    return snapshot_of_offers(ratings, tapes.blocks[episode, :, 0], capacity)


def snapshot_of_offers(ratings: Array, blocks: NDArray[np.int64], capacity: int) -> Snapshot:
    """Users who are offered levels 1..K, ratings and blocks (n, K); a level of 0 blocks is out of reach."""
    rejected = np.zeros((len(blocks), 1), np.int64)
    valid = np.concatenate([rejected == 0, blocks > 0], axis=1)
    satisfaction = np.where(valid, np.concatenate([rejected, ratings], axis=1), 0.0)
    return Snapshot(satisfaction, np.concatenate([rejected, blocks], axis=1), valid, capacity)
