"""Runs of experiments: trained once, gone on with, and never taken for another."""

from pathlib import Path
from typing import Any

import pytest
import torch
from numpy.testing import assert_array_equal

from mecsim.core.scenario import Training
from mecsim.errors import RunError
from mecsim.studies.study import Study
from mecsim.studies.trained import trained
from mecsim.systems.offload.demand import Users
from mecsim.training import MultiRun, Run
from tests.training.small import SETTINGS, small_scenario

SCENARIO = small_scenario()
STEPS = 96


def train_into(folder: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {"scenario": SCENARIO, "steps": STEPS, "seed": 0, "settings": SETTINGS} | changes
    return trained(given.pop("scenario"), folder, **given)


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    return train_into(tmp_path / "run")


def test_a_run_is_trained_once(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.open(finished)
    assert run.finished
    assert (run.steps, run.seed, run.scenario) == (STEPS, 0, SCENARIO)
    monkeypatch.setattr("mecsim.report.watching.learn", None)  # would fail if it were called
    assert train_into(finished) == finished


def test_how_a_run_was_watched_and_described_does_not_matter(finished: Path) -> None:
    told = SCENARIO.model_copy(update={"description": "in other words", "training": Training(steps=5)})
    assert train_into(finished, scenario=told) == finished
    assert train_into(finished, settings=SETTINGS | {"evaluation_epochs": "7", "checkpoint_epochs": "9"}) == finished


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"steps": 2 * STEPS}, "steps 96, not 192"),
        ({"seed": 1}, "seed 0, not 1"),
        ({"settings": SETTINGS | {"batch_size": "8"}}, "batch_size 16, not 8"),
        ({"scenario": small_scenario(users=Users(count=4, arrival_rate_per_s=0.4))}, "another scenario"),
        ({"policies": 2}, "policies for 1 preferences, not 2"),
    ],
)
def test_another_run_is_refused(finished: Path, change: dict[str, Any], part: str) -> None:
    with pytest.raises(RunError, match=part) as caught:
        train_into(finished, **change)
    assert str(caught.value).startswith(str(finished))
    assert "\n" not in str(caught.value)


def test_what_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("precious")
    with pytest.raises(RunError, match="is in the way and not a run"):
        train_into(tmp_path / "run")


@pytest.mark.parametrize("policies", [None, 2])
def test_an_interrupted_training_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policies: int | None
) -> None:
    from mecsim_agents import DiscreteSAC

    whole = train_into(tmp_path / "whole", policies=policies)
    original, calls = DiscreteSAC.update, []

    def interrupted(agent: DiscreteSAC, *given: Any) -> Any:
        calls.append(agent)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return original(agent, *given)

    with monkeypatch.context() as patch:
        patch.setattr(DiscreteSAC, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_into(tmp_path / "run", policies=policies)
    resumed = train_into(tmp_path / "run", policies=policies)
    found = (path.relative_to(whole) for path in whole.rglob("metrics.csv"))
    names = sorted(path for path in found if "checkpoints" not in path.parts)  # which keep copies
    assert len(names) == (policies or 1)
    assert all((resumed / name).read_bytes() == (whole / name).read_bytes() for name in names)
    if policies:
        assert [run.finished for run in MultiRun.open(resumed).runs] == [True, True]


def test_seeds_are_trained_side_by_side_into_the_same_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one thread each: what workers train is what is trained without them."""
    alone = train_into(tmp_path / "alone", seed=4)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    study = Study(tmp_path, tmp_path / "runs", quick=False, seed=0, threads=2, workers=2)
    folders = study.trained_seeds(SCENARIO, {"first": 3, "second": 4}, STEPS, SETTINGS)
    assert [Run.open(Path(folder)).seed for folder in folders] == [3, 4]
    assert (tmp_path / "runs" / "second" / "metrics.csv").read_bytes() == (alone / "metrics.csv").read_bytes()
    monkeypatch.setattr("mecsim.cli.several.learn_side_by_side", None)  # would fail if it were called
    assert study.trained_seeds(SCENARIO, {"first": 3, "second": 4}, STEPS, SETTINGS) == folders


def test_fronts_are_the_same_on_several_workers(tmp_path: Path) -> None:
    one, two = (Study(tmp_path, tmp_path / str(workers), False, 0, 1, workers) for workers in (1, 2))
    for alone, spread in zip(
        *(study.fronts(["greedy", "random"], SCENARIO, 3, 4) for study in (one, two)), strict=True
    ):
        assert alone.target == spread.target
        assert_array_equal(alone.totals, spread.totals)
