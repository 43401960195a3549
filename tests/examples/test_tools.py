"""Each example of another tool runs, with next to no training, where the tool is installed; what is told of them."""

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
import numpy as np
import polars as pl
import pytest

import mecsim  # noqa: F401  (registers the ids)
from mecsim.policies import calibrate
from mecsim.scenario import load_scenario

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "tools"


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("experiment_tools", ROOT / "experiments" / "tools" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks for itself
    spec.loader.exec_module(module)
    return module


RUNNER = _runner()


@pytest.mark.parametrize("tool", RUNNER.TOOLS, ids=lambda tool: " ".join([tool.example, *tool.arguments]))
def test_an_example_runs_without_glue(tool: Any, tmp_path: Path) -> None:
    try:
        version(tool.package)
    except PackageNotFoundError:
        pytest.skip(f"{tool.package} is not installed: pip install 'mecsim[{tool.environment}]'")
    path = EXAMPLES / f"{tool.example}.py"
    command = [sys.executable, str(path), *tool.arguments, "0", str(tool.quick)]
    alone = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "WANDB_MODE": "disabled", "RAY_AUTH_MODE": "disabled"}
    done = subprocess.run(
        command, env={**os.environ, **alone}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    reached = RUNNER.REACHED.findall(done.stdout)
    assert reached, done.stdout[-2000:]
    assert all(-20.0 < float(value) < 0.0 for _, value in reached)  # costs, in units of the scale


def test_every_example_is_known_short_and_free_of_glue() -> None:
    paths = sorted(EXAMPLES.glob("*.py"))
    assert {path.stem for path in paths} == {tool.example for tool in RUNNER.TOOLS}
    for path in paths:
        lines, glue = RUNNER.counted(path)
        assert lines <= 60, path
        assert glue == 0, path


def test_lines_of_code_and_of_glue_are_counted(tmp_path: Path) -> None:
    explained = '"""What it is.\n\nMore.\n"""\n\nx = 1  # one\n# only this\n\n\n'
    glue, last = 'class Glue:\n    """Why."""\n\n    y = x\n\n\n', 'z = """\na"""\n'
    (tmp_path / "some.py").write_text(explained + glue + last)
    assert RUNNER.counted(tmp_path / "some.py") == (5, 2)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An example whose return is the seed's, below two."""
    monkeypatch.setattr(RUNNER, "EXAMPLES", tmp_path)
    path = tmp_path / "some.py"
    path.write_text("import sys\nseed = int(sys.argv[1])\nprint(f'some: mean return {-2.0 - seed:.1f}')\n")
    return path


def three_trainings() -> list[dict[str, Any]]:
    tool, levels = RUNNER.Tool("numpy", "some", "mo", 1), {"random": -9.0, "greedy": -1.0}
    rows: list[dict[str, Any]] = RUNNER._rows(tool, sys.executable, levels, 3, quick=False)
    return rows


def test_a_line_is_the_mean_of_three_trainings_with_students_interval(example: Path) -> None:
    (row,) = three_trainings()
    assert row["method"] == "some"
    assert (row["seeds"], row["mean_return"], row["message"]) == (3, pytest.approx(-3.0), None)
    assert row["mean_return_ci95"] == pytest.approx(4.302653 / np.sqrt(3.0))  # of two degrees of freedom, spread 1
    assert "| some | 3 | 0 | 3 | −3.0 ± 2.5 |" in RUNNER.table_of([row])


@pytest.mark.parametrize("failing", [1, 3], ids=["one training", "all trainings"])
def test_a_training_that_fails_is_told(example: Path, failing: int) -> None:
    code = example.read_text()
    example.write_text(code.replace("\nprint", f"\nassert seed >= {failing}, 'too small'\nprint"))
    (row,) = three_trainings()
    assert row["message"] == "AssertionError: too small"
    assert row["seeds"] == 3 - failing
    assert "| failed |" in RUNNER.table_of([row])


def test_the_table_that_is_shown_is_that_of_the_results() -> None:
    folder = ROOT / "experiments" / "tools"
    rows = pl.read_csv(folder / "result.csv").to_dicts()
    assert RUNNER.table_of(rows) in (folder / "README.md").read_text(encoding="utf-8")
    assert {row["example"] for row in rows} == {f"{tool.example}.py" for tool in RUNNER.TOOLS}
    assert not any(row["glue_lines"] or row["message"] for row in rows)


def test_greedy_by_hand_reaches_what_the_runner_says_of_it() -> None:
    """So the episodes of the examples, which begin with `reset(seed=…)`, are those of the levels beside them."""
    scenario, episodes = load_scenario(RUNNER.SCENARIO), 3
    scale = calibrate(scenario).scale
    env = gym.make("mecsim/offload-scalar-v0", engine="batched", scale=scale)
    total = 0.0
    for episode in range(episodes):
        (_, info), over = env.reset(seed=None if episode else RUNNER.SEED), False
        while not over:
            rewards = env.get_wrapper_attr("option_rewards")() @ (0.5 / scale)
            _, reward, over, _, info = env.step(int(np.argmax(rewards)))
            total += float(reward)
    assert info["vector_reward"].shape == (2,)
    assert total / episodes == pytest.approx(RUNNER.mean_return("greedy", episodes), rel=1e-5)
    assert np.allclose(scale, (3221.26, 2.70366), rtol=1e-5)  # as the examples have it
