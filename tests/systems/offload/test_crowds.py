"""Servers with more tasks than are walked: what their index says agrees with SimPy, and copies carry it."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.physics.processor_sharing import CROWD
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.demand import Episode, Tasks, TaskSize, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import EXECUTING, UPLOADING, column_weights
from mecsim.systems.offload.network import Channel, Cloud, Device, Edge, Servers
from mecsim.systems.offload.scenario import Histogram, Observation, OffloadScenario
from tests.systems.offload.offloading import ENGINES, assert_same_play, make_scenario, play, random_actions
from tests.systems.offload.policies.test_lookahead import DEVICE, preferences
from tests.systems.offload.test_rollouts import futures_of

STEPS = 3 * CROWD


def overloaded(bins: int = 5, bandwidth_hz: float = 2e5, device: Device | None = None) -> OffloadScenario:
    """A task in nearly every step, of ten seconds for a server of 1 GHz and a few of upload."""
    return make_scenario(
        episode=Episode(steps=STEPS),
        users=Users(count=4, arrival_rate_per_s=0.4),
        tasks=Tasks(size=TaskSize(mean_bit=1e7, distribution="exponential", clip_bit=Uniform(1e5, 1e8))),
        channel=Channel(bandwidth_hz=bandwidth_hz),
        servers=Servers(
            cloud=Cloud(count=1, cpu_hz=Uniform(2e9, 3e9)),
            edge=Edge(count=CountRange(1, 1), cpu_hz=Uniform(0.5e9, 1.5e9)),
            device=device,
        ),
        observation=Observation(histogram=Histogram(bins=bins)),
    )


@settings(max_examples=5)
@given(
    seed=st.integers(0, 2**32),
    bins=st.sampled_from([1, 5, 40]),
    bandwidth_hz=st.sampled_from([5e4, 2e5, 1e8]),
    device=st.sampled_from([None, DEVICE]),
)
def test_engines_agree(seed: int, bins: int, bandwidth_hz: float, device: Device | None) -> None:
    scenario = overloaded(bins, bandwidth_hz, device)
    tapes = draw_tapes(scenario, seed, 0, 1)
    actions = random_actions(tapes, seed, crowding=0.8)
    truth = play("simpy", scenario, tapes, actions)
    assert_same_play(truth, play("batched", scenario, tapes, actions))
    assert truth.options[..., EXECUTING].max() > CROWD


def test_crowds_have_uploads_on_the_way() -> None:
    """Guards the test above."""
    scenario = overloaded()
    tapes = draw_tapes(scenario, 1, 0, 2)
    rows = play("batched", scenario, tapes, random_actions(tapes, 1, crowding=0.8)).options
    assert (rows[rows[..., EXECUTING] > CROWD][:, UPLOADING] > 1).any()


def test_both_engines_value_options_alike() -> None:
    scenario = overloaded()
    tapes = draw_tapes(scenario, 3, 0, 2)
    weight = column_weights(scenario, preferences(2))
    engines = [make(scenario) for make in ENGINES.values()]
    for engine in engines:
        engine.begin(tapes)
    for action in random_actions(tapes, 3, crowding=0.8)[: 2 * CROWD]:
        for engine in engines:
            engine.step(action)
    fast = engines[list(ENGINES).index("batched")]
    assert isinstance(fast, BatchedOffloadEngine)
    assert fast.state.servers["executing"].max() > CROWD
    futures = futures_of(scenario, tapes, 3)
    truth, found = (engine.rollouts(futures, weight) for engine in engines)
    assert_allclose(truth, found, rtol=1e-9)
    assert_array_equal(fast.rollouts(futures, weight), fast.fork().rollouts(futures, weight))


@pytest.mark.parametrize("make", ["fork", "deepcopy", "pickle"])
def test_copies_go_on_by_themselves(make: str) -> None:
    scenario = overloaded(device=DEVICE)
    tapes = draw_tapes(scenario, 4, 0, 3)
    actions, others = (random_actions(tapes, seed, crowding=0.8) for seed in (4, 5))
    whole = play("batched", scenario, tapes, actions)
    engine = BatchedOffloadEngine(scenario)
    engine.begin(tapes)
    for action in actions[: 2 * CROWD]:
        engine.step(action)
    assert (engine.state.servers["executing"].max(axis=1) > CROWD).all()
    if make == "fork":
        copied = engine.fork()
    else:
        copied = copy.deepcopy(engine) if make == "deepcopy" else pickle.loads(pickle.dumps(engine))  # noqa: S301
    for action in others[2 * CROWD :]:  # leaves no trace in the copy
        engine.step(action)
        engine.option_rewards()
    for step in range(2 * CROWD, STEPS):
        assert_array_equal(-copied.option_rewards(), whole.option_costs[step])
        assert_array_equal(-copied.step(actions[step]), whole.cost[step])
    assert_array_equal(copied.records().finish_s, whole.records.finish_s)


def test_what_is_left_is_the_work_of_all() -> None:
    scenario = overloaded()
    tapes = draw_tapes(scenario, 6, 0, 2)
    engines = [make(scenario) for make in ENGINES.values()]
    for engine in engines:
        engine.begin(tapes)
    for action in random_actions(tapes, 6, crowding=0.8):
        one, other = (engine.backlog_s() for engine in engines)
        assert_allclose(one, other, rtol=1e-9)
        for engine in engines:
            engine.step(action)
