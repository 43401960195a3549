"""mecsim train --multi-policy: the job, its interruption, and its folder in the place of a run."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mecsim_agents import DiscreteSAC

from mecsim.training import MultiRun, Run
from tests.cli.conftest import Command
from tests.training.small import scenario_file, small_scenario

from .conftest import SET, finished_job, rows_of, snapshot
from .test_failures import PROGRAM, wait_for

JOB = ("--multi-policy", 3, "--steps", 64, "--num-threads", 1, *SET)


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished job's folder, not to be changed."""
    return finished_job(tmp_path_factory.mktemp("several"), *JOB)


@pytest.fixture
def job_folder(several: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return shutil.copytree(several, tmp_path / "job")


def test_the_job_leaves_a_run_for_each_preference(mecsim: Command, small: Path, tmp_path: Path) -> None:
    said = mecsim("train", small, "--out", "job", "--seed", 5, *JOB)
    assert said.code == 0, said.err
    assert "mecsim sweep job greedy" in said.out
    assert all(f"policy {number} of 3: hypervolume" in said.err for number in (1, 2, 3))
    names = ["policy-00", "policy-01", "policy-02"]
    assert sorted(path.name for path in (tmp_path / "job").iterdir()) == ["policies.yaml", *names]
    index = yaml.safe_load((tmp_path / "job" / "policies.yaml").read_text())
    assert index["mecsim_policies"] == 1
    assert index["policies"] == dict(zip(names, [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]], strict=True))
    for run in MultiRun.open(tmp_path / "job").runs:
        assert {path.name for path in run.folder.iterdir()} == set(Run.OWN_ENTRIES) - {Run.TRACKED, Run.FAILURE}
        assert (run.steps, run.seed, run.threads, run.latest_env_steps()) == (64, 5, 1, 64)
        assert run.scenario == small_scenario()


def test_what_is_measured_in_training_is_the_cost_at_the_own_preference(
    mecsim: Command, small: Path, several: Path, tmp_path: Path
) -> None:
    """On its evaluation tapes policy-02 weighs nothing but delay, so cost times scale is the front's delay."""
    settings = [*SET, "--set", "preference=[1, 0]"]
    arguments = ("--steps", 64, "--num-threads", 1, *settings)
    assert mecsim("train", small, "--out", "alone", *arguments).code == 0
    alone = rows_of(tmp_path / "alone" / "metrics.csv")
    assert alone == rows_of(several / "policy-02" / "metrics.csv")  # a policy is an ordinary run of one preference
    others = [rows_of(several / f"policy-0{index}" / "metrics.csv")[-1]["mean_cost"] for index in (0, 1)]
    assert alone[-1]["mean_cost"] not in others


@pytest.mark.parametrize(("policy", "update"), [(0, 0), (1, 3), (2, 1)])
def test_an_interrupted_job_goes_on_where_it_was(
    mecsim: Command,
    small: Path,
    several: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    policy: int,
    update: int,
) -> None:
    original, agents = DiscreteSAC.update, []

    def interrupted(agent: DiscreteSAC, *given: Any) -> Any:
        if agent not in agents:
            agents.append(agent)
        if len(agents) == policy + 1 and agent.updates == update:
            raise KeyboardInterrupt
        return original(agent, *given)

    with monkeypatch.context() as patch:
        patch.setattr(DiscreteSAC, "update", interrupted)
        said = mecsim("train", small, "--out", "job", *JOB)
    assert said.code == 130
    lines = [line for line in said.err.splitlines() if line]
    assert lines[-1].startswith("interrupted ")
    assert lines[-1].endswith(" with: mecsim train --resume --out job")
    finished = [snapshot(tmp_path / "job" / f"policy-0{index}") for index in range(policy)]
    resumed = mecsim("train", "--resume", "--out", "job")
    assert resumed.code == 0, resumed.err
    for index, before in enumerate(finished):
        assert snapshot(tmp_path / "job" / f"policy-0{index}") == before
    for index in range(3):
        name = f"policy-0{index}/metrics.csv"
        assert (tmp_path / "job" / name).read_bytes() == (several / name).read_bytes()


