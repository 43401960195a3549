"""TensorBoard events, read back as TensorBoard reads them."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from mecsim_agents import METRICS
from numpy.testing import assert_allclose

from mecsim.core.system import values_shown
from mecsim.policies import Calibration, calibrate
from mecsim.report.tensorboard import TensorBoardMonitor, write_trade_offs
from mecsim.sweep import Front, assess
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.training import EpochReport
from tests.training.small import new_run, trained

from .many_objectives import curved_front, many_objectives

with warnings.catch_warnings():  # of its own dependencies
    warnings.simplefilter("ignore")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2


def events_of(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    found.Reload()
    return found


def curve(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(tag)]


Training = tuple[EventAccumulator, list[EpochReport]]


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """What three epochs, the second and third evaluated, leave, and what they came to."""
    run = new_run(tmp_path_factory.mktemp("training") / "run", epochs=3)
    with TensorBoardMonitor(run.folder / "tensorboard", run.scenario) as monitor:
        reports = trained(run, [monitor])
    return events_of(run.folder / "tensorboard"), reports


def test_every_curve_of_a_training_is_there(training: Training) -> None:
    events, _ = training
    expected = {"return/delay", "return/energy", "learning/updates", "front/hypervolume", "front/mean_cost"}
    expected |= {f"seconds/{name}" for name in ("acting", "environments", "storing", "sampling", "learning")}
    expected |= {f"learning/{name}" for name in METRICS} | {
        f"action_share/{s}" for s in ("cloud", "edge_01", "edge_02")
    }
    assert set(events.Tags()["scalars"]) == expected
    assert {"learning/critic_loss", "learning/policy_loss", "learning/entropy", "learning/temperature"} <= expected
    assert events.Tags()["images"] == ["front"]


def test_curves_have_the_values_of_the_epochs_at_their_environment_steps(training: Training) -> None:
    events, reports = training
    assert [step for step, _ in curve(events, "return/delay")] == [32, 64, 96]
    assert_allclose([value for _, value in curve(events, "return/energy")], [r.returns[1] for r in reports], rtol=1e-6)
    shares = [[value for _, value in curve(events, f"action_share/{s}")] for s in ("cloud", "edge_01", "edge_02")]
    assert_allclose(np.transpose(shares), [report.action_shares for report in reports], rtol=1e-6)
    assert_allclose(np.sum(shares, axis=0), 1.0, rtol=1e-6)
    assert [step for step, _ in curve(events, "learning/entropy")] == [64, 96]
    evaluated = [(report, report.evaluation) for report in reports if report.evaluation is not None]
    assert [report.epoch for report, _ in evaluated] == [2, 3]
    volumes = [(report.env_steps, pytest.approx(found.hypervolume, rel=1e-6)) for report, found in evaluated]
    assert curve(events, "front/hypervolume") == volumes
    pictures = events.Images("front")
    assert [picture.step for picture in pictures] == [64, 96]
    assert all(picture.encoded_image_string.startswith(b"\x89PNG") for picture in pictures)


def test_what_followed_the_checkpoint_of_a_resumed_run_is_dropped(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=3)
    folder = run.folder / "tensorboard"
    with TensorBoardMonitor(folder, run.scenario) as monitor:
        reports = trained(run, [monitor])
    for resumed_at, steps in ((64, [32, 64, 96]), (0, [96])):
        with TensorBoardMonitor(folder, run.scenario, resumed_at) as monitor:
            monitor.on_epoch(reports[-1])
        assert [step for step, _ in curve(events_of(folder), "return/delay")] == steps


def test_a_sweep_has_curves_over_preferences(fronts: list[Front], scenario: OffloadScenario, tmp_path: Path) -> None:
    write_trade_offs(tmp_path, fronts, assess(fronts, calibrate(scenario)), scenario)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["greedy", "random"]
    for front in fronts:
        events = events_of(tmp_path / front.target)
        for index, objective in enumerate(scenario.objectives):
            expected = list(enumerate(pytest.approx(value, rel=1e-6) for value in front.mean[:, index]))
            assert curve(events, f"trade_off/{objective}") == expected
            weights = list(enumerate(pytest.approx(w, abs=1e-6) for w in front.preferences[:, index]))
            assert curve(events, f"preference/{objective}") == weights
        assert len(events.Images("front")) == 1


def test_a_sweep_has_hparams_with_its_indicators(
    fronts: list[Front], scenario: OffloadScenario, tmp_path: Path
) -> None:
    qualities = assess(fronts, calibrate(scenario))
    write_trade_offs(tmp_path, fronts, qualities, scenario)
    for front in fronts:
        events = events_of(tmp_path / front.target)
        found = qualities[front.target]
        for name in ("hypervolume", "mean_cost", "expected_utility"):
            [(_, value)] = curve(events, f"hparam/{name}")
            assert value == pytest.approx(getattr(found, name), rel=1e-6)
        [(_, best)] = curve(events, "hparam/best_delay")
        assert best == pytest.approx(front.mean[:, 0].min(), rel=1e-6)
        contents = events.PluginTagToContent("hparams")
        start = plugin_data_pb2.HParamsPluginData.FromString(contents["_hparams_/session_start_info"])
        given = start.session_start_info.hparams
        assert given["target"].string_value == front.target
        assert given["preferences"].number_value == 4.0


@pytest.mark.parametrize("objectives", [3, 4])
def test_a_sweep_of_many_objectives_has_a_curve_for_each_and_both_pictures(tmp_path: Path, objectives: int) -> None:
    scenario = many_objectives(objectives)
    front = curved_front("greedy", objectives, 10)
    reference = front.mean.max(axis=0) * 1.1
    qualities = assess([front], Calibration(np.ptp(front.mean, axis=0), reference, "made up"))
    write_trade_offs(tmp_path, [front], qualities, scenario)
    events = events_of(tmp_path / "greedy")
    expected = values_shown(front.mean, scenario)
    for index, objective in enumerate(scenario.objectives):
        assert_allclose([value for _, value in curve(events, f"trade_off/{objective}")], expected[:, index], rtol=1e-6)
        weights = [value for _, value in curve(events, f"preference/{objective}")]
        assert_allclose(weights, front.preferences[:, index], atol=1e-6)
    assert set(events.Tags()["images"]) == {"front", "parallel"}
    [(_, volume)] = curve(events, "hparam/hypervolume")
    assert volume == pytest.approx(qualities["greedy"].hypervolume, rel=1e-6)
    assert volume > 0.0


@pytest.mark.parametrize("target", ["runs/first", "../../up", "/abs/run", "a b*c", "..."])
def test_any_target_has_a_folder_below(
    fronts: list[Front], scenario: OffloadScenario, tmp_path: Path, target: str
) -> None:
    front = type(fronts[0])(target, fronts[0].preferences, fronts[0].totals)
    write_trade_offs(tmp_path / "out", [front], assess([front], calibrate(scenario)), scenario)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert list((tmp_path / "out").rglob("events.out.*"))


def test_targets_of_similar_names_keep_apart(fronts: list[Front], scenario: OffloadScenario, tmp_path: Path) -> None:
    alike = [type(f)(name, f.preferences, f.totals) for f, name in zip(fronts, ("runs/a", "runs_a"), strict=True)]
    write_trade_offs(tmp_path, alike, assess(alike, calibrate(scenario)), scenario)
    folders = sorted({path.parent for path in tmp_path.rglob("events.out.*")})
    assert len(folders) == 2
    for folder in folders:
        assert len(curve(events_of(folder), "trade_off/delay")) == 4
