"""`mecsim/cells-v0` keeps the contracts of Gymnasium and MO-Gymnasium, and its rewards are what they say."""

import pickle

import gymnasium as gym
import mo_gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from mecsim.core.episodes import EngineName
from mecsim.core.seeds import Stream
from mecsim.core.system import new_episodes
from mecsim.envs import BatchVectorEnv, LinearReward
from mecsim.errors import InputError
from mecsim.policies import calibrate, named_policy, policies_of
from mecsim.scenario import with_context
from mecsim.systems.cells.environment import CellsEnv
from mecsim.systems.cells.layout import PREDICTED, REJECT
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.offload.environment import OffloadEnv
from tests.envs.contract import CELLS, ENGINES, assert_same, rollout
from tests.one_system import cells_scenario, draw_cells
from tests.one_system import play_cells as play


def short(name: str = "personalized-quick", requests: int = 12, **changes: str) -> CellsScenario:
    scenario = with_context(cells_scenario(name), {"episode.requests": str(requests), **changes})
    assert isinstance(scenario, CellsScenario)
    return scenario


@pytest.mark.parametrize(("name", "engine"), CELLS)
@pytest.mark.filterwarnings("ignore:.*A Box observation space m(in|ax)imum value is:UserWarning")
@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version:UserWarning")
@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes:UserWarning")
def test_gymnasium_checker(name: str, engine: EngineName) -> None:
    check_env(LinearReward(CellsEnv(short(name), engine), [0.3, 0.7]))


@pytest.mark.parametrize(("name", "engine"), CELLS)
def test_mo_gymnasium_conventions(name: str, engine: EngineName) -> None:
    scenario = short(name)
    env = mo_gymnasium.make("mecsim/cells-v0", scenario=scenario, engine=engine)
    inner = env.unwrapped
    assert isinstance(inner, CellsEnv)
    assert isinstance(inner.reward_space, gym.spaces.Box)
    assert inner.reward_space.shape == (inner.reward_dim,) == (2,)
    observation, info = env.reset(seed=1)
    assert observation in env.observation_space
    for request in range(scenario.episode.requests):
        np.testing.assert_array_equal(info["action_mask"], observation["mask"])
        np.testing.assert_array_equal(info["predicted_satisfaction"], observation["options"][:, PREDICTED])
        observation, reward, terminated, truncated, info = env.step((request + 1) % inner.episodes.action_space.n)
        assert observation in env.observation_space
        assert isinstance(reward, np.ndarray)
        assert reward in inner.reward_space
        assert reward.dtype == np.float32
        expected = [info["satisfaction"] / scenario.episode.requests, info["saved_resources"]]
        np.testing.assert_allclose(reward, expected, rtol=1e-6)
        assert not truncated
    assert terminated
    with pytest.raises(InputError, match="the episode is over"):
        inner.step(np.int64(0))


@pytest.mark.parametrize("engine", ENGINES)
def test_resets_reproduce_and_go_on(engine: EngineName) -> None:
    env, again = (CellsEnv(short(), engine) for _ in range(2))
    for one, other in zip(rollout(env, 7, 40), rollout(again, 7, 40), strict=True):
        assert_same(one, other)
    tapes = draw_cells(short(), 7, 0, 2, Stream.TRAINING)
    for n in range(2):
        _, info = env.reset(seed=7 if n == 0 else None)
        predicted = tapes.predicted[n, 0].astype(np.float32)
        np.testing.assert_array_equal(info["predicted_satisfaction"][1:], predicted)
    assert pickle.loads(pickle.dumps(env)).scenario == env.scenario  # noqa: S301


@pytest.mark.parametrize("name", ["personalized-cell", "personalized-city"])
def test_both_engines_show_the_same(name: str) -> None:
    one, other = (rollout(CellsEnv(short(name, 30), engine), 3, 60) for engine in ENGINES)
    for a, b in zip(one, other, strict=True):
        for key in a if isinstance(a, dict) else ():
            np.testing.assert_allclose(a[key], b[key], rtol=1e-5, atol=1e-7, err_msg=key)
        if not isinstance(a, dict):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_rewards_follow_the_order_of_the_objectives_and_sum_up() -> None:
    """An episode's sum is its mean satisfaction, and the share of the demanded block-seconds that it saved."""
    scenario = short(objectives="[saved_resources, satisfaction]")
    env = CellsEnv(scenario)
    env.reset(seed=2)
    total = np.zeros(2)
    rng = np.random.default_rng(0)
    for _ in range(scenario.episode.requests):
        total += env.step(np.int64(rng.integers(env.episodes.action_space.n)))[1]
    records = env.episodes.records()
    tapes = env.episodes.tapes
    assert tapes is not None
    demanded = tapes.demanded_block_s.sum()
    used = (records.blocks * (records.end_s - records.start_s)).sum()
    np.testing.assert_allclose(total, [1.0 - used / demanded, records.satisfaction.mean()], rtol=1e-5)


