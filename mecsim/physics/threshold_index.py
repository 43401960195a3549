"""An index of a long queue under processor sharing: its tasks by the service at which they leave.

A search tree over the thresholds of a server's tasks (see `processor_sharing`) in which each node also has the number
and the sum of its own and all thresholds below. What would take a walk over the tasks is then found on a path from the
root, in the logarithm of their number: where a task belongs, how many leave before some service, and how much service
tasks receive together until then,

    F(v) = Σ_j min(θ_j, v) − min(θ_j, a)    of a server that goes from the attained service a to v.

The tree is a treap (Seidel and Aragon 1996): a heap in priorities as good as random, hence as flat as a tree that was
built in random order, whatever the order in fact. The priority of a node is a hash of its position, so nothing is
drawn, and a tree is a function of the tasks that are in it.

Nodes live in an array of records (N, M + S) of N episodes: one per task, at its position, then one per server, the
*top*, whose left child is the root of that server's tree. Functions take the array, the episode `n` and the position of
the top. Sums are added up anew from the children, never corrected, so rounding does not build up.
"""

import numpy as np

from mecsim.core.compiled import compiled
from mecsim.physics.records import NONE, Records

NODE = np.dtype(
    [
        ("threshold_bit", np.float64),
        ("sum_bit", np.float64),  # of the thresholds of this node and all below
        ("count", np.int32),  # of these
        ("left", np.int32),  # the subtree of earlier ones
        ("right", np.int32),  # the subtree of later ones, or equal ones that came later
        ("above", np.int32),
    ],
    align=True,
)


def index_room(episodes: int, tasks: int, servers: int) -> Records:
    """Room for the indices of S servers over M tasks in each of N episodes; not written to before it is needed."""
    return np.zeros((episodes, tasks + servers), NODE)


@compiled
def clear(index: Records, n: int, top: int) -> None:
    """Make a tree empty, whatever it was."""
    index[n, top].left = index[n, top].right = NONE


@compiled
def insert(index: Records, n: int, top: int, task: int, threshold_bit: float) -> int:
    """Add a task; the one that leaves right before it, or NONE. Of equals the earlier one leaves first."""
    before, above, at = NONE, top, index[n, top].left
    while at != NONE:
        above = at
        if index[n, at].threshold_bit <= threshold_bit:
            before, at = at, index[n, at].right
        else:
            at = index[n, at].left
    node = index[n, task]
    node.threshold_bit, node.above = threshold_bit, above
    node.left = node.right = NONE
    if above == top or before != above:
        index[n, above].left = task
    else:
        index[n, above].right = task
    priority = _priority(task)
    while node.above != top and _priority(node.above) < priority:
        _lift(index, n, task)
    _add_up(index, n, top, task)
    return before


@compiled
def remove_first(index: Records, n: int, top: int, task: int) -> None:
    """Take out the task that leaves first."""
    above, right = index[n, task].above, index[n, task].right
    index[n, above].left = right
    if right != NONE:
        index[n, right].above = above
    _add_up(index, n, top, above)


@compiled
def sum_bit(index: Records, n: int, top: int, from_bit: float) -> float:
    """By how much the thresholds exceed `from_bit`, which none is below, together."""
    root = index[n, index[n, top].left]
    return float(root.sum_bit - root.count * from_bit)


@compiled
def count_until(index: Records, n: int, top: int, until_bit: float) -> int:
    """How many thresholds are no larger than `until_bit`."""
    count, at = 0, index[n, top].left
    while at != NONE:
        node = index[n, at]
        if node.threshold_bit <= until_bit:
            if node.left != NONE:
                count += index[n, node.left].count
            count += 1
            at = node.right
        else:
            at = node.left
    return count


@compiled
def shared_bit(index: Records, n: int, top: int, from_bit: float, until_bit: float) -> float:
    """F(until_bit), the service that tasks receive together from `from_bit`, which no threshold is below."""
    at = index[n, top].left
    received_bit, present = 0.0, index[n, at].count
    while at != NONE:
        node = index[n, at]
        if node.threshold_bit <= until_bit:
            if node.left != NONE:
                earlier = index[n, node.left]
                received_bit += earlier.sum_bit - earlier.count * from_bit
                present -= earlier.count
            received_bit += node.threshold_bit - from_bit
            present -= 1
            at = node.right
        else:
            at = node.left
    return float(received_bit + present * (until_bit - from_bit))


@compiled
def attained_bit(index: Records, n: int, top: int, from_bit: float, others: int, service_bit: float) -> float:
    """Where F(v) + others·(v − from_bit) is `service_bit`, or the last threshold where it never is.

    That is the attained service of a server after it has given that much service, to tasks and to `others` that stay.
    """
    at, last_bit = index[n, top].left, from_bit
    received_bit, present = 0.0, index[n, at].count + others
    while at != NONE:
        node = index[n, at]
        earlier, earlier_bit = 0, 0.0
        if node.left != NONE:
            earlier = index[n, node.left].count
            earlier_bit = index[n, node.left].sum_bit - earlier * from_bit
        own_bit = node.threshold_bit - from_bit
        if received_bit + earlier_bit + own_bit * (present - earlier) <= service_bit:
            received_bit += earlier_bit + own_bit
            present -= earlier + 1
            last_bit = node.threshold_bit
            at = node.right
        else:
            at = node.left
    return from_bit + (service_bit - received_bit) / present if present > 0 else last_bit


@compiled
def _priority(task: int) -> int:
    """A hash of a position, no two alike below 2³²: alternately folded and multiplied by an odd number."""
    mixed = task & 0xFFFFFFFF
    mixed = ((mixed >> 16) ^ mixed) * 0x5BD1E995 & 0xFFFFFFFF
    mixed = ((mixed >> 15) ^ mixed) * 0x2C1B3C6D & 0xFFFFFFFF
    return (mixed >> 16) ^ mixed


@compiled
def _lift(index: Records, n: int, at: int) -> None:
    """Rotate a node over the one above it."""
    node, below = index[n, at], index[n, at].above
    down = index[n, below]
    above = down.above
    if down.left == at:
        moved = down.left = node.right
        node.right = below
    else:
        moved = down.right = node.left
        node.left = below
    if moved != NONE:
        index[n, moved].above = below
    down.above, node.above = at, above
    if index[n, above].left == below:
        index[n, above].left = at
    else:
        index[n, above].right = at
    _add_up_one(index, n, below)


@compiled
def _add_up(index: Records, n: int, top: int, at: int) -> None:
    """Set counts and sums of a node and of all above it."""
    while at != top:
        _add_up_one(index, n, at)
        at = index[n, at].above


@compiled
def _add_up_one(index: Records, n: int, at: int) -> None:
    node = index[n, at]
    count, found_bit = 1, node.threshold_bit
    if node.left != NONE:
        count += index[n, node.left].count
        found_bit += index[n, node.left].sum_bit
    if node.right != NONE:
        count += index[n, node.right].count
        found_bit += index[n, node.right].sum_bit
    node.count, node.sum_bit = count, found_bit
