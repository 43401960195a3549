"""Trackers and monitors of one's own, told of a training; the trackers are stand-ins."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mecsim.core.plugins import Plugin
from mecsim.errors import InputError, RunError
from mecsim.report.monitors import MONITORS, find_monitor
from mecsim.report.watching import learn
from mecsim.sweep import training_evaluation
from mecsim.training import EpochReport, Run, Watched
from tests.training.small import new_run


def train(run: Run, log: str, resume: bool = False) -> None:
    learn(run, training_evaluation(run), None, "cpu", resume, log=[log])


class Mine:
    """A monitor that takes note of everything."""

    told: list[object] = []  # noqa: RUF012

    def __init__(self, watched: Watched) -> None:
        self.told.append(watched)

    def on_epoch(self, report: EpochReport) -> None:
        self.told.append(report.epoch)


class Failing:
    def __init__(self, watched: Watched) -> None:
        pass

    def on_epoch(self, report: EpochReport) -> None:
        raise ConnectionError("the tracker is away")


def nothing(watched: Watched) -> None:
    """Makes no monitor."""


def test_a_monitor_of_ones_own_is_told_of_every_epoch(tmp_path: Path) -> None:
    Mine.told.clear()
    run = new_run(tmp_path / "run", epochs=3)
    train(run, f"{__name__}:Mine")
    watched, *epochs = Mine.told
    assert epochs == [1, 2, 3]
    assert isinstance(watched, Watched)
    assert watched.run is run
    assert watched.resumed_at is None
    assert watched.greedy.option_shares.sum(axis=1) == pytest.approx(1.0)


def test_monitors_of_packages_go_by_their_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Mine.told.clear()
    monkeypatch.setitem(MONITORS.plugins, "mine", Plugin("mine", f"{__name__}:Mine", "mine"))
    train(new_run(tmp_path / "run", epochs=2), "mine")
    assert Mine.told[1:] == [1, 2]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wadb", "no monitor is called 'wadb'"),
        ("nowhere:Monitor", "cannot be imported"),
        (f"{__name__}:pytestmarks", "cannot be imported"),
        (f"{__name__}:__name__", "expected a class or function"),
    ],
)
def test_what_is_no_monitor_is_refused(name: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        find_monitor(name)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match="pip install wandb"):
        find_monitor("wandb")


def test_failures_of_monitors_are_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Failing: ConnectionError: the tracker is away"):
        train(new_run(tmp_path / "run", epochs=2), f"{__name__}:Failing")
    with pytest.raises(InputError, match="makes no monitor"):
        train(new_run(tmp_path / "other", epochs=2), f"{__name__}:nothing")


class FakeWandb(ModuleType):
    """Records what it is told."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.begun: list[dict[str, Any]] = []
        self.logged: list[dict[str, Any]] = []
        self.finished: list[int] = []
        self.Image = lambda picture: picture.size

    def init(self, **given: Any) -> SimpleNamespace:
        self.begun.append(given)
        return SimpleNamespace(
            id=given["id"] or "abc", define_metric=lambda *names, **rest: None, log=self.logged.append,
            finish=lambda exit_code: self.finished.append(exit_code),
        )  # fmt: skip


def test_weights_and_biases_is_told_and_goes_on_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    run = new_run(tmp_path / "run", epochs=2)
    train(run, "wandb")
    train(run.with_steps(3 * 32), "wandb", resume=True)
    assert [(one["project"], one["name"], one["id"]) for one in fake.begun] == [
        ("mecsim", "run", None), ("mecsim", "run", "abc"),
    ]  # fmt: skip
    assert fake.begun[0]["config"]["agent.batch_size"] == 16
    assert [one["env_steps"] for one in fake.logged] == [32, 64, 96]
    assert fake.finished == [0, 0]
    last = fake.logged[-1]
    assert last["front/hypervolume"] > 0.0
    assert last["greedy/front/hypervolume"] > 0.0
    width, height = last["front"]
    assert (width, abs(height - 368) <= 2) == (560, True)  # fonts differ by a pixel


class FakeMlflow(ModuleType):
    """Records what it is told."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.begun: list[dict[str, Any]] = []
        self.metrics: list[tuple[int, dict[str, float]]] = []
        self.figures: list[str] = []
        self.ended: list[str] = []
        self.set_experiment = self.log_params = lambda given: None
        self.log_text = lambda text, path: None
        self.active_run = lambda: SimpleNamespace(info=SimpleNamespace(run_id="42"))
        self.end_run = self.ended.append

    def start_run(self, **given: Any) -> None:
        self.begun.append(given)

    def log_metrics(self, told: dict[str, float], step: int) -> None:
        self.metrics.append((step, told))

    def log_figure(self, figure: object, path: str) -> None:
        self.figures.append(path)


def test_mlflow_is_told_and_goes_on_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    run = new_run(tmp_path / "run", epochs=2)
    train(run, "mlflow")
    train(run.with_steps(3 * 32), "mlflow", resume=True)
    assert fake.begun == [{"run_name": "run"}, {"run_id": "42"}]
    assert [step for step, _ in fake.metrics] == [32, 64, 96]
    assert fake.metrics[-1][1]["greedy/front/mean_cost"] > 0.0
    assert "front/000000000032.png" in fake.figures
    assert fake.ended == ["FINISHED", "FINISHED"]
