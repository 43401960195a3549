"""Targets with planning on top: spelled, identified, played and repeated."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mecsim.errors import InputError
from mecsim.policies import Planning, named_policy, planner
from mecsim.scenario import load_scenario
from mecsim.sweep import Store, evaluate, planned, policy_factory, preference_grid, runs_of, sweep
from mecsim.sweep.distribute import Workers
from mecsim.sweep.planned import base_of, decisions_per_step
from mecsim.sweep.store import target_identity
from mecsim.training import MultiRun, Run
from tests.training.small import new_run, small_config, small_scenario, trained

SCENARIO, GRID = small_scenario(), preference_grid(2, 5)


@pytest.mark.parametrize(
    "target", ["greedy", "runs/one", "package.module:Object", "greedy+plan0", "+plan3", "a+plan8x"]
)
def test_what_does_not_plan(target: str) -> None:
    assert base_of(target) == (target, None)
    assert planned(target, None) == target
    assert decisions_per_step(target) == 1


def test_what_plans() -> None:
    assert base_of(planned("runs/one", 8)) == ("runs/one", 8)
    assert decisions_per_step("runs/one+plan8") > 8


def test_a_run_of_that_name_is_no_plan(tmp_path: Path) -> None:
    trained(run := new_run(tmp_path / "a+plan2", epochs=2))
    assert base_of(str(run.folder)) == (str(run.folder), None)
    assert base_of(f"{run.folder}+plan3") == (str(run.folder), 3)


def test_it_is_the_planner_over_its_base() -> None:
    make = policy_factory("greedy+plan3", SCENARIO)
    expected = evaluate(planner(named_policy("greedy", SCENARIO), SCENARIO, Planning(3)), SCENARIO, GRID, 4, 7)
    assert_array_equal(evaluate(make, SCENARIO, GRID, 4, 7), expected)
    assert (expected != evaluate(named_policy("greedy", SCENARIO), SCENARIO, GRID, 4, 7)).any()


def test_its_numbers_do_not_depend_on_the_workers(tmp_path: Path) -> None:
    trained(run := new_run(tmp_path / "run", epochs=2))
    target = f"{run.folder}+plan2"
    [alone] = sweep([target], SCENARIO, GRID, 3, 5)
    [shared] = sweep([target], SCENARIO, GRID, 3, 5, Workers(2, 2))
    assert alone.totals.tobytes() == shared.totals.tobytes()
    assert alone.label == "run+plan2"


def test_its_identity_is_that_of_its_base_and_how_it_plans(tmp_path: Path) -> None:
    trained(run := new_run(tmp_path / "run", epochs=2))
    base, two, three = (target_identity(planned(str(run.folder), k), SCENARIO) for k in (None, 2, 3))
    assert len({base, two, three}) == 3
    assert two.startswith(base)
    assert str(Planning(2)) in two  # how it plans by default is a part of it
    store = Store(tmp_path / "parts")
    before = sweep([f"{run.folder}+plan2"], SCENARIO, GRID, 2, 0, store=store)[0].totals
    files = set(store.folder.iterdir())
    again = sweep([f"{run.folder}+plan2"], SCENARIO, GRID, 2, 0, store=store)[0].totals
    assert_array_equal(again, before)
    assert set(store.folder.iterdir()) == files


def test_of_several_seeds_each_plans(tmp_path: Path) -> None:
    several = MultiRun.of_seeds(Run(tmp_path / "seeds", SCENARIO, small_config(), 64, 0), 2)
    several.create("mecsim train")
    for run in several.runs:
        trained(run)
    assert runs_of(f"{several.folder}+plan2", SCENARIO) == tuple(f"{run.folder}+plan2" for run in several.runs)


def test_what_cannot_plan_is_refused() -> None:
    cells = load_scenario("personalized-quick")
    with pytest.raises(InputError, match="the futures of cells cannot be imagined"):
        policy_factory("greedy+plan2", cells)
    with pytest.raises(InputError, match="is neither a run"):
        policy_factory("gredy+plan2", SCENARIO)


def test_the_seed_decides_the_futures() -> None:
    make = policy_factory("greedy+plan1", SCENARIO)
    one, same, other = (evaluate(make, SCENARIO, GRID[2:3], 30, seed) for seed in (1, 1, 2))
    assert_array_equal(one, same)
    assert (one != other).any()
    assert np.isfinite(one).all()
