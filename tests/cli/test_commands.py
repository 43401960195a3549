"""Every command does what it says, with tiny settings."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mecsim_agents import DiscreteSAC, DoubleDQN
from mecsim_agents.values.config import ValueConfig

import mecsim as package
from mecsim.cli import COMMANDS
from mecsim.policies import named_policy
from mecsim.scenario import builtin_names, load_scenario, with_context
from mecsim.sweep import evaluate
from mecsim.sweep.results import RESULT_FILES
from mecsim.training import Run
from tests.cli.conftest import Command
from tests.training.small import scenario_file, small_scenario

from .conftest import SET, rows_of, snapshot

WITH_INTERVALS = {"hypervolume", "mean_cost", "expected_utility", "mean_cost_ratio_to_greedy"}
INTERVALS = {f"{name}_{over}" for name in WITH_INTERVALS for over in ("ci95", "trainings_ci95")}
QUALITIES = WITH_INTERVALS | INTERVALS | {"igd_plus", "cardinality", "differences", "trainings"}


def test_version_and_help(mecsim: Command) -> None:
    assert package.__version__ in mecsim("--version").out
    for said in (mecsim("--help"), mecsim("-h")):
        assert said.code == 0
        assert said.err == ""
        assert all(name in said.out for name in COMMANDS)
    alone = mecsim()
    assert (alone.code, alone.err) == (0, "")
    assert "mecsim train quickstart" in alone.out


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(mecsim: Command, name: str) -> None:
    said = mecsim(name, "--help")
    assert said.code == 0
    assert f"Usage: mecsim {name}" in said.out


def test_scenarios_are_listed(mecsim: Command) -> None:
    said = mecsim("scenarios")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines() if line[0] != " "] == list(builtin_names())
    assert mecsim("scenarios", "--json").content == builtin_names()


def test_init_writes_a_scenario_that_is_valid(mecsim: Command, tmp_path: Path) -> None:
    said = mecsim("init", "mine", "--kind", "offload")
    assert said.code == 0
    assert "mine.yaml" in said.out
    assert load_scenario(tmp_path / "mine.yaml").description == "My scenario"
    again = mecsim("validate", "mine.yaml")
    assert (again.code, again.err) == (0, "")
    assert "mine.yaml: valid" in again.out
    assert mecsim("validate", "mine.yaml", "gmorl", "--json").content == {"valid": True, "problems": []}


def test_init_replaces_a_file_only_by_force(mecsim: Command, refused: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious")
    assert "exists already" in refused("init", "mine.yaml").err
    assert mecsim("init", "mine.yaml", "--force").code == 0
    assert "kind: offload" in (tmp_path / "mine.yaml").read_text()


def test_validate_prints_a_line_per_problem_of_every_file(mecsim: Command, small: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("mecsim: 1\nkind: offload\nepisode: {steps: 0}\nusers: {count: many}\n")
    said = mecsim("validate", wrong, small, "absent")
    assert said.code == 2
    assert [line.split(": ")[0] for line in said.err.splitlines()] == [f"{wrong}:3", f"{wrong}:4", "absent"]
    told, remark = said.out.split("; ", maxsplit=1)
    assert told == f"{small}: valid"
    assert remark.startswith("1.2 tasks arrive in a step, which dispatches one: in the long run 17% of them are never")
    as_json = mecsim("validate", wrong, small, "--json")
    assert as_json.code == 2
    assert as_json.err == ""
    assert not as_json.content["valid"]
    assert as_json.content["problems"] == said.err.splitlines()[:2]


def test_schema_is_json(mecsim: Command) -> None:
    assert [part["type"] for part in mecsim("schema").content["anyOf"]] == ["object", "object"]


@pytest.mark.parametrize("policy", ["greedy", "random", "cloud", "edge"])
def test_simulate_prints_a_table(mecsim: Command, small: Path, policy: str) -> None:
    said = mecsim("simulate", small, "--policy", policy, "--episodes", 3, "--seed", 4)
    assert said.code == 0
    assert all(line.startswith("warning: ") for line in said.err.splitlines())  # of tasks that were left
    assert "total delay (s)" in said.out
    assert "±" in said.out


def test_simulate_writes_its_files(mecsim: Command, small: Path, tmp_path: Path) -> None:
    arguments = ("simulate", small, "--policy", "greedy", "--preference", "0.3,0.7", "--episodes", 3)
    said = mecsim(*arguments, "--out", "out", "--context", "edges=3", "--num-threads", 1)
    assert said.code == 0
    names = {"tasks.csv", "servers.csv", "waiting.csv", "scenario.yaml", "summary.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    played = load_scenario(tmp_path / "out" / "scenario.yaml")
    assert played == with_context(load_scenario(small), {"edges": "3"})
    assert len(rows_of(tmp_path / "out" / "servers.csv")) == 3 * 4
    tasks = rows_of(tmp_path / "out" / "tasks.csv")
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert told["preference"] == {"delay": 0.3, "energy": 0.7}
    assert (told["policy"], told["episodes"], told["seed"], told["engine"]) == ("greedy", 3, 0, "batched")
    assert {"versions", "git_revision", "wall_time_s"} <= told.keys()
    assert told["per_episode"]["delay_s"]["mean"] == pytest.approx(sum(float(row["delay_s"]) for row in tasks) / 3)


def test_simulate_plays_what_is_asked_for(mecsim: Command, small: Path) -> None:
    """The preference in the order of the objectives, the episodes of the seed."""
    scenario = small_scenario()
    for weights, seed in ((("0.95", "0.05"), 3), (("0.05", "0.95"), 4)):
        told = mecsim("simulate", small, "--preference", ",".join(weights), "--episodes", 5, "--seed", seed, "--json")
        wanted = np.array([weights], np.float64)
        [totals] = evaluate(named_policy("greedy", scenario), scenario, wanted, 5, seed)
        means = [told.content["per_episode"][name]["mean"] for name in ("delay_s", "energy_j")]
        assert means == pytest.approx(totals.mean(axis=0).tolist())


def test_simulate_on_both_engines_is_the_same(mecsim: Command, small: Path, tmp_path: Path) -> None:
    for engine in ("simpy", "batched"):
        arguments = ("--policy", "greedy", "--episodes", 3, "--engine", engine, "--out", engine)
        assert mecsim("simulate", small, *arguments).code == 0
    one, other = (rows_of(tmp_path / engine / "tasks.csv") for engine in ("simpy", "batched"))
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        assert all(float(a[key]) == pytest.approx(float(b[key]), rel=1e-9) for key in a)


def test_simulate_is_the_same_on_any_number_of_workers(
    mecsim: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks are the same, whoever plays them, and files are put together in their order."""
    monkeypatch.setattr(import_module("mecsim.sweep.evaluate"), "EPISODES_AT_ONCE", 2)
    found = []
    for workers in (1, 2, 5):
        out = tmp_path / str(workers)
        assert (
            mecsim("simulate", small, "--policy", "random", "--episodes", 5, "--workers", workers, "--out", out).code
            == 0
        )
        told = json.loads((out / "summary.json").read_text())
        assert told["workers"] == min(workers, 3), "of no more use than there are chunks"
        found.append((told["per_episode"], *((out / name).read_bytes() for name in ("tasks.csv", "servers.csv"))))
    assert found[0] == found[1] == found[2]
    assert [row["episode"] for row in rows_of(tmp_path / "1" / "servers.csv")] == [
        str(e) for e in range(5) for _ in "012"
    ]


