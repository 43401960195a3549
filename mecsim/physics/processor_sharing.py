"""Egalitarian processor sharing with uploads on the way, for many servers of many episodes.

The n tasks on a server each run at speed/n, so all of them receive the same service. One number per server,
the *attained* service, therefore tells how far every task has come: a task of `size` bit that joins when the
attained service is v leaves when it reaches its *threshold* v + size. Tasks on a server form a linked list in
the order of their thresholds, tasks on the way to it a second one in the order of their arrivals; both lists
use one `following` array, as a task is in one list at a time. Memory is therefore O(tasks + servers) per
episode, and a departure costs O(1).

Short lists are walked, which is fastest as long as they are short. A server that executes more than `CROWD` tasks keeps
a `threshold_index` of them beside the list: then nothing costs more than the logarithm of their number.

State lives in two arrays of records, servers (N, A) and tasks (N, M) of N episodes; functions take both, the episode
`n` and the server `e`. What else there is to work with is a `Desk`. (Records keep what is used together together in
memory, and cost compiled code no reference counting.) Sizes and thresholds in bit, speeds in bit/s, times in s.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, compiled_apart, compiled_inline
from mecsim.physics import threshold_index
from mecsim.physics.records import NONE, Records
from mecsim.physics.threshold_index import index_room

CROWD = 48  # executing tasks; a server with more has an index

SERVER = np.dtype(
    [
        ("speed_bit_per_s", np.float64),
        ("s_per_bit", np.float64),  # its inverse, as a product is several times faster than a division
        ("attained_bit", np.float64),  # service that each present task has received since the server was last idle
        ("executing", np.int32),  # number of tasks sharing the server
        ("first_to_finish", np.int32),  # head of the list of executing tasks
        ("uploading", np.int32),  # number of tasks on the way
        ("first_to_arrive", np.int32),  # head of the list of tasks on the way
    ],
    align=True,
)
TASK = np.dtype(
    [
        ("size_bit", np.float64),
        ("threshold_bit", np.float64),
        ("upload_end_s", np.float64),
        ("finish_s", np.float64),  # NaN until the task has left
        ("following", np.int32),  # the next task of the list that this one is in
    ],
    align=True,
)


class Desk(NamedTuple):
    """What is worked with beside servers (N, S) and tasks (N, M)."""

    thresholds: Records  # (N, M + S) of `threshold_index.NODE`
    scratch_bit: NDArray[np.float64]  # (N, M + 1)


def idle_servers(speed_bit_per_s: NDArray[np.float64]) -> Records:
    """Servers (N, A) of the given speeds, without tasks."""
    servers = np.zeros(speed_bit_per_s.shape, SERVER)
    servers["speed_bit_per_s"] = speed_bit_per_s
    servers["s_per_bit"] = 1.0 / np.where(speed_bit_per_s > 0.0, speed_bit_per_s, np.nan)  # NaN: an absent server
    servers["first_to_finish"] = servers["first_to_arrive"] = NONE
    return servers


def unsent_tasks(episodes: int, tasks: int) -> Records:
    """Room for M tasks in each of N episodes."""
    room = np.zeros((episodes, tasks), TASK)
    room["finish_s"] = np.nan
    room["following"] = NONE
    return room


def new_desk(episodes: int, tasks: int, servers: int) -> Desk:
    """For M tasks and S servers in each of N episodes."""
    return Desk(index_room(episodes, tasks, servers), np.empty((episodes, tasks + 1)))


@compiled
def send(servers: Records, tasks: Records, n: int, e: int, task: int, size_bit: float, upload_end_s: float) -> None:
    """Put `task` on its way to server `e`; it starts to execute at `upload_end_s`."""
    server = servers[n, e]
    tasks[n, task].size_bit = size_bit
    tasks[n, task].upload_end_s = upload_end_s
    before, at = NONE, server.first_to_arrive
    while at != NONE and tasks[n, at].upload_end_s <= upload_end_s:
        before, at = at, tasks[n, at].following
    tasks[n, task].following = at
    if before == NONE:
        server.first_to_arrive = task
    else:
        tasks[n, before].following = task
    server.uploading += 1


@compiled_inline
def _arrive(servers: Records, tasks: Records, n: int, e: int) -> int:
    """Take the first task off the way to a server, as its threshold is known now."""
    server = servers[n, e]
    task = server.first_to_arrive
    server.first_to_arrive = tasks[n, task].following
    server.uploading -= 1
    tasks[n, task].threshold_bit = server.attained_bit + tasks[n, task].size_bit
    return int(task)


@compiled_inline
def _link(servers: Records, tasks: Records, n: int, e: int, task: int, before: int, after: int) -> None:
    """Put a task between two of the list of executing tasks."""
    server = servers[n, e]
    tasks[n, task].following = after
    if before == NONE:
        server.first_to_finish = task
    else:
        tasks[n, before].following = task
    server.executing += 1


@compiled
def _join(servers: Records, tasks: Records, n: int, e: int) -> None:
    """The first task on the way arrives and shares the server from now on."""
    task = _arrive(servers, tasks, n, e)
    threshold_bit = tasks[n, task].threshold_bit
    before, at = NONE, servers[n, e].first_to_finish
    while at != NONE and tasks[n, at].threshold_bit <= threshold_bit:
        before, at = at, tasks[n, at].following
    _link(servers, tasks, n, e, task, before, at)


@compiled
def _join_crowd(servers: Records, tasks: Records, index: Records, n: int, e: int) -> None:
    """`_join` a server that has an index, or needs one from now on."""
    server, top = servers[n, e], top_of(tasks, e)
    if server.executing > CROWD:
        task = _arrive(servers, tasks, n, e)
        before = threshold_index.insert(index, n, top, task, tasks[n, task].threshold_bit)
        after = server.first_to_finish if before == NONE else tasks[n, before].following
        _link(servers, tasks, n, e, task, before, after)
        return
    _join(servers, tasks, n, e)
    if server.executing > CROWD:
        threshold_index.clear(index, n, top)
        task = server.first_to_finish
        while task != NONE:
            threshold_index.insert(index, n, top, task, tasks[n, task].threshold_bit)
            task = tasks[n, task].following


@compiled_inline
def top_of(tasks: Records, e: int) -> int:
    """The position of server `e` in the index."""
    return int(tasks.shape[1] + e)


@compiled_inline
def _execute(servers: Records, tasks: Records, n: int, e: int, now_s: float, until_s: float) -> None:
    """Serve the tasks present on server `e` from `now_s` to `until_s`; nothing arrives in between."""
    server = servers[n, e]
    task = server.first_to_finish
    while task != NONE:
        threshold_bit = tasks[n, task].threshold_bit
        end_s = now_s + (threshold_bit - server.attained_bit) * server.executing * server.s_per_bit
        if end_s > until_s:
            server.attained_bit += (until_s - now_s) * server.speed_bit_per_s / server.executing
            return
        tasks[n, task].finish_s = now_s = end_s
        server.attained_bit = threshold_bit
        server.executing -= 1
        task = tasks[n, task].following
        server.first_to_finish = task
    server.attained_bit = 0.0  # an idle server starts anew, so that no precision is lost over a long episode


@compiled
def _execute_crowd(
    servers: Records, tasks: Records, index: Records, n: int, e: int, now_s: float, until_s: float
) -> None:
    """`_execute` of a server that may have an index."""
    server = servers[n, e]
    task, executing = server.first_to_finish, server.executing
    _execute(servers, tasks, n, e, now_s, until_s)
    while executing > CROWD and task != server.first_to_finish:
        threshold_index.remove_first(index, n, top_of(tasks, e), task)
        task = tasks[n, task].following
        executing -= 1


@compiled_inline
def _advance(
    servers: Records, tasks: Records, index: Records, n: int, e: int, now_s: float, until_s: float, crowd: bool
) -> None:
    """`advance`; `crowd`, which is known when this is compiled, says whether an index may be needed."""
    server = servers[n, e]
    while server.first_to_arrive != NONE:
        arrival_s = tasks[n, server.first_to_arrive].upload_end_s
        if arrival_s > until_s:
            break
        if crowd:
            _execute_crowd(servers, tasks, index, n, e, now_s, arrival_s)
            _join_crowd(servers, tasks, index, n, e)
        else:
            _execute(servers, tasks, n, e, now_s, arrival_s)
            _join(servers, tasks, n, e)
        now_s = arrival_s
    if crowd:
        _execute_crowd(servers, tasks, index, n, e, now_s, until_s)
    else:
        _execute(servers, tasks, n, e, now_s, until_s)


@compiled_apart
def _advance_crowd(
    servers: Records, tasks: Records, index: Records, n: int, e: int, now_s: float, until_s: float
) -> None:
    """`advance` a server that has an index, or may need one: apart, so that others do not pay for it."""
    _advance(servers, tasks, index, n, e, now_s, until_s, True)


@compiled_inline
def advance(servers: Records, tasks: Records, index: Records, n: int, e: int, now_s: float, until_s: float) -> None:
    """Let server `e` work from `now_s` to `until_s` (which may be infinite), uploads arriving on the way."""
    if servers[n, e].executing + servers[n, e].uploading > CROWD:
        _advance_crowd(servers, tasks, index, n, e, now_s, until_s)
    else:
        _advance(servers, tasks, index, n, e, now_s, until_s, False)


@compiled_inline
def added_delay_s(
    servers: Records, tasks: Records, desk: Desk, n: int, e: int, now_s: float, size_bit: float, upload_s: float
) -> float:  # fmt: skip
    """By how much a task of `size_bit`, sent to server `e` now, raises the total remaining delay: its own and others'.

    Under processor sharing two tasks delay each other by the smaller of their residuals, so the remaining total
    delay of residuals r is D(r) = Σ_i Σ_j min(r_i, r_j)/speed, which equals Σ_i (n−i+1)²(r_i − r_{i−1})/speed of
    arXiv 2509.10474. A task that arrives after `upload_s` and finds residuals r' hence adds
    upload_s + (L + 2·Σ_j min(r'_j, L))/speed, as long as no other upload is on the way; else two futures are compared,
    with the task and without it.
    """
    server = servers[n, e]
    if server.uploading > 0 or server.executing > CROWD:
        return _compared_s(servers, tasks, desk, n, e, now_s, size_bit, upload_s)
    s_per_bit: float = server.s_per_bit
    attained_bit, executing, task = server.attained_bit, server.executing, server.first_to_finish
    rest_s = upload_s
    while task != NONE:
        threshold_bit = tasks[n, task].threshold_bit
        time_s = (threshold_bit - attained_bit) * executing * s_per_bit
        if time_s >= rest_s:
            attained_bit += rest_s * server.speed_bit_per_s / executing
            break
        rest_s -= time_s
        attained_bit = threshold_bit
        executing -= 1
        task = tasks[n, task].following
    shared_bit = 0.0
    while task != NONE:
        residual_bit = tasks[n, task].threshold_bit - attained_bit
        if residual_bit >= size_bit:  # so are all that follow
            shared_bit += executing * size_bit
            break
        shared_bit += residual_bit
        executing -= 1
        task = tasks[n, task].following
    return upload_s + (size_bit + 2.0 * shared_bit) * s_per_bit


@compiled_apart
def _compared_s(
    servers: Records, tasks: Records, desk: Desk, n: int, e: int, now_s: float, size_bit: float, upload_s: float
) -> float:
    """`added_delay_s` by comparing what comes with the task and without it."""
    if servers[n, e].executing > CROWD:
        after_s = _coming_delay_s(servers, tasks, desk, n, e, now_s, size_bit, now_s + upload_s)
        return after_s - _coming_delay_s(servers, tasks, desk, n, e, now_s, 0.0, math.inf)
    after_s = _total_delay_s(servers, tasks, desk, n, e, now_s, size_bit, now_s + upload_s)
    return after_s - _total_delay_s(servers, tasks, desk, n, e, now_s, 0.0, math.inf)


@compiled
def _total_delay_s(
    servers: Records, tasks: Records, desk: Desk, n: int, e: int, now_s: float, extra_bit: float, extra_end_s: float
) -> float:
    """Total remaining delay of all tasks on server `e` and on the way to it, if nothing else ever came.

    A further task of `extra_bit`, whose upload ends at `extra_end_s`, counts as on the way if that is finite.
    """
    server, scratch_bit = servers[n, e], desk.scratch_bit
    low = high = 0  # scratch_bit[n, low:high] are the residuals of the executing tasks, smallest first
    task = server.first_to_finish
    while task != NONE:
        scratch_bit[n, high] = tasks[n, task].threshold_bit - server.attained_bit
        high += 1
        task = tasks[n, task].following
    coming = server.uploading + (1 if extra_end_s < math.inf else 0)
    task = server.first_to_arrive
    served_bit = 0.0  # since now: what every executing task has received
    total_s = 0.0
    while low < high or coming > 0:
        executing = high - low
        next_end_s = tasks[n, task].upload_end_s if task != NONE else math.inf
        arrival_s = min(next_end_s, extra_end_s)
        finish_s = math.inf
        if executing > 0:
            finish_s = now_s + (scratch_bit[n, low] - served_bit) * executing * server.s_per_bit
        if finish_s <= arrival_s:
            total_s += (finish_s - now_s) * (executing + coming)
            served_bit = scratch_bit[n, low]
            now_s = finish_s
            low += 1
            continue
        total_s += (arrival_s - now_s) * (executing + coming)
        if executing > 0:
            served_bit += (arrival_s - now_s) * server.speed_bit_per_s / executing
        now_s = arrival_s
        coming -= 1
        if next_end_s <= extra_end_s:
            joining_bit = served_bit + tasks[n, task].size_bit
            task = tasks[n, task].following
        else:
            joining_bit = served_bit + extra_bit
            extra_end_s = math.inf
        _sort_in(scratch_bit, n, low, high, joining_bit)
        high += 1
    return total_s


@compiled
def _coming_delay_s(
    servers: Records, tasks: Records, desk: Desk, n: int, e: int, now_s: float, extra_bit: float, extra_end_s: float
) -> float:
    """`_total_delay_s` beyond what it were if nothing was on the way, for a server with an index.

    Let n(u) of the tasks that execute now have a threshold above u, and let c more have joined them. A rise of the
    attained service from v to w then takes ∫ (n(u) + c) du/speed, in which tasks spend ∫ (n(u) + c)² du/speed together.
    Of this ∫ n(u)² du/speed would come without the others, sooner or later. So the others cost
    (2c·∫ n(u) du + c²·(w − v))/speed, where ∫ n(u) du = F(w) − F(v) of the index: what those that execute now receive.
    Only the uploads have to be followed, from each of their arrivals and departures to the next.
    """
    server, scratch_bit, index, top = servers[n, e], desk.scratch_bit, desk.thresholds, top_of(tasks, e)
    low = high = 0  # scratch_bit[n, low:high] are the thresholds of those that joined, smallest first
    task = server.first_to_arrive
    coming = server.uploading + (1 if extra_end_s < math.inf else 0)
    start_bit = served_bit = server.attained_bit
    shared_bit = 0.0  # F(served_bit)
    total_s = 0.0
    while low < high or coming > 0:
        joined = high - low
        next_end_s = tasks[n, task].upload_end_s if task != NONE else math.inf
        arrival_s = min(next_end_s, extra_end_s)
        finish_s = until_bit = until_shared_bit = math.inf
        if joined > 0:
            until_bit = scratch_bit[n, low]
            until_shared_bit = threshold_index.shared_bit(index, n, top, start_bit, until_bit)
            served = until_shared_bit - shared_bit + joined * (until_bit - served_bit)
            finish_s = now_s + served * server.s_per_bit
        if arrival_s < finish_s:
            done_bit = (arrival_s - now_s) * server.speed_bit_per_s + joined * (served_bit - start_bit) + shared_bit
            until_bit = threshold_index.attained_bit(index, n, top, start_bit, joined, done_bit)
            until_shared_bit = threshold_index.shared_bit(index, n, top, start_bit, until_bit)
        until_s = min(arrival_s, finish_s)
        together_bit = 2.0 * (until_shared_bit - shared_bit) + joined * (until_bit - served_bit)
        total_s += joined * together_bit * server.s_per_bit + coming * (until_s - now_s)
        now_s, served_bit, shared_bit = until_s, until_bit, until_shared_bit
        if finish_s <= arrival_s:
            low += 1
            continue
        coming -= 1
        if next_end_s <= extra_end_s:
            joining_bit = tasks[n, task].size_bit
            task = tasks[n, task].following
        else:
            joining_bit, extra_end_s = extra_bit, math.inf
        _sort_in(scratch_bit, n, low, high, served_bit + joining_bit)
        high += 1
    return total_s


@compiled_inline
def _sort_in(sorted_bit: NDArray[np.float64], n: int, low: int, high: int, new_bit: float) -> None:
    """Insert into sorted_bit[n, low:high], which becomes longer by one."""
    at = high
    while at > low and sorted_bit[n, at - 1] > new_bit:
        sorted_bit[n, at] = sorted_bit[n, at - 1]
        at -= 1
    sorted_bit[n, at] = new_bit
