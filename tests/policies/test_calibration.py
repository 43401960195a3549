"""Scales and reference points: measured where a scenario gives none, and never unusable."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import Episodes
from mecsim.core.seeds import Stream
from mecsim.core.watch import followed
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.policies import Calibration, GreedyPolicy, calibrate, tradable
from mecsim.policies.calibration import EPISODES, FEWEST_EPISODES, _anchors, calibration_episodes
from mecsim.scenario import builtin_names, load_scenario
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.demand import Episode, Tasks, TaskSize, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Channel, Cloud, Edge, Energy, Servers
from mecsim.systems.offload.scenario import Evaluation, ObjectiveValues, OffloadScenario
from tests.one_system import play_offload as play
from tests.training.small import small_scenario


def mean_totals(scenario: OffloadScenario, weight: Sequence[float], scale: Sequence[float]) -> NDArray[np.float64]:
    """Greedy on the tapes of the calibration."""
    tapes = draw_tapes(scenario, 0, 0, EPISODES, Stream.CALIBRATION)
    return play(GreedyPolicy(np.asarray(scale)), scenario, tapes, np.asarray(weight)).totals.mean(axis=0)


def test_it_is_deterministic_and_asks_for_no_seed() -> None:
    scenario = small_scenario()
    first = calibrate(scenario)
    calibrate.cache_clear()
    draw_tapes(scenario, 5, 0, 3)
    again = calibrate(small_scenario())
    assert again is not first
    for name in ("scale", "reference"):
        assert_array_equal(getattr(first, name), getattr(again, name))


def test_the_span_is_what_greedy_can_trade() -> None:
    scenario = small_scenario()
    found = calibrate(scenario)
    optimum = [mean_totals(scenario, [1.0, 0.0], [1.0, 1.0])[0], mean_totals(scenario, [0.0, 1.0], [1.0, 1.0])[1]]
    fast, frugal = (mean_totals(scenario, weight, optimum) for weight in ([0.95, 0.05], [0.05, 0.95]))
    assert fast[0] < frugal[0]
    assert fast[1] > frugal[1]
    assert_allclose(tradable(scenario), np.abs(fast - frugal))
    assert_allclose(found.reference, np.maximum(fast, frugal) + 0.5 * np.abs(fast - frugal))
    assert_array_equal(found.scale, tradable(scenario))
    assert found.reference_source.startswith("measured")


def test_nobody_looks_while_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """An observation of thousands of tasks costs many times what the decision does."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a step was observed")

    monkeypatch.setattr(Episodes, "step", refuse)
    calibrate.cache_clear()
    _anchors.cache_clear()
    assert (calibrate(small_scenario()).scale > 0.0).all()


