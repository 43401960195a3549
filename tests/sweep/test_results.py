"""The folder of a sweep is read as it was written."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

from mecsim.errors import InputError
from mecsim.policies import calibrate
from mecsim.scenario import Scenario, load_scenario
from mecsim.sweep import Front, is_sweep, preference_grid, read_sweep, summary, sweep, write_results
from tests.training.small import small_scenario


def written(folder: Path, scenario: Scenario, targets: tuple[str, ...] = ("greedy", "random")) -> list[Front]:
    folder.mkdir(exist_ok=True)
    fronts = sweep(targets, scenario, preference_grid(len(scenario.objectives), 3), 4, seed=5)
    told = summary(fronts, fronts[0], scenario, calibrate(scenario), {"seed": 5})
    write_results(folder, fronts, scenario, told)
    return fronts


@pytest.mark.parametrize("scenario", [small_scenario(), load_scenario("personalized-quick")], ids=["offload", "cells"])
def test_what_is_written_is_read(tmp_path: Path, scenario: Scenario) -> None:
    fronts = written(tmp_path, scenario)
    found = read_sweep(str(tmp_path))
    assert (found.seed, found.folder, found.summary["episodes"]) == (5, tmp_path, 4)
    assert found.scenario.apart_from_texts() == scenario.apart_from_texts()
    assert_allclose(found.calibration.reference, calibrate(scenario).reference)
    assert_allclose(found.calibration.scale, calibrate(scenario).scale)
    for one, was in zip(found.fronts, fronts, strict=True):
        assert (one.target, one.trainings) == (was.target, ())
        assert np.array_equal(one.totals, was.totals)
        assert np.array_equal(one.preferences, was.preferences)
        assert one.quantities.keys() == was.quantities.keys()
        for kind in ("quantities", "tails", "options"):
            for name, values in getattr(was.details, kind).items():
                assert_allclose(getattr(one.details, kind)[name], values, rtol=1e-9)


def test_of_several_trainings_each_is_read(tmp_path: Path) -> None:
    scenario = small_scenario()
    one, two = written(tmp_path, scenario)
    both = Front.over("both", [one, two])
    write_results(tmp_path, [both], scenario, summary([both], one, scenario, calibrate(scenario), {"seed": 5}))
    (found,) = read_sweep(tmp_path).fronts
    assert [each.target for each in found.trainings] == ["greedy", "random"]
    assert_allclose(found.totals, both.totals)
    assert np.array_equal(found.trainings[1].totals, two.totals)


def test_outside_programs_find_every_episode(tmp_path: Path) -> None:
    fronts = written(tmp_path, small_scenario())
    table = pl.read_parquet(tmp_path / "episodes.parquet")
    assert table.columns[:8] == [
        "target", "training", "preference", "episode",
        "preference_delay", "cost_delay", "preference_energy", "cost_energy",
    ]  # fmt: skip
    row = table.row(
        by_predicate=(pl.col("target") == "random") & (pl.col("preference") == 1) & (pl.col("episode") == 3), named=True
    )
    assert row["cost_energy"] == fronts[1].totals[1, 3, 1]
    assert row["tasks"] == fronts[1].quantities["tasks"][1, 3]


def test_a_target_goes_by_its_name_or_label(tmp_path: Path) -> None:
    written(tmp_path, small_scenario())
    assert read_sweep(tmp_path).front("random").target == "random"
    with pytest.raises(InputError, match="has no target 'cloud', but greedy, random"):
        read_sweep(tmp_path).front("cloud")


def test_what_is_no_finished_sweep_is_refused_in_a_line(tmp_path: Path) -> None:
    assert not is_sweep(tmp_path)
    with pytest.raises(InputError, match="is no finished sweep; make one with"):
        read_sweep(tmp_path)
    written(tmp_path, small_scenario())
    (tmp_path / "episodes.parquet").unlink()
    with pytest.raises(InputError, match=r"has no episodes.parquet"):
        read_sweep(tmp_path)


@pytest.mark.parametrize("file", ["episodes.parquet", "front.csv", "summary.json", "options.csv", "scenario.yaml"])
def test_a_damaged_file_is_one_line(tmp_path: Path, file: str) -> None:
    written(tmp_path, small_scenario())
    (tmp_path / file).write_text("junk")
    with pytest.raises(InputError) as error:
        read_sweep(tmp_path)
    assert "\n" not in str(error.value)


def test_a_summary_without_its_keys_is_damaged(tmp_path: Path) -> None:
    written(tmp_path, small_scenario())
    told = json.loads((tmp_path / "summary.json").read_text())
    del told["objective_scale"]
    (tmp_path / "summary.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="is damaged"):
        read_sweep(tmp_path)
