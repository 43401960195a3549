"""The bound against what schedules cost in the engine, every schedule of tiny episodes, and policies."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from mecsim.core.relaxation import Relaxation
from mecsim.errors import InputError
from mecsim.policies import GreedyPolicy
from mecsim.systems.offload.bound.dual import Effort, lower_bounds, set_cost
from mecsim.systems.offload.bound.inner import Inner, inner_problem, servers_of
from mecsim.systems.offload.bound.labels import Offer, cheapest, new_labels
from mecsim.systems.offload.bound.relaxation import episode_bounds
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import column_weights, offload_spec
from mecsim.systems.offload.policies.hindsight import HindsightPolicy
from mecsim.systems.offload.policies.lookahead import LookaheadPolicy
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import play_offload
from tests.systems.offload.offloading import play, random_actions, scenarios
from tests.systems.offload.policies.test_lookahead import OPTIONAL, SCALE, preferences, scenario_of

Array = NDArray[np.float64]

PLAIN = ["plain", "each task", "edf", "device", "fading"]
QUICK = Effort(steps=12, width=6, final_width=8)


def weights_of(scenario: OffloadScenario, count: int) -> Array:
    return column_weights(scenario, preferences(count) / SCALE)


def relaxed(
    scenario: OffloadScenario, tapes: OffloadTapes, schedule: NDArray[np.int64], effort: Effort, seed: int = 0
) -> tuple[Array, Array, Array]:
    """Bounds and costs of a schedule (N, T), with random penalties, and what the engine says of the latter."""
    count = len(tapes)
    penalty = np.random.default_rng(seed).normal(0.0, 0.1, (count, scenario.steps, scenario.max_options))
    weight = weights_of(scenario, count)
    bound, cost = lower_bounds(
        inner_problem(scenario, tapes, weight, penalty), servers_of(scenario, tapes, schedule), effort
    )
    played = play("batched", scenario, tapes, schedule.T)
    sent = played.records.task >= 0
    charged = np.take_along_axis(penalty, schedule[:, :, None], axis=2)[:, :, 0]
    told = (played.cost * weight[:, :2]).sum(axis=(0, 2)) + np.where(sent, charged, 0.0).sum(axis=1)
    return bound, cost, told


@settings(max_examples=25, deadline=None)
@given(scenarios(max_edges=4), st.integers(0, 2**32), st.sampled_from([0.0, 0.8]))
def test_no_schedule_undercuts_the_bound(scenario: OffloadScenario, seed: int, crowding: float) -> None:
    """What a schedule is thought to cost is what the engine says; the bound starts from it, and is not above it."""
    tapes = draw_tapes(scenario, seed, 0, 2)
    bound, cost, told = relaxed(scenario, tapes, random_actions(tapes, seed, crowding).T, QUICK, seed)
    assert_allclose(cost, told, rtol=1e-9, atol=1e-9)
    assert (bound <= cost + 1e-12).all()


@pytest.mark.parametrize("name", PLAIN)
def test_nor_with_what_is_optional(name: str) -> None:
    scenario = scenario_of(name, 0.4)
    if name == "edf":
        waiting = scenario.dispatch.model_copy(update={"waiting_in_delay": True})
        scenario = scenario.model_copy(update={"dispatch": waiting})
    tapes = draw_tapes(scenario, 3, 0, 12)
    bound, cost, told = relaxed(scenario, tapes, random_actions(tapes, 5).T, QUICK)
    assert_allclose(cost, told, rtol=1e-9)
    assert (bound <= cost).all()


@pytest.mark.parametrize("name", PLAIN)
def test_it_is_close_to_the_best_of_all_schedules(name: str) -> None:
    """Below the best schedule of each tiny episode, with penalties, and in the mean by less than three percent."""
    scenario = scenario_of(name, 0.4, edges=(1, 2))
    tapes, spec = draw_tapes(scenario, 4, 0, 10), offload_spec(scenario)
    penalty = np.random.default_rng(1).normal(0.0, 0.02, (10, spec.steps, spec.max_options))
    inner = inner_problem(scenario, tapes, weights_of(scenario, 10), penalty)
    bound, _ = lower_bounds(inner, servers_of(scenario, tapes, np.zeros((10, spec.steps), np.int64)), Effort())
    best = np.array([least_of_all(inner, n) for n in range(10)])
    assert (bound <= best).all()
    assert best.mean() - bound.mean() < 0.03 * best.mean()


def least_of_all(inner: Inner, n: int) -> float:
    """The least cost of all schedules of an episode: of sets of tasks, server by server."""
    live = np.flatnonzero(inner.size_bit[n] > 0.0)
    every = range(2 ** len(live))
    least = [0.0 if mask == 0 else np.inf for mask in every]
    for e in range(inner.offered.shape[1]):
        steps = inner.order[n, e, : inner.offered[n, e]]
        bits = [1 << int(np.searchsorted(live, step)) for step in steps]
        costs = {
            mask: set_cost(offer_of(inner, n, e), np.array([mask & bit > 0 for bit in bits], np.bool_))
            for mask in every
            if mask & ~sum(bits) == 0
        }
        least = [min(least[mask ^ some] + cost for some, cost in costs.items() if some & ~mask == 0) for mask in every]
    return least[-1]


def offer_of(inner: Inner, n: int, e: int) -> Offer:
    steps = inner.order[n, e, : inner.offered[n, e]]
    return Offer(
        inner.join_s[n, e][steps], inner.size_bit[n][steps], inner.price[n, e][steps], inner.s_per_bit[n, e],
        inner.bit_cost[n, e],
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.2, 1.0, 5.0]))
def test_a_server_buys_the_cheapest_set(seed: int, load: float) -> None:
    """Exactly with enough labels, for no more than that with few: all sets of nine tasks are tried."""
    rng = np.random.default_rng(seed)
    offer = Offer(np.sort(rng.uniform(0.0, 9.0 / load, 9)), rng.exponential(1.0, 9), -rng.exponential(3.0, 9), 1.0, 1.0)
    every = [np.array(bits) for bits in itertools.product([False, True], repeat=9)]
    least = min(set_cost(offer, taken) for taken in every)
    taken = np.zeros(9, np.bool_)
    assert cheapest(offer, 512, new_labels(1024), new_labels(1024), taken) == pytest.approx(least, rel=1e-9, abs=1e-9)
    assert set_cost(offer, taken) == pytest.approx(least, rel=1e-9, abs=1e-9)
    for width in (1, 2, 5):
        assert cheapest(offer, width, new_labels(2 * width), new_labels(2 * width), taken) <= least + 1e-9


def test_policies_stay_above_it() -> None:
    """On each episode even hindsight, as long as nothing is charged; the bound lies above nine tenths of its cost."""
    scenario, wanted = scenario_of("plain", 0.4), np.array([0.6, 0.4])
    tapes = draw_tapes(scenario, 0, 0, 20)
    bound = episode_bounds(scenario, wanted, SCALE, Relaxation(0, 0, 20))
    policies = GreedyPolicy(SCALE), LookaheadPolicy(scenario, SCALE, 0, 4, 4), HindsightPolicy(scenario, SCALE, 0)
    costs = [(play_offload(policy, scenario, tapes, wanted).totals / SCALE) @ wanted for policy in policies]
    assert (np.array(costs) >= bound).all()
    assert bound.mean() > 0.9 * costs[2].mean()
    harder = episode_bounds(scenario, wanted, SCALE, Relaxation(0, 0, 20, effort=3))
    assert harder.mean() >= bound.mean()
    assert (np.array(costs) >= harder).all()


@pytest.mark.parametrize("name", sorted(set(OPTIONAL) - set(PLAIN) - {"fading, priority"}))
def test_other_servers_are_refused(name: str) -> None:
    scenario = scenario_of(name, 0.4)
    with pytest.raises(InputError, match="no bound is known with interference, priorities"):
        episode_bounds(scenario, np.full(len(scenario.objectives), 0.5), np.ones(3), Relaxation(0, 0, 2))