def test_promised_costs_are_shown_and_kept_when_durations_are_fixed() -> None:
    """With an oracle and sessions of equal length, what an option promises is what it brings."""
    call = "{call: {min_rate: 100 kbit/s, demand_rate: 500 kbit/s, duration: 60 s, duration_distribution: fixed}}"
    people = "{person: {share: 1}}"
    scenario = short(requests=12, **{"population.applications": call, "population.personas": people})
    env = CellsEnv(scenario, "batched")
    observation, _ = env.reset(seed=5)
    for _ in range(scenario.episode.requests):
        promised = env.option_rewards()
        valid = observation["mask"] != 0
        assert np.isneginf(promised[~valid]).all()
        columns = list(env.episodes.cost_columns or ())
        np.testing.assert_allclose(-observation["options"][valid][:, columns], promised[valid], rtol=1e-5, atol=1e-8)
        action = int(np.flatnonzero(valid)[-1])
        observation, reward, *_ = env.step(np.int64(action))
        np.testing.assert_allclose(reward, promised[action], rtol=1e-5, atol=1e-8)


def test_what_cannot_be_taken_rejects() -> None:
    scenario = short("personalized-cell", 80, **{"cells.blocks": "4"})
    episodes = new_episodes(scenario, "batched")
    observation = episodes.begin(draw_cells(scenario, 0, 0, 3))
    refused = 0
    while not episodes.over:
        impossible = observation["mask"][:, -1] == 0
        refused += int(impossible.sum())
        observation, _, rewards = episodes.step(np.full(3, episodes.max_options - 1))
        np.testing.assert_array_equal(rewards[impossible, 0], 0.0)
    records = episodes.records()
    assert isinstance(records, CellsRecords)
    assert refused == (records.option == REJECT).sum() > 0


@pytest.mark.parametrize("name", sorted(policies_of(short())))
def test_policies_play(name: str) -> None:
    scenario = short("personalized-city", 20)
    tapes = draw_cells(scenario, 0, 0, 4)
    wanted = np.array([0.7, 0.3])
    one, again = (play(named_policy(name, scenario)(3), scenario, tapes, wanted) for _ in range(2))
    np.testing.assert_array_equal(one.totals, again.totals)
    assert (one.totals >= 0.0).all()
    assert (one.totals <= np.array([5.0, 1.0]) + 1e-9).all()


def test_universal_fit_gives_the_demanded_rate_and_minimum_the_least() -> None:
    scenario = short("personalized-cell", 100)
    tapes = draw_cells(scenario, 0, 0, 8)
    for name, level in (("universal", scenario.service.levels), ("minimum", 1)):
        records = play(named_policy(name, scenario)(0), scenario, tapes, np.array([0.5, 0.5])).records
        assert set(np.unique(records.level)) <= {0, level}
        assert (records.level == level).mean() > 0.5


def test_greedy_takes_the_best_promise() -> None:
    scenario = short("personalized-city", 20)
    episodes = new_episodes(scenario, "batched")
    tapes = draw_cells(scenario, 0, 0, 4)
    observation = episodes.begin(tapes)
    policy, wanted = named_policy("greedy", scenario)(0), np.tile([0.6, 0.4], (4, 1))
    scale = calibrate(scenario).scale
    while not episodes.over:
        action = policy.act(episodes, observation, wanted)
        promised = (episodes.option_rewards() / scale * wanted[:, None]).sum(axis=2)
        np.testing.assert_allclose(promised[np.arange(4), action], promised.max(axis=1))
        observation, _, _ = episodes.step(action)


def test_vectors_play_copies_of_an_episode() -> None:
    vector = BatchVectorEnv(short(), 4, seed=1, copies=2)
    observation, _ = vector.reset(seed=1)
    np.testing.assert_array_equal(observation["options"][0], observation["options"][1])
    assert not np.array_equal(observation["options"][0], observation["options"][2])
    for _ in range(12):
        _, reward, ended, _, info = vector.step(np.array([0, 1, 0, 1]))
    assert ended.all()
    assert reward.shape == (4, 2)
    assert info["final_info"]["satisfaction"].shape == (4,)


def test_wrong_use_is_an_error_in_one_line() -> None:
    with pytest.raises(InputError, match="CellsEnv needs a scenario of kind cells, not offload"):
        CellsEnv("quickstart")
    with pytest.raises(InputError, match="OffloadEnv needs a scenario of kind offload, not cells"):
        OffloadEnv("personalized-quick")
    with pytest.raises(InputError, match="no engine of cells is called 'fast'"):
        CellsEnv(short(), "fast")  # type: ignore[arg-type]
    env = CellsEnv(short())
    with pytest.raises(InputError, match="call reset first"):
        env.step(np.int64(0))
    env.reset(seed=0)
    with pytest.raises(InputError, match="names no option"):
        env.step(np.int64(-1))