def test_simulate_prints_json_only(mecsim: Command, small: Path, run_folder: Path) -> None:
    said = mecsim("simulate", small, "--policy", run_folder, "--episodes", 1, "--json", "--out", "out")
    assert said.content["policy"] == str(run_folder)
    assert said.content["per_episode"]["delay_s"]["ci95"] is None


def test_a_scenario_without_tasks_can_be_played_and_swept(mecsim: Command, tmp_path: Path) -> None:
    (tmp_path / "idle.yaml").write_text(
        "mecsim: 1\nkind: offload\nepisode: {steps: 5}\nusers: {arrival_rate: 0 /s}\ntasks: {size: {mean: 5 Mbit}}\n"
    )
    assert "nan" not in mecsim("simulate", "idle.yaml", "--episodes", 2).out
    assert mecsim("simulate", "idle.yaml", "--episodes", 2, "--json").content["per_episode"]
    swept = mecsim(
        "sweep", "random", "--scenario", "idle.yaml", "--episodes", 2, "--preferences", 2, "--out", "s", "--json"
    )
    assert swept.content["targets"]["random"]["mean_cost"] == 0.0


def test_train_leaves_a_run(mecsim: Command, small: Path, tmp_path: Path) -> None:
    said = mecsim("train", small, "--out", "run", "--steps", 64, "--seed", 5, "--num-threads", 1, *SET)
    assert said.code == 0, said.err
    assert "mecsim sweep run greedy" in said.out
    assert "hypervolume" in said.err  # progress, in plain lines where there is no terminal
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == set(Run.OWN_ENTRIES) - {Run.TRACKED, Run.FAILURE}
    run = Run.open(folder)
    assert isinstance(run.config.agent, ValueConfig)
    assert (run.steps, run.seed, run.config.num_envs, run.config.agent.encoder_sizes) == (64, 5, 4, (8,))
    assert run.scenario == small_scenario()
    assert run.latest_env_steps() == 64
    assert len(rows_of(folder / "metrics.csv")) == 2


