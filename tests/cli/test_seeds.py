"""mecsim train --seeds: the job, its interruption, and what a sweep says of its trainings."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mecsim_agents import DiscreteSAC
from numpy.testing import assert_allclose

from mecsim.sweep import half_width_95
from mecsim.training import Run
from tests.cli.conftest import Command

from .conftest import SET, finished_job, rows_of, snapshot

ONE = ("--steps", 64, "--num-threads", 1, *SET)
JOB = ("--seeds", 3, "--seed", 5, *ONE)
NAMES = ["seed-05", "seed-06", "seed-07"]
SWEPT = ("--preferences", 5, "--episodes", 3, "--num-threads", 1)


def bytes_of(run: Path) -> dict[str, bytes]:
    """What was trained in a run, apart from the command and from events with their times."""
    names = ("config.yaml", "scenario.yaml", "metrics.csv", "agent.safetensors", "replay.safetensors", "state.json")
    found = {name: path.read_bytes() for name in names for path in sorted(run.rglob(name))}
    assert set(found) == set(names)
    return found


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished job's folder, not to be changed."""
    return finished_job(tmp_path_factory.mktemp("seeds"), *JOB)


@pytest.fixture
def job_folder(seeds: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return shutil.copytree(seeds, tmp_path / "job")


def test_each_seed_is_the_run_of_that_seed(mecsim: Command, small: Path, seeds: Path, tmp_path: Path) -> None:
    assert sorted(path.name for path in seeds.iterdir()) == [*NAMES, "seeds.yaml"]
    index = yaml.safe_load((seeds / "seeds.yaml").read_text())
    assert index["mecsim_seeds"] == 1
    assert index["seeds"] == dict(zip(NAMES, [5, 6, 7], strict=True))
    assert mecsim("train", small, "--out", "alone", "--seed", 6, *ONE).code == 0
    assert bytes_of(tmp_path / "alone") == bytes_of(seeds / "seed-06")
    assert bytes_of(seeds / "seed-05")["metrics.csv"] != bytes_of(seeds / "seed-06")["metrics.csv"]


def test_progress_and_the_next_command_are_told(mecsim: Command, small: Path) -> None:
    said = mecsim("train", small, "--out", "job", "--seeds", 2, *ONE)
    assert said.code == 0, said.err
    assert "mecsim sweep job greedy" in said.out
    assert all(f"training {number} of 2: hypervolume" in said.err for number in (1, 2))


def test_an_interrupted_job_goes_on_where_it_was(
    mecsim: Command, small: Path, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, agents = DiscreteSAC.update, []

    def interrupted(agent: DiscreteSAC, *given: Any) -> Any:
        if agent not in agents:
            agents.append(agent)
        if len(agents) == 2 and agent.updates == 1:
            raise KeyboardInterrupt
        return original(agent, *given)

    with monkeypatch.context() as patch:
        patch.setattr(DiscreteSAC, "update", interrupted)
        said = mecsim("train", small, "--out", "job", *JOB)
    assert said.code == 130
    assert said.err.splitlines()[-1].endswith(" with: mecsim train --resume --out job")
    first = snapshot(tmp_path / "job" / "seed-05")
    assert mecsim("train", "--resume", "--out", "job").code == 0
    assert snapshot(tmp_path / "job" / "seed-05") == first
    assert [bytes_of(tmp_path / "job" / name) for name in NAMES] == [bytes_of(seeds / name) for name in NAMES]


@pytest.mark.parametrize("other", [ONE, ("--multi-policy", 2, *ONE), ("--seeds", 2, "--seed", 6, *ONE)])
def test_force_replaces_runs_of_any_kind(
    mecsim: Command, refused: Command, small: Path, job_folder: Path, other: tuple[object, ...]
) -> None:
    assert "is not empty" in refused("train", small, "--out", "job", *other).err
    (job_folder / "seed-05-notes.txt").write_text("precious")
    assert mecsim("train", small, "--out", "job", *other, "--force").code == 0
    several = {"--multi-policy": {"policies.yaml", "policy-00", "policy-01"}, "--seeds": {"seeds.yaml", *NAMES[1:]}}
    left = several.get(str(other[0]), set(Run.OWN_ENTRIES) - {Run.TRACKED, Run.FAILURE})
    assert {path.name for path in job_folder.iterdir()} == {*left, "seed-05-notes.txt"}
    assert mecsim("train", small, "--out", "job", *JOB, "--force").code == 0
    assert {path.name for path in job_folder.iterdir()} == {"seeds.yaml", *NAMES, "seed-05-notes.txt"}


def test_what_is_named_like_a_seed_in_another_run_is_left_alone(
    mecsim: Command, small: Path, run_folder: Path, seeds: Path
) -> None:
    shutil.copytree(seeds / "seed-05", run_folder / "seed-05")
    before = snapshot(run_folder / "seed-05")
    assert mecsim("train", small, "--out", run_folder, *ONE, "--force").code == 0
    assert snapshot(run_folder / "seed-05") == before


@pytest.mark.parametrize("count", ["1", "0", "-3", "many", "2.5", "1001"])
def test_a_number_of_seeds_that_cannot_be(refused: Command, small: Path, count: str) -> None:
    assert "seeds" in refused("train", small, "--out", "new", "--seeds", count, *SET).err


def test_settings_that_contradict_several_seeds(refused: Command, small: Path, job_folder: Path) -> None:
    several = ("train", small, "--out", "new", "--seeds", 3, *SET)
    assert "--seeds and --multi-policy: give one of them" in refused(*several, "--multi-policy", 2).err
    assert "the last of 3 seeds would be" in refused(*several, "--seed", 2**63 - 2).err
    assert "--resume goes on with" in refused("train", "--resume", "--out", job_folder, "--seed", 4).err


def test_commands_for_one_policy_name_the_cure(refused: Command, small: Path, job_folder: Path) -> None:
    told = "mecsim: job: holds a policy for each of several seeds; "
    played = refused("simulate", small, "--policy", "job", "--out", "new")
    assert played.err == f"{told}name one, such as job/seed-05\n"
    assert refused("export", "job").err == f"{told}export one, such as job/seed-05\n"


def test_a_job_that_is_not_finished_is_not_swept(
    mecsim: Command, refused: Command, small: Path, job_folder: Path
) -> None:
    shutil.rmtree(job_folder / "seed-06" / "checkpoints")
    said = refused("sweep", "job", "greedy", *SWEPT, "--out", "new")
    assert said.err == (
        "mecsim: job/seed-06: is not trained to its end; first go on with mecsim train --resume --out job\n"
    )
    assert mecsim("sweep", "job/seed-05", *SWEPT, "--out", "new").code == 0


@pytest.fixture(scope="session")
def swept(seeds: Path) -> Path:
    """A sweep of the job, of one of its runs and of greedy, not to be changed."""
    from mecsim.cli import main

    out = seeds.parent / "front"
    targets = (seeds, seeds / "seed-06", "greedy")
    with pytest.raises(SystemExit) as caught:
        main([str(part) for part in ("sweep", *targets, *SWEPT, "--workers", 1, "--out", out)])
    assert caught.value.code == 0
    return out


def test_a_sweep_shows_the_mean_and_how_much_trainings_differ(
    mecsim: Command, seeds: Path, swept: Path, tmp_path: Path
) -> None:
    assert mecsim("sweep", *(seeds / name for name in NAMES), *SWEPT, "--out", "apart").code == 0
    rows, apart = rows_of(swept / "front.csv"), rows_of(tmp_path / "apart" / "front.csv")
    for column in ("delay", "energy"):
        each = np.array([float(row[f"{column}_mean"]) for row in apart]).reshape(3, 5)
        assert_allclose([float(row[f"{column}_mean"]) for row in rows[:5]], each.mean(axis=0), rtol=1e-8)
        found = [float(row[f"{column}_trainings_ci95"]) for row in rows[:5]]
        assert_allclose(found, half_width_95(each), rtol=1e-5, atol=1e-6)
        assert max(found) > 0.0
    assert [row["trainings"] for row in rows] == ["3"] * 5 + [""] * 10
    assert {row["delay_trainings_ci95"] for row in rows[5:]} == {""}
    assert rows[5]["delay_mean"] == apart[5]["delay_mean"]

    told = json.loads((swept / "summary.json").read_text())["targets"]
    alone = json.loads((tmp_path / "apart" / "summary.json").read_text())["targets"]
    job, one, greedy = told.values()
    assert list(job["trainings"]) == NAMES
    for name in ("hypervolume", "mean_cost", "expected_utility", "mean_cost_ratio_to_greedy"):
        each = np.array([alone[str(seeds / run)][name] for run in NAMES])
        assert [job["trainings"][run][name] for run in NAMES] == each.tolist()
        assert job[name] == pytest.approx(each.mean())
        assert job[f"{name}_trainings_ci95"] == pytest.approx(float(half_width_95(each)))
        assert one[f"{name}_trainings_ci95"] is greedy[f"{name}_trainings_ci95"] is None
    assert one["trainings"] is greedy["trainings"] is None


def test_a_sweep_of_a_job_does_not_depend_on_the_workers(
    mecsim: Command, seeds: Path, swept: Path, tmp_path: Path
) -> None:
    targets = (seeds, seeds / "seed-06", "greedy")
    assert mecsim("sweep", *targets, *SWEPT, "--workers", 2, "--out", "by-2").code == 0
    assert (tmp_path / "by-2" / "front.csv").read_bytes() == (swept / "front.csv").read_bytes()


def test_a_swept_job_is_not_played_again(
    mecsim: Command, refused: Command, job_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("sweep", "job", *SWEPT, "--workers", 1, "--out", "front")
    first = mecsim(*arguments, "--json").content["targets"]
    monkeypatch.setattr(sys.modules["mecsim.sweep.evaluate"], "measure", None)  # would fail if it were called
    assert mecsim(*arguments, "--resume", "--json").content["targets"] == first
    assert mecsim("train", "--resume", "--out", "job", "--steps", 96).code == 0
    assert "job has changed since the sweep there began" in refused(*arguments, "--resume").err


def test_a_damaged_job_is_refused_by_every_command(refused: Command, small: Path, job_folder: Path) -> None:
    (job_folder / "seeds.yaml").write_text("mecsim_seeds: 7\n")
    for arguments in (
        ("simulate", small, "--policy", job_folder, "--out", "new"),
        ("sweep", job_folder, "--out", "new"),
        ("export", job_folder),
        ("train", "--resume", "--out", job_folder),
    ):
        assert "seeds.yaml: format 7" in refused(*arguments).err


def test_seeds_can_be_added_to_a_finished_job(mecsim: Command, small: Path, job_folder: Path, tmp_path: Path) -> None:
    before = {name: bytes_of(job_folder / name) for name in NAMES}
    said = mecsim("train", "--resume", "--out", job_folder, "--seeds", 4)
    assert said.code == 0, said.err
    assert {name: bytes_of(job_folder / name) for name in NAMES} == before
    assert yaml.safe_load((job_folder / "seeds.yaml").read_text())["seeds"]["seed-08"] == 8
    assert mecsim("train", small, "--out", "alone", "--seed", 8, *ONE).code == 0
    assert bytes_of(tmp_path / "alone") == bytes_of(job_folder / "seed-08")
    assert mecsim("sweep", job_folder, "greedy", "--out", "swept", *SWEPT).code == 0


def test_no_seeds_are_taken_away_nor_added_to_what_has_none(
    refused: Command, job_folder: Path, run_folder: Path
) -> None:
    assert "holds 3 trainings already" in refused("train", "--resume", "--out", job_folder, "--seeds", 2).err
    assert "holds a single run" in refused("train", "--resume", "--out", run_folder, "--seeds", 2).err
