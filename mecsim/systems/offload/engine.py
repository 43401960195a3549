"""What the engines of offloading promise beside what every engine does."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Engine, impossible_action
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.tape import OffloadTapes


class OffloadEngine(Engine[OffloadTapes, OffloadRecords], Protocol):
    """A decision is a step of the dispatcher: the head of its queue, if any, goes to a server or its user's device.

    `begin`: the first tasks have arrived, nothing is dispatched.

    Rewards are minus delay (s), minus energy (J) and, where delays are rated, minus the shortfall of ratings. The delay
    of a dispatch is by how much it raises the total remaining delay of everything in the system, with the task's wait
    in the dispatch queue, if the scenario counts that. Its energy is by how much it raises what everything in the
    system will take, if nothing else ever came; where servers have power curves, each step costs their idle power in
    addition. Its shortfall is by how much it raises the sum of 5 − rating over everything in the system, likewise,
    over the number of tasks that the episode dispatches: an episode comes to 5 minus the mean rating of these.

    `option_rewards` are exact; where the queue is empty they are what the step costs anyway.

    `records`: the servers drain after the last step.
    """

    def backlog_s(self) -> NDArray[np.float64]:
        """How long each option's server needs for all that is on it and on its way to it, (N, A).

        Infinite for options that do not exist; zero for the device where no task waits, as no user is concerned.
        """

    def rollouts(self, futures: Futures, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """The cost of each option of the decision at hand, summed over futures in which greedy goes on, (N, A).

        Greedy takes the option of the least immediate cost, the first of equals. A cost is the sum, by the weights
        (N, 5) of all OBJECTIVES, of what the decisions of a future add; what servers take that do nothing
        is left out. Ratings count in the mean over the tasks that the episode dispatches. Infinite for options that do
        not exist, zero where no task waits. The engine stays where it is.
        """

    def imagined(self, futures: Futures, episode: NDArray[np.int64], future: NDArray[np.int64]) -> "OffloadEngine":
        """An engine of R episodes at the decision at hand: row r is `episode[r]`, but goes on with its `future[r]`.

        What the futures do not reach is empty. Rewards of ratings count as in the true episode. It has no records.
        """


def check_options(action: NDArray[np.int64], num_options: NDArray[np.int64]) -> None:
    """Raise InputError unless each action (N,) is one of its episode's options, the first so many of all."""
    wrong = (action < 0) | (action >= num_options)
    if wrong.any():
        n = wrong.tolist().index(True)
        raise impossible_action(int(action[n]), n, int(num_options[n]))
