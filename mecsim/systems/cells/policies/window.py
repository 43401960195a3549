"""The snapshot that a request is part of: itself, and those before it that are expected to be served still.

A request alone says little about how to share a cell, and active sessions keep what they have. But who has come of
late is a sample of who shares the cell. A request counts as present for the mean duration of its application. At an
offered load of A erlangs there are then A requests present on the mean (Little 1961): as many as the cell serves at
once if it serves all, whatever the load is, and without knowing it.

Those present are no fair sample of those who ask: with a session twice as long one is present twice as long. So a
rating counts by 1/duration (Horvitz and Thompson 1952), and objectives of the snapshot are estimates of those of an
episode: satisfaction per request, and saved block-seconds.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mecsim.systems.cells.policies.snapshot import SATISFACTION, SAVED, Array, Snapshot, snapshot_of_offers
from mecsim.systems.cells.tape import CellsTapes

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A request, the last of the users, with those before it in its strongest cell."""

    snapshot: Snapshot  # ratings are weighted, so they may exceed 5; their mean is one per request
    requests: Index  # (n,) numbers of the users' requests, ascending
    cell: int
    worth: Array  # (2,) what 1 of each value of the snapshot adds to the episode's objectives, in common units


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """What the windows of an episode of M requests are made of; each looks at requests up to its own only."""

    arrival_s: Array  # (M,)
    mean_duration_s: Array  # (M,) of the request's application, above 0
    cell: Index  # (M,) the strongest
    blocks: Index  # (M, K) of each level there; 0 if out of reach
    ratings: Array  # (M, K) that are expected
    capacity: int  # blocks of a cell
    asked: NDArray[np.bool_]  # (M,) which requests are made: those of users who have not left

    def __len__(self) -> int:
        return len(self.arrival_s)

    def forgetting(self) -> "Episode":
        """The same before any request is made, to be written to as they are."""
        return replace(self, ratings=np.zeros_like(self.ratings), asked=np.zeros_like(self.asked))

    def window(self, request: int) -> Window:
        """The window of a request."""
        before = np.flatnonzero(self.asked[:request] & (self.cell[:request] == self.cell[request]))
        age_s = self.arrival_s[request] - self.arrival_s[before]
        users = np.append(before[age_s < self.mean_duration_s[before]], request)
        per_s = 1.0 / self.mean_duration_s[users]
        weight = per_s / per_s.mean()
        snapshot = snapshot_of_offers(self.ratings[users] * weight[:, None], self.blocks[users], self.capacity)
        until = self.asked[: request + 1]
        demanded_block_s = (self.mean_duration_s * self.blocks[:, -1])[: request + 1][until].mean()
        worth = np.empty(2)
        worth[SATISFACTION] = per_s.sum()
        worth[SAVED] = snapshot.demanded_blocks / demanded_block_s if demanded_block_s > 0.0 else 0.0
        return Window(snapshot, users, int(self.cell[request]), worth)


def episode_of(tapes: CellsTapes, episode: int, mean_duration_s: Array, capacity: int, truth: bool = False) -> Episode:
    """An episode as windows need it.

    Args:
        tapes: of a scenario of kind `personalize`.
        episode: which of its episodes.
        mean_duration_s: of each application.
        capacity: blocks of a cell.
        truth: whether levels count with the true satisfaction, instead of what the predictor expects.
    """
    return Episode(
        arrival_s=tapes.arrival_s[episode],
        mean_duration_s=mean_duration_s[tapes.application[episode]],
        cell=tapes.cell[episode, :, 0],
        blocks=tapes.blocks[episode, :, 0],
        ratings=(tapes.satisfaction if truth else tapes.predicted)[episode],
        capacity=capacity,
        asked=np.ones(len(tapes.user[episode]), np.bool_),
    )
