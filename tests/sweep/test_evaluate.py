"""Evaluation: common random numbers, and results that do not depend on how the work is cut up."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.threads import kernel_threads
from mecsim.errors import InputError, RunError
from mecsim.policies import named_policy
from mecsim.scenario import with_context
from mecsim.sweep import Store, evaluate, policy_factory, preference_grid, sweep
from mecsim.sweep.distribute import Workers, run_jobs
from mecsim.sweep.evaluate import same_policy
from mecsim.sweep.store import played_identity
from mecsim.systems.offload.draw.tapes import draw_tapes
from tests.one_system import play_offload as play
from tests.training.small import new_run, small_scenario, trained

SCENARIO = small_scenario()
GRID = preference_grid(2, 6)


def limits(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    import sys

    for name, value in values.items():
        monkeypatch.setattr(sys.modules["mecsim.sweep.evaluate"], name, value)


def test_totals_are_those_of_playing_each_preference() -> None:
    totals = evaluate(named_policy("greedy", SCENARIO), SCENARIO, GRID, 5, 3)
    assert totals.shape == (6, 5, 2)
    tapes = draw_tapes(SCENARIO, 3, 0, 5)
    for index, preference in enumerate(GRID):
        played = play(named_policy("greedy", SCENARIO)(3), SCENARIO, tapes, preference)
        assert_array_equal(totals[index], played.totals)


class Witness:
    """A policy that keeps the first observation of every play."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        if episodes.step_index == 0:
            self.seen.append((preference[0, 0], {name: array.copy() for name, array in observation.items()}))
        return np.zeros(len(preference), np.int64)


def test_every_preference_meets_the_same_tapes() -> None:
    seen: list[Any] = []
    totals = evaluate(lambda seed: Witness(seen), SCENARIO, GRID, 7, 0)
    assert [weight for weight, _ in seen] == GRID[:, 0].tolist()
    for _, observation in seen[1:]:
        for name, array in observation.items():
            assert_array_equal(array, seen[0][1][name])
    assert_array_equal(totals, np.repeat(totals[:1], len(GRID), axis=0))  # the policy ignores its preference
    other_seed = evaluate(lambda seed: Witness([]), SCENARIO, GRID, 7, 1)
    assert not np.array_equal(totals, other_seed)


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_how_many_episodes_are_played_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    whole = evaluate(named_policy("greedy", SCENARIO), SCENARIO, GRID, 7, 0)
    limits(monkeypatch, EPISODES_AT_ONCE=at_once)
    assert_array_equal(evaluate(named_policy("greedy", SCENARIO), SCENARIO, GRID, 7, 0), whole)


def test_more_episodes_begin_with_the_same_ones() -> None:
    few, many = (evaluate(named_policy("greedy", SCENARIO), SCENARIO, GRID, count, 0) for count in (3, 70))
    assert_array_equal(many[:, :3], few)


def test_a_policy_with_own_draws_meets_each_preference_with_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    constant = np.tile([0.5, 0.5], (5, 1))
    totals = evaluate(named_policy("random", SCENARIO), SCENARIO, constant, 6, 0)
    assert_array_equal(totals, np.repeat(totals[:1], 5, axis=0))
    limits(monkeypatch, EPISODES_AT_ONCE=3)  # each part has draws of its own
    parts = evaluate(named_policy("edge", SCENARIO), SCENARIO, constant, 6, 0)
    repeated = evaluate(lambda seed: named_policy("edge", SCENARIO)(0), SCENARIO, constant, 6, 0)
    assert not np.array_equal(parts[:, 3:], repeated[:, 3:])


