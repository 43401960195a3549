"""What the engines of cells promise beside what every engine does."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Engine, impossible_action
from mecsim.errors import InputError
from mecsim.systems.cells.layout import CellsSpec
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.tape import CellsTapes


class CellsEngine(Engine[CellsTapes, CellsRecords], Protocol):
    """A decision is a request: at step m request m has arrived, and is served or rejected.

    `begin`: the first requests have arrived, all blocks are free. The last step leaves time at the last arrival.

    `observe`. An option's row: its rate in Mbit/s and as a share of the demanded rate; its share of the cell's blocks;
    1 if they are free, else 0; its predicted satisfaction, 0 to 5; the utilisation of its cell after it, at most 1; its
    CQI over 15; the request's minimum and demanded rate in Mbit/s; log10(1 + mean duration of the application in s);
    the application, one-hot; with cost features minus what `option_rewards` tell of it. Rejection has no rate, blocks
    or CQI, always fits, and shows the mean utilisation of the candidates now. Rows of options that do not fit are
    complete, but masked; those of unreachable candidates are −1.
    Where people remember, two columns stand before the costs: the position of the rate, and how far that is above what
    is expected to be adequate for the user now. The prediction is of the user as experience has made it.
    The context: the share of the requests that are left, this one included; mean utilisation of all cells; sessions per
    block; the user's mean satisfaction so far, 2.5 if there is none; the period of the day, one-hot; a histogram of the
    block-seconds that active sessions have still to get, per cell; a histogram of the mean satisfaction so far of each
    user served or rejected so far, in shares of all users. Where people remember, also: how far the user is used to
    more, and to less, than the middle of the predicted zone at rest; the rating that is left of all so far, 2.5 if
    there is none; the sessions of the window below the zone, as a share of those that let the user leave; 1 if the user
    has left; the share of all users who have.
    After the last request everything is zero, but the mask of rejection.

    Rewards are the satisfaction of the user, 0 if rejected, over M, so that an episode comes to its mean; and the
    block-seconds saved against giving the demanded rate in the strongest cell, as a share of what all requests of the
    episode demand so: these shares sum up to 1 − used / demanded. (Without any demand all of them are 0.)

    Where people remember, satisfaction is what is left of a user's ratings (`Memory.ratings`) times their number, over
    M; a reward is by how much it rises. Two more tell of the users who ask for anything in the episode: by how much the
    share who are satisfied rises, in the zone or above with what is left of their ratings and still there; and minus
    the share that leaves. The request of a user who has left is not made: only rejection can be taken, and all rewards
    are 0. So it saves nothing, either.

    `option_rewards`: the predicted satisfaction over M, and the share that is saved if the session lasts as long as
    those of its application do on average. None but rejection, at no reward, after the last request.

    `records`: all sessions end.
    """

    def free_blocks(self) -> NDArray[np.int64]:
        """Free blocks of each cell, (N, cells)."""

    def ratings(self, truth: bool) -> NDArray[np.float64]:
        """What the user who asks would think of each level now, (N, K), 0 to 5, or what the predictor expects of that.

        0 after the last request.
        """


def impossible_choice(action: int, episode: int, spec: CellsSpec) -> InputError:
    """The error of an action that cannot be taken."""
    return impossible_action(action, episode, spec.max_options, "too few free blocks, or out of reach")
