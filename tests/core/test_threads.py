"""Rows are spread over threads, each once; a process that was forked can go on."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.core.engine import Observation
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.core.threads import kernel_threads, on_threads, over_rows
from mecsim.scenario import load_scenario


@given(rows=st.integers(0, 3000), threads=st.integers(1, 7), cost=st.sampled_from([1, 50]))
def test_every_row_once(rows: int, threads: int, cost: int) -> None:
    seen: NDArray[np.int64] = np.zeros(rows, np.int64)

    def kernel(counted: NDArray[np.int64], first: int, last: int) -> None:
        counted[first:last] += 1

    with on_threads(threads):
        over_rows(kernel, rows, seen, cost=cost)
    assert (seen == 1).all()


def test_few_rows_wake_nobody() -> None:
    callers = set()
    with on_threads(4):
        over_rows(lambda first, last: callers.add(threading.get_ident()), 300)
    assert callers == {threading.get_ident()}


@pytest.mark.parametrize("failing", [0, 7000])
def test_what_fails_on_any_thread_is_raised(failing: int) -> None:
    def kernel(first: int, last: int) -> None:
        if first <= failing < last:
            raise ValueError("it broke")

    with on_threads(3), pytest.raises(ValueError, match="it broke"):
        over_rows(kernel, 9000)


def test_threads_are_counted_for_each_thread_that_calls() -> None:
    with on_threads(3), ThreadPoolExecutor(1) as other:
        assert kernel_threads() == 3
        assert other.submit(kernel_threads).result() == 1


def _played(threads: int) -> list[Any]:
    scenario = load_scenario("quickstart")
    tapes, episodes = draw_episodes(scenario, 0, 0, 1100), new_episodes(scenario, "batched")
    with on_threads(threads):
        observation = episodes.begin(tapes)
        total: Any = 0.0
        for step in range(10):
            observation, _, rewards = episodes.step((np.arange(1100) + step) % 4)
            total = total + rewards
    return [total, *(part.copy() for part in Observation(**observation))]


def _same(found: list[Any], expected: list[Any]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_the_number_of_threads_changes_nothing() -> None:
    alone = _played(1)
    assert all(_same(_played(threads), alone) for threads in (2, 5))


def test_threads_may_step_environments_of_their_own() -> None:
    alone = _played(1)
    with ThreadPoolExecutor(2) as both:
        assert all(_same(found, alone) for found in both.map(_played, [2, 2]))


def _answer(connection: Any) -> None:
    connection.send(_played(2))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes cannot be forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_goes_on() -> None:
    alone = _played(2)  # so that there are threads when it is forked
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_answer, args=(theirs,), daemon=True)
    child.start()
    assert ours.poll(60.0), "the forked process hangs"
    assert _same(ours.recv(), alone)
    child.join()