def test_jobs_and_workers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    one = sweep(
        ["greedy", "random"], SCENARIO, GRID, 5, 2, on_progress=lambda target, done: told.append((target, done))
    )
    assert told == [("greedy", 4), ("greedy", 2), ("random", 4), ("random", 2)]
    two = sweep(["greedy", "random"], SCENARIO, GRID, 5, 2, Workers(2))
    limits(monkeypatch, PREFERENCES_PER_JOB=1)
    single = sweep(["greedy", "random"], SCENARIO, GRID, 5, 2)
    for others in (two, single):
        assert [front.target for front in others] == ["greedy", "random"]
        for front, other in zip(one, others, strict=True):
            assert_array_equal(front.preferences, other.preferences)
            assert_array_equal(front.totals, other.totals)


def test_a_front_knows_its_mean_and_interval() -> None:
    [front] = sweep(["cloud"], SCENARIO, GRID, 4, 0)
    assert_allclose(front.mean, front.totals.mean(axis=1))
    assert_allclose(front.ci95, 3.182446 * front.totals.std(axis=1, ddof=1) / 2.0, rtol=1e-6)


def test_a_run_is_a_target(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=2)
    trained(run)
    fronts = sweep([str(run.folder), "greedy"], SCENARIO, GRID, 3, 0)
    assert [front.target for front in fronts] == [str(run.folder), "greedy"]
    assert fronts[0].totals.shape == (6, 3, 2)


@pytest.mark.parametrize("target", ["gredy", "", "no/such/folder", "."])
def test_what_is_neither_run_nor_baseline_is_refused(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"neither a run, nor package\.module:Object, nor a policy"):
        policy_factory(target, SCENARIO)


def doubled(job: int) -> int:
    return 2 * job


def failing(job: int) -> int:
    if job == 3:
        raise InputError("three is too much")
    return job


def test_jobs_come_back_in_order_and_so_do_their_errors() -> None:
    assert list(run_jobs(doubled, range(7))) == [0, 2, 4, 6, 8, 10, 12]
    with pytest.raises(InputError, match="three is too much"):
        list(run_jobs(failing, range(5)))
    with pytest.raises(InputError, match="at least one worker"):
        list(run_jobs(doubled, [1], Workers(0)))


@pytest.mark.parametrize("policy", ["random", "greedy"])
def test_threads_change_nothing(policy: str) -> None:
    make, before = named_policy(policy, SCENARIO), kernel_threads()
    alone, shared = (evaluate(make, SCENARIO, GRID, 5, 3, threads=threads) for threads in (1, 3))
    assert_array_equal(alone, shared)
    assert kernel_threads() == before


def test_threads_of_an_agent_change_nothing(tmp_path: Path) -> None:
    trained(new_run(tmp_path / "run"))
    make = policy_factory(str(tmp_path / "run"), SCENARIO)
    alone, shared = (evaluate(make, SCENARIO, GRID, 5, 3, threads=threads) for threads in (1, 3))
    assert_array_equal(alone, shared)


def test_no_worker_is_asked_for_what_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    [first] = sweep(["greedy"], SCENARIO, GRID, 5, 3, store=store)
    asked: list[str] = []

    def nobody(function: Any, jobs: Sequence[Any], workers: Workers, ordered: bool) -> Iterator[Any]:
        asked.extend(numbered.job.target for numbered in jobs)
        yield from map(function, jobs)

    limits(monkeypatch, run_jobs=nobody)
    [again, _] = sweep(["greedy", "edge"], SCENARIO, GRID, 5, 3, Workers(2), store=store)
    assert set(asked) == {"edge"}
    assert_array_equal(again.totals, first.totals)


def test_another_machine_plays_the_same_or_nothing(tmp_path: Path) -> None:
    trained(new_run(tmp_path / "run"))
    target = str(tmp_path / "run")
    identity = played_identity(target, SCENARIO)
    same_policy(target, SCENARIO, identity)
    with pytest.raises(RunError, match=r"run: on \S+ it, or a file of the scenario, is another one .*, or missing"):
        same_policy(target, with_context(SCENARIO, {"edges": "1"}), identity)
    shutil.rmtree(target)
    with pytest.raises(RunError, match="nodes need the same files at the same path"):
        same_policy(target, SCENARIO, identity)
