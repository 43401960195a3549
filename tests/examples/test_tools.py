"""Each example of another tool runs, with next to no training, where the tool is installed."""

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