def test_a_finished_job_is_resumed_without_effect(mecsim: Command, job_folder: Path) -> None:
    before = snapshot(job_folder)
    assert mecsim("train", "--resume", "--out", job_folder).code == 0
    assert snapshot(job_folder) == before


def test_processes_train_the_same_policies(mecsim: Command, small: Path, several: Path, tmp_path: Path) -> None:
    job = [*JOB]
    job[job.index("--num-threads") + 1] = 2
    said = mecsim("train", small, "--out", "job", *job, "--workers", 2)
    assert said.code == 0, said.err
    assert any(line.endswith("is trained, 3 of 3") for line in said.err.splitlines())
    for index in range(3):
        name = f"policy-0{index}/metrics.csv"
        assert (tmp_path / "job" / name).read_bytes() == (several / name).read_bytes()


def test_a_process_that_fails_says_why(mecsim: Command, job_folder: Path) -> None:
    shutil.rmtree(job_folder / "policy-00" / "checkpoints")
    for path in (job_folder / "policy-01").rglob("metrics.csv"):
        path.write_bytes(b"\xff junk")
    said = mecsim("train", "--resume", "--out", job_folder, "--steps", 128, "--workers", 3)
    assert said.code == 2
    assert "policy-01" in said.err.splitlines()[-1]
    assert "metrics.csv: damaged: " in said.err.splitlines()[-1]
    assert "Traceback" not in said.err


def test_ctrl_c_ends_all_processes(small: Path, tmp_path: Path) -> None:
    job = [*JOB]
    job[job.index("--steps") + 1] = 10**9
    arguments = ("train", small, "--out", "job", *job, "--workers", 2)
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: len([*(tmp_path / "job").glob("policy-0*/checkpoints/*/state.json")]) >= 2, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    note, last = [line for line in err.splitlines() if line and not line.startswith("warning: 1.2 tasks")]
    assert note.startswith("stopping at the end of this epoch")
    runs = MultiRun.open(tmp_path / "job").runs
    done = [run.latest_env_steps() for run in runs if run.has_checkpoint()]
    assert all(run.read_metrics(10**9)[-1]["env_steps"] == steps for run, steps in zip(runs, done, strict=False))
    again = "go on with: mecsim train --resume --out job --workers 2"
    assert last == f"interrupted after {sum(done):,} of 3,000,000,000 steps; {again}"
    before = snapshot(tmp_path / "job")
    time.sleep(1.0)  # dozens of epochs, were any process alive
    assert snapshot(tmp_path / "job") == before


def test_a_job_can_be_made_longer(mecsim: Command, refused: Command, job_folder: Path) -> None:
    runs = MultiRun.open(job_folder).runs
    done = [run.latest_env_steps() for run in runs]
    assert len({*done}) == 1
    assert (
        f"was trained for {done[0]} steps already"
        in refused("train", "--resume", "--out", job_folder, "--steps", done[0] - 1).err
    )
    epoch = runs[0].config.num_envs * runs[0].scenario.steps
    said = mecsim("train", "--resume", "--out", job_folder, "--steps", done[0] + epoch)
    assert said.code == 0, said.err
    assert [run.latest_env_steps() for run in MultiRun.open(job_folder).runs] == [steps + epoch for steps in done]


def test_it_is_swept_and_played_like_a_run(mecsim: Command, small: Path, job_folder: Path, tmp_path: Path) -> None:
    arguments = ("--preferences", 5, "--episodes", 3)
    swept = mecsim("sweep", job_folder, job_folder / "policy-01", *arguments, "--out", "out")
    assert swept.code == 0, swept.err
    rows = rows_of(tmp_path / "out" / "front.csv")
    assert [row["target"] for row in rows] == [str(job_folder)] * 5 + [str(job_folder / "policy-01")] * 5
    points = [(row["delay_mean"], row["energy_mean"]) for row in rows]
    assert points[2] == points[3]  # both nearest to even weights
    assert set(points[5:]) == {points[2]}  # the run of one preference plays for that one
    assert points[0] == points[1] != points[4]
    played = mecsim("simulate", small, "--policy", job_folder, "--preference", "0.9,0.1", "--episodes", 3, "--json")
    assert played.content["per_episode"]["delay_s"]["mean"] == pytest.approx(float(points[4][0]))


