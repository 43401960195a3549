"""`mecsim.train`, `mecsim.sweep`, `mecsim.simulate`: the same numbers as the layers below, as objects for people."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

import mecsim
from mecsim.api.targets import target_name
from mecsim.errors import InputError, RunError
from mecsim.policies import named_policy
from mecsim.sweep import evaluate, preference_grid, read_sweep
from mecsim.training import EpochReport, TrainingConfig
from mecsim.training import Run as StoredRun
from tests.test_imports import imported_by
from tests.training.same_run import assert_same_run, tensors_of
from tests.training.small import ENVS, SETTINGS, STEPS, new_run, small_scenario, trained

SMALL: dict[str, Any] = {name: int(value) if value.isdigit() else value for name, value in SETTINGS.items()}
EPOCH = STEPS * ENVS


class Last:
    """A policy of this module: the last option that can be taken."""

    def __init__(self, scenario: Any, seed: int) -> None:
        pass

    def act(self, episodes: Any, observation: Any, preference: Any) -> Any:
        return observation["mask"].shape[1] - 1 - observation["mask"][:, ::-1].argmax(axis=1)


def train(**changes: Any) -> mecsim.Run:
    given: dict[str, Any] = {"steps": 6 * EPOCH, "show": False, "device": "cpu", **SMALL, **changes}
    return mecsim.train(small_scenario(), **given)


@pytest.fixture(scope="module")
def run() -> mecsim.Run:
    return train()


@pytest.fixture(scope="module")
def swept(run: mecsim.Run) -> mecsim.Sweep:
    return mecsim.sweep([run, "greedy", Last], preferences=5, episodes=6, seed=3, show=False)


# Training


def test_it_trains_what_the_loop_trains(run: mecsim.Run, tmp_path: Path) -> None:
    same = new_run(tmp_path)
    trained(same)
    assert run.finished
    assert run.config == same.config
    assert run.scenario == same.scenario
    first, second = tensors_of(run), tensors_of(same)  # metrics.csv differs, as the loop's test evaluates otherwise
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=str(name))


def test_a_run_shows_itself(run: mecsim.Run) -> None:
    frame = run.frame()
    assert frame["epoch"].to_list() == [1, 2, 3, 4, 5, 6]
    assert frame.columns[:3] == ["epoch", "env_steps", "updates"]
    table = run.table()
    assert table["env_steps"].to_list() == [EPOCH, 2 * EPOCH, 4 * EPOCH, 6 * EPOCH]  # the first before any update
    lines = [axes.lines[0] for axes in run.figure().axes]
    for line, name in zip(lines, ("hypervolume", "mean_cost"), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), table["env_steps"])
        np.testing.assert_array_equal(line.get_ydata(), table[name])


def test_runs_are_opened_by_texts_and_paths(run: mecsim.Run) -> None:
    for folder in (run.folder, str(run.folder)):
        assert mecsim.Run.open(folder) == run
        assert isinstance(mecsim.Run.open(folder), mecsim.Run)
        assert type(StoredRun.open(folder)) is StoredRun
    with pytest.raises(RunError, match="not a run"):
        mecsim.Run.open("nowhere")


def test_callbacks_see_every_epoch_and_may_stop_it() -> None:
    seen: list[EpochReport] = []

    def stop_after_three(report: EpochReport) -> bool:
        seen.append(report)
        return report.epoch == 3

    stopped = train(callbacks=[stop_after_three, seen.append])
    assert [report.epoch for report in seen] == [1, 1, 2, 2, 3, 3]
    assert seen[2].evaluation is not None
    assert np.isfinite(seen[2].evaluation.mean_cost)
    assert not stopped.finished
    assert stopped.latest_epoch() == 3
    finished = stopped.resume(callbacks=[seen.append], device="cpu", show=False)
    assert [report.epoch for report in seen[6:]] == [4, 5, 6]
    assert finished.finished


def test_a_stopped_training_goes_on_as_if_nothing_had_happened(run: mecsim.Run) -> None:
    stopped = train(callbacks=[lambda report: report.epoch == 2])
    assert_same_run(stopped.resume(device="cpu", show=False), run)


def test_a_training_goes_on_to_more_steps() -> None:
    longer = train(steps=2 * EPOCH).resume(4 * EPOCH, device="cpu", show=False)
    assert longer.frame()["epoch"].to_list() == [1, 2, 3, 4]
    assert mecsim.Run.open(longer.folder).steps == 4 * EPOCH


def test_what_a_callback_raises_ends_the_training() -> None:
    class Pruned(Exception):
        pass

    def prune(report: EpochReport) -> None:
        raise Pruned

    with pytest.raises(Pruned):
        train(callbacks=[prune])


def test_settings_are_plain_values() -> None:
    config = TrainingConfig().with_settings({"learning_rate": 1e-3, "encoder_sizes": [8], "preference": (0.25, 0.75)})
    assert config.agent.to_mapping()["learning_rate"] == 1e-3
    assert config.preference == (0.25, 0.75)
    assert config == TrainingConfig().with_settings(
        {"learning_rate": "1e-3", "encoder_sizes": "[8]", "preference": "[0.25, 0.75]"}
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lerning_rate": 1}, "lerning_rate.*learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"steps": 0}, "steps: expected at least 1, got 0"),
        ({"agent": "ppo"}, "ppo"),
        ({"preference": [0.5, 0.6]}, "preference"),
        ({"out": Path(__file__)}, "out=.*is not a new or empty folder"),
        ({"out": Path(__file__).parent}, "out=.*is not a new or empty folder"),
    ],
)
def test_what_cannot_be_trained(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        train(**changes)
    assert "\n" not in str(refused.value)


# Sweeps


def test_a_sweep_has_the_numbers_of_the_layer_below(swept: mecsim.Sweep) -> None:
    scenario = small_scenario()
    totals = evaluate(named_policy("greedy", scenario), scenario, preference_grid(2, 5), 6, 3)
    np.testing.assert_array_equal(swept.front("greedy").totals, totals)
    frame = swept.frame().filter(pl.col("target") == "greedy")
    np.testing.assert_allclose(frame["delay_mean"], totals.mean(axis=1)[:, 0])
    table = swept.table()
    assert table["target"].to_list() == [front.label for front in swept.fronts]
    assert table.row(1, named=True)["mean_cost_ratio_to_greedy"] == 1.0


def test_a_sweep_is_read_again(swept: mecsim.Sweep) -> None:
    again = mecsim.Sweep.open(str(swept.folder))
    assert isinstance(again, mecsim.Sweep)
    assert_frame_equal(again.frame(), swept.frame())  # but for digits that front.csv leaves out
    assert again.table().equals(swept.table())
    assert repr(again) == repr(swept)
    assert read_sweep(swept.folder).seed == 3


def test_a_sweep_of_a_single_target_and_its_folder(tmp_path: Path) -> None:
    out = tmp_path / "new"
    found = mecsim.sweep("random", small_scenario(), preferences=2, episodes=2, out=out, show=False)
    assert found.folder == out
    assert {path.name for path in out.iterdir()} >= {"front.csv", "summary.json", "episodes.parquet", "front.png"}
    with pytest.raises(InputError, match="is not a new or empty folder"):
        mecsim.sweep("random", small_scenario(), out=out, show=False)


@pytest.mark.parametrize(
    ("targets", "changes", "said"),
    [
        (
            ["greedy"],
            {"scenario": None},
            "greedy: need a scenario to be played on",
        ),
        (["greedi"], {}, "greedi"),
        ([], {}, "targets: none is named"),
        (["greedy", "greedy"], {}, "targets: one is named twice"),
        (["greedy"], {"episodes": 0}, "episodes: expected at least 1, got 0"),
        (["greedy"], {"preferences": 1}, "at least 2 preferences"),
        ([3], {}, "a int: is no target"),
        ([lambda scenario, seed: None], {}, "<lambda>: is no target"),
    ],
)
def test_what_cannot_be_swept(targets: list[Any], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        mecsim.sweep(targets, **{"scenario": small_scenario(), "show": False, **changes})


def test_names_of_targets(run: mecsim.Run) -> None:
    assert target_name("greedy+plan4") == "greedy+plan4"
    assert target_name(run) == target_name(run.folder) == str(run.folder)
    assert target_name(Last) == f"{__name__}:Last"


# Choices


@pytest.mark.parametrize("seed", range(3))
def test_a_choice_is_that_of_brute_force(swept: mecsim.Sweep, seed: int) -> None:
    delay_s = np.concatenate([front.mean[:, 0] for front in swept.fronts])
    energy_j = np.concatenate([front.mean[:, 1] for front in swept.fronts])
    limit = float(np.random.default_rng(seed).uniform(delay_s.min(), delay_s.max()))
    found = mecsim.choose(swept, most={"delay": f"{limit!r} s"})
    meets = delay_s <= limit
    assert found.choice.meeting == meets.sum()
    row = found.table().rows(named=True)
    assert [one["number"] for one in row] == ["delay", "energy"]
    assert row[0]["value"] <= limit
    assert row[1]["value"] == pytest.approx(energy_j[meets].min())
    assert found.target in [front.target for front in swept.fronts]
    assert found.preference.sum() == pytest.approx(1.0)
    assert mecsim.choose(str(swept.folder), {"delay": limit}).table().equals(found.table())


def test_what_cannot_be_chosen(swept: mecsim.Sweep) -> None:
    with pytest.raises(InputError, match=r"no measured preference meets all limits; nearest to all is .* at \d"):
        mecsim.choose(swept, {"delay": 0.0})
    with pytest.raises(InputError, match="delai: is no number of this sweep"):
        mecsim.choose(swept, {"delai": 1.0})
    with pytest.raises(InputError, match="minimize and maximize: give one"):
        mecsim.choose(swept, minimize="delay", maximize="energy")


# Simulations


def test_a_simulation_has_every_episode_and_its_records(run: mecsim.Run) -> None:
    found = mecsim.simulate(small_scenario(), run, [0.25, 0.75], episodes=7, records=True, show=False)
    frame = found.frame()
    assert frame["episode"].to_list() == list(range(7))
    tasks = found.records["tasks"]
    assert tasks["episode"].n_unique() == 7
    energy_j = tasks.group_by("episode").agg(pl.col("energy_j").sum()).sort("episode")["energy_j"]
    np.testing.assert_allclose(frame["energy_j"], energy_j)
    row = found.table().row(by_predicate=pl.col("quantity") == "energy_j", named=True)
    assert row["mean"] == pytest.approx(frame["energy_j"].mean())
    assert row["about"] == "total energy (J)"


def test_a_simulation_plays_what_is_asked_for() -> None:
    """The preference in the order of the objectives, the episodes of the seed."""
    scenario = small_scenario()
    for weights, seed in (([0.95, 0.05], 3), ([0.05, 0.95], 4)):
        found = mecsim.simulate(scenario, "greedy", weights, episodes=6, seed=seed, show=False)
        [totals] = evaluate(named_policy("greedy", scenario), scenario, np.array([weights]), 6, seed)
        np.testing.assert_array_equal(found.quantities["delay_s"], totals[:, 0])
        np.testing.assert_array_equal(found.quantities["energy_j"], totals[:, 1])


def test_simulations_of_several_chunks_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = mecsim.simulate("personalized-cell", episodes=5, records=True, show=False)
    monkeypatch.setattr(import_module("mecsim.sweep.evaluate"), "EPISODES_AT_ONCE", 2)
    several = mecsim.simulate("personalized-cell", episodes=5, records=True, show=False)
    assert several.frame().equals(one.frame())
    assert all(several.records[name].equals(table) for name, table in one.records.items())
    assert one.records.keys() == {"requests", "cells"}


def test_a_simulation_needs_no_library_of_learning() -> None:
    loaded = imported_by("import mecsim; mecsim.simulate('quickstart', episodes=1, show=False).frame()")
    assert loaded.isdisjoint({"torch", "matplotlib", "tensorboard", "stable_baselines3", "pandas"})


# Notebooks, names


def test_results_show_themselves_in_notebooks(run: mecsim.Run, swept: mecsim.Sweep) -> None:
    for result in (run, swept, mecsim.choose(swept), mecsim.simulate(small_scenario(), episodes=3, show=False)):
        assert isinstance(result.figure(), Figure)
        assert result._repr_png_().startswith(b"\x89PNG")
        html = result._repr_html_()
        assert html.startswith("<img ")
        assert "<table" in html
        assert not html.count("http")


def test_a_run_without_an_epoch_shows_nothing(tmp_path: Path) -> None:
    new_run(tmp_path)
    empty = mecsim.Run.open(tmp_path)
    assert empty.frame().is_empty()
    assert "<img" in empty._repr_html_()


@pytest.mark.parametrize(
    "first", ["import mecsim.sweep", "from mecsim.sweep import Front", "mecsim.sweep", "mecsim.Sweep", "pass"]
)
def test_the_package_of_a_name_can_be_called_in_any_order(first: str) -> None:
    """`mecsim.sweep` is a package, and what `mecsim sweep` does."""
    code = f"""
import mecsim
{first}
found = mecsim.sweep("greedy", "quickstart", preferences=2, episodes=1, show=False)
from mecsim.sweep import sweep, preference_grid
import mecsim.sweep as package
assert isinstance(found, mecsim.Sweep) and package is mecsim.sweep and package.preference_grid is preference_grid
assert sweep is not package
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_temporary_folders_go_when_python_ends() -> None:
    code = """
import mecsim
print(mecsim.sweep("greedy", "quickstart", preferences=2, episodes=1, show=False).folder)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    folder = Path(done.stdout.strip())
    assert folder.name == "sweep-1"
    assert not folder.parent.exists()