def test_long_episodes_are_fewer() -> None:
    """So that an hour of a recorded log is measured in the time of many short episodes."""
    played = [calibration_episodes(small_scenario(episode=Episode(steps=steps))) for steps in (8, 2048, 4096, 25_000)]
    assert played == [EPISODES, EPISODES, EPISODES // 2, FEWEST_EPISODES]
    for name in builtin_names():
        assert calibration_episodes(load_scenario(name)) == EPISODES


def test_measuring_says_how_far_it_is_once() -> None:
    for cached in (calibrate, _anchors):
        cached.cache_clear()
    told = []
    with followed(lambda *progress: told.append(progress)):
        calibrate(small_scenario())
        calibrate(small_scenario())
    assert told == [("measuring scales", decision, 32) for decision in range(1, 33)]  # two plays for each objective


def test_given_values_are_used() -> None:
    found = calibrate(load_scenario("gmorl-e6"))
    assert_allclose(found.scale, [200.0, 1.0 / 1.85])
    assert_array_equal(found.reference, [3000.0, 6.0])
    assert found.reference_source == "given by the scenario"


def test_nothing_is_measured_where_all_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large scenario with yardsticks of its own does not wait for them."""

    def refuse(*_: Any) -> None:
        raise AssertionError("episodes were drawn")

    values = ObjectiveValues(delay_s=3.0, energy_j=5.0)
    scenario = small_scenario(evaluation=Evaluation(scale=values, reference=values))
    monkeypatch.setattr("mecsim.policies.calibration.draw_episodes", refuse)
    assert_array_equal(calibrate(scenario).scale, [3.0, 5.0])


def test_given_values_follow_the_order_of_the_objectives_and_leave_the_rest_measured() -> None:
    scale = Evaluation(scale=ObjectiveValues(delay_s=7.0, energy_j=0.25))
    turned = small_scenario(objectives=("energy", "delay"), evaluation=scale)
    given = calibrate(turned)
    measured = calibrate(small_scenario())
    assert_array_equal(given.scale, [0.25, 7.0])
    assert_allclose(tradable(turned), tradable(small_scenario())[::-1])
    assert_allclose(given.reference, measured.reference[::-1])
    assert given.reference_source.startswith("measured")


def test_satisfaction_is_given_as_it_is_shown_and_measured_as_a_cost() -> None:
    """A reference of 1 of 5 is a cost of 4; a scale is a difference, whichever way it counts."""
    objectives = ("satisfaction", "delay")
    values = ObjectiveValues(delay_s=3.0, satisfaction=1.0)
    rated = DelaySatisfaction(adequate_s=12.0, desired_s=4.0)
    given = calibrate(
        small_scenario(satisfaction=rated, objectives=objectives, evaluation=Evaluation(scale=values, reference=values))
    )
    assert_array_equal(given.scale, [1.0, 3.0])
    assert_array_equal(given.reference, [4.0, 3.0])
    measured = calibrate(small_scenario(satisfaction=rated, objectives=objectives))
    assert 0.0 < measured.scale[0] < measured.reference[0] < 7.5


def test_ten_times_the_energy_is_ten_times_its_scale() -> None:
    # Ten times the power at a tenth of the gain leaves rates and delays alone.
    def calibrated(power_w: float, loss_db: float, capacitance: float) -> Calibration:
        channel = Channel(model="rayleigh", tx_power_w=power_w, path_loss_at_1km_db=loss_db)
        return calibrate(small_scenario(channel=channel, energy=Energy(capacitance=capacitance)))

    plain, strong = calibrated(1.0, 133.6, 5e-31), calibrated(10.0, 143.6, 5e-30)
    assert_allclose(strong.scale, plain.scale * [1.0, 10.0], rtol=1e-9)
    assert_allclose(strong.reference, plain.reference * [1.0, 10.0], rtol=1e-9)


@pytest.mark.parametrize("objective", ["delay", "energy"])
def test_a_single_objective_is_measured_by_its_own_size(objective: str) -> None:
    found = calibrate(small_scenario(objectives=(objective,)))
    size = mean_totals(small_scenario(objectives=(objective,)), [1.0], [1.0])
    assert found.scale.shape == (1,)
    assert_allclose(found.scale, size)
    assert_allclose(found.reference, 2.5 * size)


@pytest.mark.parametrize("edges", [1, 3])
def test_equal_servers_leave_nothing_to_trade_but_a_usable_scale(edges: int) -> None:
    alike = Edge(count=CountRange(edges, edges), cpu_hz=Uniform(2e9, 2e9), distance_m=Uniform(100.0, 100.0))
    scenario = small_scenario(servers=Servers(cloud=Cloud(count=0), edge=alike))
    found = calibrate(scenario)
    size = mean_totals(scenario, [0.5, 0.5], [1.0, 1.0])
    assert (found.scale > 1e-3 * size).all()
    assert (found.scale < 10.0 * size).all()
    assert (found.reference > size).all()
    if edges == 1:
        assert_allclose(found.scale, size)


def test_one_edge_beside_a_cloud() -> None:
    found = calibrate(small_scenario(servers=Servers(edge=Edge(count=CountRange(1, 1)))))
    assert (found.scale > 0.0).all()
    assert np.isfinite(found.reference).all()


def test_without_any_task_the_scale_is_still_no_zero() -> None:
    idle = small_scenario(users=Users(count=3, arrival_rate_per_s=0.0), tasks=Tasks(size=TaskSize(mean_bit=5e6)))
    found = calibrate(idle)
    assert_array_equal(found.scale, [1.0, 1.0])
    assert (found.reference > 0.0).all()
