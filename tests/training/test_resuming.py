"""A run that is interrupted goes on bit for bit, wherever that was."""

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from mecsim_agents import DiscreteSAC, ValueLearner

from mecsim.errors import InputError
from mecsim.training import EpochReport, Run
from mecsim.training.collect import Collector
from tests.training.same_run import EPOCHS, Interrupt, assert_same_run, metrics_of, tensors_of
from tests.training.small import new_run, trained


@pytest.fixture(scope="module", params=["sac", "double-dqn"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of any agent without any interruption. Its replay is full and goes round."""
    run = new_run(tmp_path_factory.mktemp("whole") / "run", algorithm=request.param)
    trained(run)
    return run


def like(whole: Run, folder: Path) -> Run:
    """A run with the same agent, before its first epoch."""
    return new_run(folder, algorithm=whole.config.algorithm)


@pytest.mark.parametrize("epoch", [3, 5, 6])
def test_a_resumed_run_is_the_same_as_an_uninterrupted_one(whole: Run, tmp_path: Path, epoch: int) -> None:
    run = like(whole, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        trained(run, [Interrupt(epoch)])
    assert run.latest_checkpoint().name == f"{2 * ((epoch - 1) // 2):06d}"
    reports = trained(Run.open(run.folder), resume=True)
    assert reports[0].epoch == 2 * ((epoch - 1) // 2) + 1
    assert_same_run(run, whole)


@pytest.mark.parametrize("epoch", [1, 2, 3, EPOCHS])
def test_a_run_that_is_asked_to_stop_saves_and_goes_on_from_there(whole: Run, tmp_path: Path, epoch: int) -> None:
    """After any epoch, and not at the next of every second one, at which it would have saved without."""
    run, asked = like(whole, tmp_path / "run"), [0]

    def stop() -> bool:
        asked[0] += 1  # before and after what is evaluated of each epoch
        return asked[0] == 2 * epoch - epoch % 2

    assert [report.epoch for report in trained(run, stop=stop)] == list(range(1, epoch + 1))
    assert run.latest_epoch() == epoch
    assert run.finished == (epoch == EPOCHS)
    assert [report.epoch for report in trained(run, resume=True)] == list(range(epoch + 1, EPOCHS + 1))
    assert_same_run(run, whole)


@pytest.mark.parametrize(("minutes", "saved"), [("2", [3, 6]), ("1", [2, 4, 6]), ("100", [6])])
def test_checkpoints_are_made_by_the_clock_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: str, saved: list[int]
) -> None:
    now, folders, save = [0.0], [], Run.save_checkpoint

    class Clock:
        """An epoch takes 50 seconds."""

        def on_epoch(self, report: EpochReport) -> None:
            now[0] += 50.0

    def noted(run: Run, epoch: int, *given: Any) -> None:
        folders.append(epoch)
        save(run, epoch, *given)

    monkeypatch.setattr("mecsim.training.loop.time.monotonic", lambda: now[0])
    monkeypatch.setattr(Run, "save_checkpoint", noted)
    trained(new_run(tmp_path / "run", checkpoint_epochs="1000", checkpoint_minutes=minutes), [Clock()])
    assert folders == saved


def test_a_run_can_be_made_longer(tmp_path: Path) -> None:
    """It goes on from its end; what was learned until then is not learned again."""
    run = new_run(tmp_path / "run", epochs=2)
    trained(run)
    rows, epoch_steps = metrics_of(run), run.steps // 2
    longer = Run.open(run.folder).with_steps(4 * epoch_steps)
    assert Run.open(run.folder) == longer
    assert not longer.finished
    assert [report.epoch for report in trained(longer, resume=True)] == [3, 4]
    assert metrics_of(run)[:2] == rows
    for steps in (1, 3 * epoch_steps):
        with pytest.raises(InputError, match=f"--steps {steps}: .* was trained for {4 * epoch_steps} steps already"):
            longer.with_steps(steps)


def test_an_interruption_in_the_middle_of_an_epoch_loses_only_that_epoch(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, update = like(whole, tmp_path / "run"), ValueLearner.update

    def interrupted(agent: DiscreteSAC, *arguments: Any) -> Any:
        if agent.updates == 14:
            raise KeyboardInterrupt
        return update(agent, *arguments)

    monkeypatch.setattr(ValueLearner, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(run)
    monkeypatch.undo()
    assert [int(row["epoch"]) for row in metrics_of(run)] == [1, 2, 3, 4]
    trained(run, resume=True)
    assert_same_run(run, whole)


def test_two_interruptions_are_no_different(whole: Run, tmp_path: Path) -> None:
    run = like(whole, tmp_path / "run")
    for epoch in (3, 5):
        with pytest.raises(KeyboardInterrupt):
            trained(run, [Interrupt(epoch)], resume=epoch > 3)
    trained(run, resume=True)
    assert_same_run(run, whole)


def test_a_run_interrupted_before_its_first_checkpoint_starts_again(whole: Run, tmp_path: Path) -> None:
    run = like(whole, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        trained(run, [Interrupt(1)])
    assert not run.has_checkpoint()
    assert [report.epoch for report in trained(run, resume=True)] == list(range(1, EPOCHS + 1))
    assert_same_run(run, whole)


def test_an_interruption_while_a_checkpoint_is_written_falls_back_to_the_one_before(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, save = like(whole, tmp_path / "run"), ValueLearner.save

    def interrupted(agent: DiscreteSAC, path: Path) -> None:
        if path.parent.name == "000004":
            path.write_bytes(b"half")
            raise KeyboardInterrupt
        save(agent, path)

    monkeypatch.setattr(ValueLearner, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(run)
    monkeypatch.undo()
    assert run.latest_checkpoint().name == "000002"
    trained(run, resume=True)
    assert_same_run(run, whole)


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=2)
    trained(run)
    before = (run.folder / "metrics.csv").read_bytes(), tensors_of(run)
    assert trained(run, resume=True) == []
    assert (run.folder / "metrics.csv").read_bytes() == before[0]
    assert tensors_of(run).keys() == before[1].keys()


@pytest.mark.parametrize("policy", ["softmax", "network"])
def test_a_run_with_learned_temperature_and_scalar_critic_resumes_too(tmp_path: Path, policy: str) -> None:
    settings: dict[str, Any] = {
        "learn_temperature": "true",
        "critic": "scalar",
        "residual": "false",
        "updates_per_step": "1.5",
    }
    settings |= {"policy": policy, "copies": "1"}
    runs = [new_run(tmp_path / name, epochs=4, **settings) for name in ("whole", "parts")]
    trained(runs[0])
    with pytest.raises(KeyboardInterrupt):
        trained(runs[1], [Interrupt(3)])
    trained(runs[1], resume=True)
    assert_same_run(*runs)
    assert len({row["temperature"] for row in metrics_of(runs[0])[1:]}) == 3


# Copies, rounds, and collecting beside learning


def test_a_thread_that_collects_changes_nothing(whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two threads one collects and one computes, each on its own, as with a single thread one after the other."""
    threads, collect = set(), Collector.collect

    def watched(*given: Any) -> Any:
        threads.add((threading.get_ident(), torch.get_num_threads()))
        return collect(*given)

    monkeypatch.setattr(Collector, "collect", watched)
    torch.set_num_threads(2)
    run = like(whole, tmp_path / "run")
    trained(run)
    assert torch.get_num_threads() == 2
    [(thread, count)] = threads
    assert thread != threading.get_ident()
    assert count == 1
    assert_same_run(run, whole)
    torch.set_num_threads(2)
    parts = like(whole, tmp_path / "parts")
    with pytest.raises(KeyboardInterrupt):
        trained(parts, [Interrupt(3)])
    assert torch.get_num_threads() == 2
    trained(parts, resume=True)
    assert_same_run(parts, whole)
