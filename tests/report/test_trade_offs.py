"""TensorBoard events of sweeps, read back as TensorBoard reads them."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mecsim.core.system import values_shown
from mecsim.policies import Calibration, calibrate
from mecsim.report.over_weight import SHOWN_OPTIONS, _most_used, over_weight, told_weights
from mecsim.report.trade_offs import MOST_SESSIONS, write_trade_offs
from mecsim.sweep import Front, assess, preference_grid
from mecsim.systems.offload.scenario import OffloadScenario
from tests.report.event_files import curve, events_of

from .many_objectives import curved_front, many_objectives

with warnings.catch_warnings():  # of its own dependencies
    warnings.simplefilter("ignore")
    from tensorboard.plugins.hparams import metadata


@pytest.fixture
def written(fronts: list[Front], scenario: OffloadScenario, tmp_path: Path) -> Path:
    write_trade_offs(tmp_path, fronts, assess(fronts, calibrate(scenario)), scenario)
    return tmp_path


def test_all_targets_share_one_front_and_each_has_curves_over_the_weight(
    written: Path, fronts: list[Front], scenario: OffloadScenario
) -> None:
    joint = events_of(written)
    assert set(joint.Tags()["images"]) == {"front", "objectives_over_weight"}
    assert sorted(path.name for path in written.iterdir() if path.is_dir()) == ["greedy", "random"]
    for front in fronts:
        events = events_of(written / front.target)
        assert events.Tags()["images"] == ["options_over_weight"]
        for index, objective in enumerate(scenario.objectives):
            order = np.argsort(front.preferences[:, index])
            steps, values = zip(*curve(events, f"over_weight/{objective}"), strict=True)
            assert list(steps) == (1000 * front.preferences[order, index]).round().tolist() == [0, 333, 667, 1000]
            assert_allclose(values, front.mean[order, index], rtol=1e-6)


def test_there_is_a_session_for_each_target_and_preference(
    written: Path, fronts: list[Front], scenario: OffloadScenario
) -> None:
    content = events_of(written).PluginTagToContent("hparams")[metadata.EXPERIMENT_TAG]
    experiment = metadata.parse_experiment_plugin_data(content)
    assert [one.name for one in experiment.hparam_infos] == ["target", "weight_delay", "weight_energy"]
    [target, *_] = experiment.hparam_infos
    assert [one.string_value for one in target.domain_discrete.values] == ["greedy", "random"]
    metrics = {one.name.tag for one in experiment.metric_infos}
    assert {"objective/delay", "objective/energy", "quantity/cloud_share"} <= metrics
    assert not {"quantity/delay_s", "quantity/device_share"} & metrics  # an objective, and one that is 0 throughout
    for front in fronts:
        sessions = sorted(path for path in (written / front.target).iterdir() if path.is_dir())
        assert len(sessions) == len(front.preferences) == 4
        seen = []
        for session in sessions:
            events = events_of(session)
            assert set(events.Tags()["scalars"]) == metrics
            start = events.PluginTagToContent("hparams")[metadata.SESSION_START_INFO_TAG]
            chosen = metadata.parse_session_start_info_plugin_data(start).hparams
            assert chosen["target"].string_value == front.target
            weights = [chosen["weight_delay"].number_value, chosen["weight_energy"].number_value]
            [row] = np.flatnonzero(np.isclose(front.preferences, weights).all(axis=1))
            seen.append(row)
            for index, name in enumerate(scenario.objectives):
                assert curve(events, f"objective/{name}") == [(0, pytest.approx(front.mean[row, index], rel=1e-6))]
            share = front.quantities["cloud_share"][row].mean()
            assert curve(events, "quantity/cloud_share") == [(0, pytest.approx(share, rel=1e-6))]
        assert sorted(seen) == [0, 1, 2, 3]


def test_large_grids_leave_tensorboard_as_many_sessions_as_it_can_show(
    scenario: OffloadScenario, tmp_path: Path
) -> None:
    grid = preference_grid(2, MOST_SESSIONS + 50)
    rng = np.random.default_rng(0)
    front = Front("greedy", grid, rng.uniform(1.0, 2.0, (len(grid), 2, 2)))
    write_trade_offs(tmp_path, [front], assess([front], calibrate(scenario)), scenario)
    sessions = [path.name for path in (tmp_path / "greedy").iterdir() if path.is_dir()]
    assert len(sessions) == MOST_SESSIONS
    assert {"weights_0_1", "weights_1_0"} <= set(sessions)


@pytest.mark.parametrize("objectives", [3, 4])
def test_a_sweep_of_many_objectives_has_a_curve_for_each_and_both_pictures(
    tmp_path: Path, objectives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mecsim.report.trade_offs.scenario_to_yaml", lambda scenario: "kind: many")
    scenario = many_objectives(objectives)
    front = curved_front("greedy", objectives, 10)
    reference = front.mean.max(axis=0) * 1.1
    qualities = assess([front], Calibration(np.ptp(front.mean, axis=0), reference, "made up"))
    write_trade_offs(tmp_path, [front], qualities, scenario)
    assert set(events_of(tmp_path).Tags()["images"]) == {"front", "parallel", "objectives_over_weight"}
    events = events_of(tmp_path / "greedy")
    shown = values_shown(front.mean, scenario)
    for index, objective in enumerate(scenario.objectives):
        weights = (front.preferences[:, index] / 0.05).round() * 0.05
        by_level = {round(1000 * level): shown[np.isclose(weights, level), index].mean() for level in weights}
        assert dict(curve(events, f"over_weight/{objective}")) == pytest.approx(by_level, rel=1e-6)
    [(_, volume)] = curve(events, "quality/hypervolume")
    assert volume == pytest.approx(qualities["greedy"].hypervolume, rel=1e-6)
    assert volume > 0.0


@pytest.mark.parametrize("target", ["runs/first", "../../up", "/abs/run", "a b*c", "..."])
def test_any_target_has_a_folder_below(
    fronts: list[Front], scenario: OffloadScenario, tmp_path: Path, target: str
) -> None:
    front = replace(fronts[0], target=target)
    write_trade_offs(tmp_path / "out", [front], assess([front], calibrate(scenario)), scenario)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len([path for path in (tmp_path / "out").iterdir() if path.is_dir()]) == 1


def test_targets_of_similar_names_keep_apart(fronts: list[Front], scenario: OffloadScenario, tmp_path: Path) -> None:
    alike = [replace(front, target=name) for front, name in zip(fronts, ("a/run", "b/run"), strict=True)]
    write_trade_offs(tmp_path, alike, assess(alike, calibrate(scenario)), scenario)
    folders = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    assert len(folders) == 2
    for folder in folders:
        assert len(curve(events_of(folder), "over_weight/delay")) == 4


def test_preferences_that_share_a_weight_are_averaged() -> None:
    levels, means = over_weight(np.array([0.5, 0.0, 0.5]), np.array([[1.0, 4.0], [9.0, 9.0], [3.0, 6.0]]))
    assert levels.tolist() == [0.0, 0.5]
    assert means.tolist() == [[9.0, 9.0], [2.0, 5.0]]
    assert told_weights(np.array([[0.32, 0.68]])).tolist() == [[0.32, 0.68]]
    assert_allclose(told_weights(np.array([[0.32, 0.28, 0.4]])), [[0.3, 0.3, 0.4]])


def test_of_a_thousand_options_those_most_used_are_told_apart() -> None:
    shares = np.random.default_rng(0).dirichlet(np.full(1001, 0.01), 5)
    names, told = _most_used([f"edge_{index}" for index in range(1001)], shares)
    assert names[-1] == "994 others"
    assert told.shape == (5, SHOWN_OPTIONS + 1)
    assert_allclose(told.sum(axis=1), 1.0)
    assert told[:, :-1].mean(axis=0).min() >= np.sort(shares.mean(axis=0))[-SHOWN_OPTIONS]