def test_the_scenario_says_how_long_to_train(mecsim: Command, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "mecsim: 1\nkind: offload\nepisode: {steps: 4}\ntraining: {steps: 48}\n"
        "observation: {histogram: {bins: 2, width: 1 Mbit}}\nservers: {edge: {count: 1}}\n"
    )
    assert mecsim("train", "x.yaml", "--out", "run", *SET).code == 0
    assert Run.open(tmp_path / "run").latest_env_steps() == 48


def test_a_run_is_trained_with_the_same_seed_to_the_same_metrics(mecsim: Command, small: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert mecsim("train", small, "--out", name, "--steps", 96, "--num-threads", 1, *SET).code == 0
    assert (tmp_path / "a" / "metrics.csv").read_bytes() == (tmp_path / "b" / "metrics.csv").read_bytes()


@pytest.mark.parametrize("update", [0, 5, 9])
def test_an_interrupted_training_can_be_resumed(
    mecsim: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: int
) -> None:
    arguments = ("--steps", 160, "--num-threads", 1, *SET)
    assert mecsim("train", small, "--out", "whole", *arguments).code == 0
    original = DiscreteSAC.update

    def interrupted(agent: DiscreteSAC, *given: Any) -> Any:
        if agent.updates == update:
            raise KeyboardInterrupt
        return original(agent, *given)

    with monkeypatch.context() as patch:
        patch.setattr(DiscreteSAC, "update", interrupted)
        said = mecsim("train", small, "--out", "run", *arguments)
    assert said.code == 130
    assert said.err.splitlines()[-1].endswith(" with: mecsim train --resume --out run")
    resumed = mecsim("train", "--resume", "--out", "run", "--num-threads", 1)
    assert resumed.code == 0, resumed.err
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()


def test_another_agent_is_trained_resumed_swept_and_exported(
    mecsim: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--agent", "double-dqn", "--steps", 160, "--num-threads", 1, *SET)
    assert mecsim("train", small, "--out", "whole", *arguments).code == 0
    original = DoubleDQN.update

    def interrupted(agent: DiscreteSAC, *given: Any) -> Any:
        if agent.updates == 5:
            raise KeyboardInterrupt
        return original(agent, *given)

    with monkeypatch.context() as patch:
        patch.setattr(DoubleDQN, "update", interrupted)
        assert mecsim("train", small, "--out", "run", *arguments).code == 130
    assert mecsim("train", "--resume", "--out", "run", "--num-threads", 1).code == 0
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()
    assert "exploration_rate" in rows_of(tmp_path / "run" / "metrics.csv")[0]
    swept = mecsim("sweep", "run", "greedy", "--preferences", 3, "--episodes", 4, "--out", "swept")
    assert swept.code == 0, swept.err
    exported = mecsim("export", "run")
    assert exported.code == 0, exported.err
    assert "100.00% equal actions" in exported.out


def test_what_is_to_be_done_next_can_be_pasted(mecsim: Command, small: Path) -> None:
    said = mecsim("train", small, "--out", "my run", "--steps", 64, *SET)
    following = shlex.split(said.out.partition("next: ")[2])
    assert following == ["mecsim", "sweep", "my run", "greedy", "--out", "my run-sweep"]
    assert mecsim(*following[1:], "--preferences", 3, "--episodes", 2).code == 0
    said = mecsim("init", "my own")
    assert mecsim(*shlex.split(said.out.partition("then: ")[2])[1:]).code == 0


def test_a_scenario_can_be_changed_for_a_training(mecsim: Command, small: Path, tmp_path: Path) -> None:
    said = mecsim("train", small, "--out", "run", "--steps", 64, "--context", "edges=3", *SET)
    assert said.code == 0, said.err
    assert Run.open(tmp_path / "run").scenario == with_context(load_scenario(small), {"edges": "3"})


def test_a_wrong_agent_is_one_line(mecsim: Command, small: Path) -> None:
    said = mecsim("train", small, "--out", "run", "--agent", "sacc")
    assert (said.code, said.err.splitlines()) == (2, ["mecsim: sacc: no such agent; did you mean sac?"])
    said = mecsim("train", "--resume", "--out", "run", "--agent", "double-dqn")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "--resume goes on with the run as it is" in said.err


def test_a_finished_run_can_be_resumed_without_effect(mecsim: Command, run_folder: Path) -> None:
    before = snapshot(run_folder)
    assert mecsim("train", "--resume", "--out", run_folder).code == 0
    after = {path: digest for path, digest in snapshot(run_folder).items() if "tensorboard" not in path}
    assert after == before


def test_sweep_leaves_a_front(mecsim: Command, run_folder: Path, tmp_path: Path) -> None:
    said = mecsim("sweep", run_folder, "greedy", "--preferences", 5, "--episodes", 3, "--out", "out")
    assert (said.code, said.err) == (0, "")
    assert said.remark.startswith("warning: 1.2 tasks arrive in a step, which dispatches one")
    assert "Fronts" in said.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *RESULT_FILES, "front.png", "front.svg", "tensorboard", "parts",
    }  # fmt: skip
    rows = rows_of(tmp_path / "out" / "front.csv")
    assert [row["target"] for row in rows] == [str(run_folder)] * 5 + ["greedy"] * 5
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {
        "format", "objectives", "reference_point", "reference_point_source", "objective_scale", "preferences",
        "episodes", "targets", "seed", "context", "versions", "git_revision", "wall_time_s",
    } <= told.keys()  # fmt: skip
    assert told["targets"].keys() == {str(run_folder), "greedy"}
    assert all(set(found) == QUALITIES for found in told["targets"].values())
    assert told["targets"]["greedy"]["mean_cost_ratio_to_greedy"] == 1.0


def test_sweep_of_baselines_with_a_context(mecsim: Command, small: Path, tmp_path: Path) -> None:
    arguments = ("sweep", "random", "cloud", "--scenario", small, "--preferences", 3, "--episodes", 2)
    said = mecsim(*arguments, "--context", "edges=1", "--seed", 3, "--out", "out", "--json")
    assert said.content == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert said.content["context"] == {"edges": "1"}
    assert said.content["seed"] == 3
    assert said.content["targets"]["random"]["mean_cost_ratio_to_greedy"] > 0.9
    first = (tmp_path / "out" / "front.csv").read_bytes()
    assert mecsim(*arguments, "--context", "edges=1", "--seed", 3, "--out", "again").code == 0
    assert (tmp_path / "again" / "front.csv").read_bytes() == first


def test_a_run_is_swept_on_its_own_scenario_or_another(mecsim: Command, run_folder: Path, tmp_path: Path) -> None:
    wide = scenario_file(tmp_path).rename(tmp_path / "wide.yaml")
    content = yaml.safe_load(wide.read_text())
    content["servers"]["edge"]["count"] = 4
    wide.write_text(yaml.safe_dump(content))
    arguments = ("sweep", run_folder, "--preferences", 2, "--episodes", 2, "--json", "--out")
    own, other = mecsim(*arguments, "own"), mecsim(*arguments, "other", "--scenario", wide)
    [first], [second] = own.content["targets"].values(), other.content["targets"].values()
    assert first != second


def in_a_process(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mecsim", *map(str, arguments)]
    environment = os.environ | {"PYTHONWARNINGS": "error"} | options
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def test_it_runs_as_a_module(small: Path) -> None:
    done = in_a_process("scenarios")
    assert (done.returncode, done.stderr) == (0, "")
    assert "gmorl" in done.stdout
    done = in_a_process("simulate", small, "--episodes", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_the_command_that_made_a_run_is_kept(small: Path, tmp_path: Path) -> None:
    done = in_a_process("train", small, "--out", "a run", "--steps", 16, *SET, PYTHONWARNINGS="default")
    assert done.returncode == 0, done.stderr
    kept = (tmp_path / "a run" / "command.txt").read_text()
    assert kept.startswith(f"mecsim train {small} --out 'a run' --steps 16 --set ")


def test_the_installed_script_is_the_same_program() -> None:
    script = shutil.which("mecsim", path=os.path.dirname(sys.executable))
    if script is None:
        pytest.skip("the package is not installed with its script")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert package.__version__ in done.stdout


def test_a_reader_that_has_seen_enough_is_no_reason_for_a_traceback() -> None:
    command = [sys.executable, "-m", "mecsim", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(timeout=60) == 1