def test_it_is_swept_by_several_processes(mecsim: Command, job_folder: Path, tmp_path: Path) -> None:
    arguments = ("sweep", job_folder, "--preferences", 5, "--episodes", 2, "--num-threads", 2)
    for workers in (1, 2):
        assert mecsim(*arguments, "--workers", workers, "--out", f"by-{workers}").code == 0
    assert (tmp_path / "by-1" / "front.csv").read_bytes() == (tmp_path / "by-2" / "front.csv").read_bytes()


@pytest.mark.parametrize("first", [True, False])
def test_force_replaces_a_run_by_several_and_back(
    mecsim: Command, refused: Command, small: Path, tmp_path: Path, first: bool
) -> None:
    several, one = JOB, JOB[2:]
    before, after = (several, one) if first else (one, several)
    assert mecsim("train", small, "--out", "out", *before).code == 0
    assert "is not empty" in refused("train", small, "--out", "out", *after).err
    (tmp_path / "out" / "notes.txt").write_text("precious")
    assert mecsim("train", small, "--out", "out", *after, "--force").code == 0
    names = (
        set(Run.OWN_ENTRIES) - {Run.TRACKED, Run.FAILURE}
        if first
        else {"policies.yaml", "policy-00", "policy-01", "policy-02"}
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*names, "notes.txt"}


@pytest.mark.parametrize("count", ["1", "0", "-3", "many", "2.5", str(10**12)])
def test_a_number_of_policies_that_cannot_be(refused: Command, small: Path, count: str) -> None:
    assert "--multi-policy" in refused("train", small, "--out", "new", "--multi-policy", count, *SET).err


def test_more_policies_than_are_allowed(refused: Command, small: Path) -> None:
    assert (
        "1001 is not in the range 2<=x<=1000"
        in refused("train", small, "--out", "new", "--multi-policy", 1001, *SET).err
    )


def test_settings_that_contradict_several_policies(refused: Command, small: Path, tmp_path: Path) -> None:
    several = ("--out", "new", "--multi-policy", 3, *SET)
    assert "leave out --set preference" in refused("train", small, *several, "--set", "preference=[0.5, 0.5]").err
    assert "weight for each of delay" in refused("train", small, "--out", "new", "--set", "preference=[1]").err
    assert "--multi-policy K" in refused("train", small, "--out", "new", "--workers", 2, *SET).err
    (tmp_path / "one").mkdir()
    alone = scenario_file(tmp_path / "one", small_scenario(objectives=("delay",)))
    assert "single objective" in refused("train", alone, *several).err


@pytest.mark.parametrize(
    "extra", [("gmorl",), ("--context", "edges=2"), ("--seed", "0"), ("--set", "num_envs=3"), ("--multi-policy", "3")]
)
def test_resume_takes_no_other_settings(refused: Command, job_folder: Path, extra: tuple[str, ...]) -> None:
    assert "--resume goes on with the run as it is" in refused("train", "--resume", "--out", job_folder, *extra).err


def test_a_run_of_one_policy_has_no_workers(refused: Command, run_folder: Path) -> None:
    assert "--workers" in refused("train", "--resume", "--out", run_folder, "--workers", 2).err


def test_a_damaged_job_is_refused_by_every_command(refused: Command, small: Path, job_folder: Path) -> None:
    (job_folder / "policies.yaml").write_text("mecsim_policies: 7\n")
    for arguments in (
        ("simulate", small, "--policy", job_folder, "--out", "new"),
        ("sweep", job_folder, "--out", "new"),
        ("train", "--resume", "--out", job_folder),
    ):
        assert "policies.yaml: format 7" in refused(*arguments).err


def test_a_padded_policy_is_not_played_with_more_servers(mecsim: Command, refused: Command, small: Path) -> None:
    arguments = ("--steps", 64, "--num-threads", 1, *SET, "--set", "architecture=padded")
    assert mecsim("train", small, "--out", "padded", *arguments).code == 0
    played = ("simulate", small, "--policy", "padded", "--episodes", 2, "--json")
    assert np.isfinite(mecsim(*played, "--context", "edges=1").content["per_episode"]["delay_s"]["mean"])
    assert "at most 3, got 5; train with as many" in refused(*played, "--context", "edges=4").err
