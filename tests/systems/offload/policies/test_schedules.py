"""Open-loop schedules: their costs, and what annealing and NSGA-II make of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.errors import InputError
from mecsim.policies import calibrate
from mecsim.policies.fitting import training_tapes
from mecsim.systems.offload.demand import Episode
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.policies.annealing import AnnealingConfig, AnnealingPolicy, annealed
from mecsim.systems.offload.policies.nsga2 import Nsga2Config, Nsga2Policy, ScheduleFront, schedule_front
from mecsim.systems.offload.policies.schedules import ScheduleCosts, random_schedules
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import play_offload as play
from tests.systems.offload.fitted import DEVICE, NO_CLOUD, ONE_OBJECTIVE, RANGE, SMALL, TURNED
from tests.training.small import small_scenario

ANNEALING = AnnealingConfig(evaluations=600, episodes=16, starts=8)
NSGA2 = Nsga2Config(population=20, generations=20, episodes=16)
WEIGHTS = [0.5, 0.7, 0.9]  # below, the best is no cloud at all, which some random schedules are
LONG = small_scenario(episode=Episode(steps=30))  # too many schedules to meet a good one by chance


class Fixed:
    """Plays a schedule, read off step by step."""

    def __init__(self, schedule: NDArray[np.int64]) -> None:
        self.schedule = schedule

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        last = observation["mask"].sum(axis=1) - 1
        return np.minimum(self.schedule[episodes.step_index], last).astype(np.int64)


@pytest.mark.parametrize("scenario", [SMALL, RANGE, NO_CLOUD, ONE_OBJECTIVE, TURNED, DEVICE])
@pytest.mark.parametrize("episodes", [3, 600])
def test_costs_are_the_means_of_playing_each(scenario: OffloadScenario, episodes: int) -> None:
    schedules = random_schedules(scenario, np.random.default_rng(0), 5)
    costs = ScheduleCosts(scenario, episodes)
    tapes = training_tapes(draw_tapes, scenario, 0, episodes)
    preference = np.full(len(scenario.objectives), 1.0 / len(scenario.objectives))
    expected = [play(Fixed(s), scenario, tapes, preference).totals.mean(axis=0) for s in schedules]
    assert_allclose(costs(schedules), expected)
    assert_allclose(costs(schedules[:1]), expected[:1])  # another number than before


def test_random_schedules_span_all_shares_of_the_cloud() -> None:
    schedules = random_schedules(SMALL, np.random.default_rng(0), 40)
    share = (schedules == 0).mean(axis=1)
    assert share[0] == 0.0
    assert share[-1] == 1.0
    assert np.corrcoef(share, np.arange(40))[0, 1] > 0.9
    assert set(np.unique(schedules)) == {0, 1, 2}
    assert set(np.unique(random_schedules(NO_CLOUD, np.random.default_rng(0), 40))) == {0, 1, 2}


def scalar(weight: float) -> NDArray[np.float64]:
    return np.array([weight, 1.0 - weight]) / calibrate(LONG).scale


@pytest.mark.parametrize("weight", WEIGHTS)
def test_annealing_beats_as_many_random_schedules(weight: float) -> None:
    costs = ScheduleCosts(LONG, ANNEALING.episodes)
    random = random_schedules(LONG, np.random.default_rng(1), ANNEALING.evaluations)
    found = annealed(LONG, (weight, 1.0 - weight), ANNEALING)
    assert costs(found[None])[0] @ scalar(weight) < 0.99 * (costs(random) @ scalar(weight)).min()


def test_annealing_finds_the_cheapest_server() -> None:
    """For energy alone every entry should be an edge: an edge consumes a quarter of what the cloud does."""
    found = annealed(LONG, (0.0, 1.0), ANNEALING)
    assert (found > 0).all()


def test_a_schedule_is_played_as_it_is() -> None:
    tapes = draw_tapes(RANGE, 0, 0, 12)
    for policy, schedule in (
        (AnnealingPolicy(RANGE, ANNEALING), annealed(RANGE, (0.5, 0.5), ANNEALING)),
        (Nsga2Policy(RANGE, NSGA2), cheapest(schedule_front(RANGE, NSGA2), RANGE)),
    ):
        played, expected = (play(p, RANGE, tapes, np.array([0.5, 0.5])).totals for p in (policy, Fixed(schedule)))
        assert_array_equal(played, expected)


def cheapest(front: ScheduleFront, scenario: OffloadScenario) -> NDArray[np.int64]:
    return front.schedules[(front.costs / calibrate(scenario).scale).sum(axis=1).argmin()]


def test_the_front_of_nsga2_is_non_dominated_and_costs_what_it_says() -> None:
    front = schedule_front(SMALL, NSGA2)
    assert len(front.costs) > 3
    for cost in front.costs:
        assert not ((front.costs <= cost).all(axis=1) & (front.costs < cost).any(axis=1)).any()
    assert_allclose(ScheduleCosts(SMALL, NSGA2.episodes)(front.schedules), front.costs)
    assert ((front.schedules >= 0) & (front.schedules <= 2)).all()


@pytest.mark.parametrize("weight", WEIGHTS)
def test_nsga2_beats_as_many_random_schedules(weight: float) -> None:
    costs = ScheduleCosts(LONG, NSGA2.episodes)
    random = random_schedules(LONG, np.random.default_rng(1), NSGA2.population * NSGA2.generations)
    assert (schedule_front(LONG, NSGA2).costs @ scalar(weight)).min() < (costs(random) @ scalar(weight)).min()


def test_one_objective_leaves_one_cost() -> None:
    front = schedule_front(ONE_OBJECTIVE, NSGA2)
    assert front.costs.shape[1] == 1
    assert_array_equal(front.costs, front.costs.min())


def test_a_budget_too_small_for_annealing() -> None:
    with pytest.raises(InputError, match="uses 64 evaluations to start with and has 64: give it more"):
        AnnealingConfig(evaluations=64)
