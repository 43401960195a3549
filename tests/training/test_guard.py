"""A training in which a number goes wrong stops, says which and where, and comes to the same place again."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mecsim.cli import main
from mecsim.envs.vector import BatchVectorEnv
from mecsim.errors import MecsimError
from tests.training.small import ENVS, STEPS, new_run, trained


class Faulty:
    """Makes environments give one wrong reward or observation at a step of the whole training, each time anew."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, epoch: int, step: int) -> None:
        self.value, self.what, self.environment = float("nan"), "reward", 2
        whole = BatchVectorEnv.step
        begins = BatchVectorEnv.reset
        played = {"steps": 0}

        def reset(env: BatchVectorEnv, **settings: Any) -> Any:
            played["steps"] = (settings["options"]["episode"] * 2 // ENVS) * STEPS
            return begins(env, **settings)

        def stepped(env: BatchVectorEnv, action: Any) -> Any:
            observation, reward, *rest = whole(env, action)
            at, played["steps"] = played["steps"], played["steps"] + 1
            if at == (epoch - 1) * STEPS + step:
                reward = np.array(reward)
                if self.what == "reward":
                    reward[self.environment, 1] = self.value
                else:
                    observation["context"] = np.array(observation["context"])
                    observation["context"][self.environment, 0] = self.value
            return observation, reward, *rest

        monkeypatch.setattr(BatchVectorEnv, "reset", reset)
        monkeypatch.setattr(BatchVectorEnv, "step", stepped)


def test_a_reward_that_is_no_number_is_told_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Faulty(monkeypatch, epoch=4, step=5)
    run = new_run(tmp_path / "run", checkpoint_epochs="2", updates_per_step="0.01")  # too few updates to notice it
    with pytest.raises(MecsimError) as caught:
        trained(run)
    told = str(caught.value)
    assert "stopped in epoch 4, the return of environment 2 in energy is nan" in told
    assert "the last checkpoint is of epoch 2" in told
    assert "\n" not in told
    failure = json.loads((run.folder / "failure.json").read_text())
    assert failure["epoch"] == 4
    assert f"and {failure['command']} comes to the same place" in told
    assert run.latest_epoch() == 2  # and no later one, into which it would have gone
    with pytest.raises(MecsimError, match=re.escape("epoch 4, step 5: reward[1] of environment 2 is nan")):
        trained(run, resume=True)


@pytest.mark.parametrize(("epoch", "saved"), [(4, 2), (1, 0)])
def test_the_command_that_is_told_comes_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], epoch: int, saved: int
) -> None:
    faulty = Faulty(monkeypatch, epoch, step=5)
    run = new_run(tmp_path / "a run", checkpoint_epochs="2", updates_per_step="0.01")
    with pytest.raises(MecsimError):
        trained(run)
    first = json.loads((run.folder / "failure.json").read_text())
    assert (first["epoch"], first["checkpoint_epoch"]) == (epoch, saved)
    faulty.value = float("inf")  # what is told comes from this training
    program, *words = shlex.split(first["command"])
    assert program == "mecsim"
    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 1
        said = capsys.readouterr().err.splitlines()[-1]
        assert f"stopped in epoch {epoch}, step 5: reward[1] of environment 2 is inf" in said
        again = json.loads((run.folder / "failure.json").read_text())
        assert (again["command"], again["checkpoint_epoch"]) == (first["command"], saved)


def test_a_loss_that_is_no_number_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Faulty(monkeypatch, epoch=3, step=1).value = 3e38  # finite, but not what is learned from it
    run = new_run(tmp_path / "run", checkpoint_epochs="1")
    with pytest.raises(MecsimError, match=r"stopped in epoch [34], update \d+: the loss or gradient of the critic"):
        trained(run)
    assert (run.folder / "failure.json").exists()


def test_an_observation_that_is_no_number_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Faulty(monkeypatch, epoch=1, step=2).what = "context"
    with pytest.raises(MecsimError, match=r"epoch 1, step 2: next_context\[0\] of environment 2 is nan.*no checkpoint"):
        trained(new_run(tmp_path / "run"))


def test_a_mended_run_forgets_its_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, whole = new_run(tmp_path / "run"), new_run(tmp_path / "whole")
    trained(whole)
    with monkeypatch.context() as patched:
        Faulty(patched, epoch=3, step=0)
        with pytest.raises(MecsimError):
            trained(run)
    trained(run, resume=True)
    assert not (run.folder / "failure.json").exists()
    assert (run.folder / "metrics.csv").read_bytes() == (whole.folder / "metrics.csv").read_bytes()
