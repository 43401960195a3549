"""Policies against what they say they do, decision by decision."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays, EngineName
from mecsim.errors import InputError
from mecsim.policies import GreedyPolicy, Policy, PolicyOf, calibrate, named_policy, policies_of
from mecsim.scenario import with_context
from mecsim.schema.units import CountRange
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.episodes import OffloadEpisodes, batched_episodes
from mecsim.systems.offload.network import Cloud, Edge, Servers
from mecsim.systems.offload.policies.simple import CloudPolicy, RandomPolicy
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import OffloadPolicy, offload_scenario
from tests.one_system import play_offload as play
from tests.systems.offload.fitted import DEVICE, SMALL_BUDGETS
from tests.systems.offload.oracles import cpu_hz, work_left_s
from tests.training.small import small_scenario

GMORL = with_context(offload_scenario("gmorl"), {"episode.steps": "12"})
QUICK = [name for name in policies_of(GMORL) if name not in SMALL_BUDGETS]  # test_fitted.py has the others
NO_CLOUD = small_scenario(servers=Servers(cloud=Cloud(count=0), edge=Edge(count=CountRange(1, 5))))


def random_preferences(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Rows on the simplex, the corners among them."""
    preferences = np.random.default_rng(seed).dirichlet([1.0, 1.0], count)
    preferences[:2] = np.eye(2)
    return preferences


class Checked:
    """Plays a policy and keeps each decision with the costs that were known when it was made."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.decisions: list[tuple[NDArray[np.float64], NDArray[np.int64]]] = []

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        action = self.policy.act(episodes, observation, preference)
        self.decisions.append((-episodes.option_rewards(), action))
        return action


@pytest.mark.parametrize("engine", ["batched", "simpy"])
def test_greedy_takes_the_least_weighted_cost(engine: EngineName) -> None:
    tapes = draw_tapes(GMORL, 3, 0, 30 if engine == "batched" else 6)
    preference, scale = random_preferences(len(tapes)), np.array([200.0, 0.5])
    checked = Checked(GreedyPolicy(scale))
    play(checked, GMORL, tapes, preference, engine)
    assert len(checked.decisions) == 12
    several = 0
    for costs, action in checked.decisions:
        for episode, chosen in enumerate(action):
            options = [
                sum(w * c / s for w, c, s in zip(preference[episode], costs[episode, server], scale, strict=True))
                for server in range(tapes.num_servers[episode])
            ]
            assert 0 <= chosen < len(options)
            assert options[chosen] <= min(options) * (1.0 + 1e-12)
            several += min(options) < max(options)
    assert several > len(tapes)  # decisions that matter


def test_greedy_follows_its_preference_and_the_scale() -> None:
    tapes = draw_tapes(GMORL, 0, 0, 40)
    scale = calibrate(GMORL).scale
    totals = [play(GreedyPolicy(scale), GMORL, tapes, np.array([w, 1.0 - w])) for w in (1.0, 0.5, 0.0)]
    delays, energies = [p.shown("delay").mean() for p in totals], [p.shown("energy").mean() for p in totals]
    assert delays[0] < delays[1] < delays[2]
    assert energies[0] > energies[1] > energies[2]
    # Ten times the scale of an objective is a tenth of its weight.
    one = play(GreedyPolicy(scale * [10.0, 1.0]), GMORL, tapes, np.array([0.5, 0.5]))
    other = play(GreedyPolicy(scale), GMORL, tapes, np.array([0.05, 0.5]) / 0.55)
    assert_array_equal(one.records.server, other.records.server)


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("scenario", [GMORL, NO_CLOUD], ids=["cloud", "no cloud"])
def test_only_servers_that_exist_are_chosen(name: str, scenario: OffloadScenario) -> None:
    tapes = draw_tapes(scenario, 1, 0, 64)
    assert tapes.num_servers.min() < tapes.num_servers.max()
    checked = Checked(named_policy(name, scenario)(0))
    play(checked, scenario, tapes, random_preferences(len(tapes)))
    for _, action in checked.decisions:
        assert action.shape == (64,)
        assert action.dtype == np.int64
        assert (action >= 0).all()
        assert (action < tapes.num_servers).all()


def chosen_servers(
    policy: OffloadPolicy, scenario: OffloadScenario, preference: Sequence[float], episodes: int = 3000
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Many independent decisions, with the number of servers that each could choose from."""
    tapes = draw_tapes(scenario, 0, 0, episodes)
    played = batched_episodes(scenario)
    observation = played.begin(tapes)
    wanted = np.tile(preference, (episodes, 1))
    own = cast(PolicyOf[OffloadEpisodes], policy)
    actions = [own.act(played, observation, wanted) for _ in range(5)]
    return np.concatenate(actions), np.tile(tapes.num_servers, 5)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.85, 1.0])
def test_random_sends_the_share_p_to_the_cloud(p: float) -> None:
    chosen, servers = chosen_servers(RandomPolicy(0), small_scenario(), [p, 1.0 - p])
    deviation = 5.0 * np.sqrt(p * (1.0 - p) / len(chosen))
    assert_allclose((chosen == 0).mean(), p, atol=deviation)
    edges = chosen[chosen > 0]
    if len(edges):
        shares = np.bincount(edges, minlength=3)[1:] / len(edges)
        assert_allclose(shares, 0.5, atol=5.0 * 0.5 / np.sqrt(len(edges)))
    assert (chosen < servers).all()


def test_edge_never_takes_the_cloud_and_spreads_over_all_edges() -> None:
    chosen, servers = chosen_servers(named_policy("edge", GMORL)(0), GMORL, [1.0, 0.0])
    assert chosen.min() == 1
    for count in range(2, 10):
        share = np.bincount(chosen[servers == count], minlength=count)[1:] / (servers == count).sum()
        assert_allclose(share, 1.0 / (count - 1), atol=0.06)


def test_without_a_cloud_random_is_uniform_over_the_edges() -> None:
    chosen, servers = chosen_servers(RandomPolicy(0), NO_CLOUD, [0.9, 0.1])
    for count in range(1, 6):
        share = np.bincount(chosen[servers == count], minlength=count) / (servers == count).sum()
        assert_allclose(share, 1.0 / count, atol=0.06)


@pytest.mark.parametrize("name", ["random", "edge"])
def test_random_never_takes_the_device(name: str) -> None:
    """It spreads over the servers alone, also where the user's device is an option more."""
    chosen, servers = chosen_servers(named_policy(name, DEVICE)(0), DEVICE, [0.3, 0.7])
    assert (chosen < servers).all()
    assert (chosen == servers - 1).any()


@pytest.mark.parametrize("engine", ["batched", "simpy"])
@pytest.mark.parametrize("scenario", [GMORL, DEVICE], ids=["servers", "device"])
def test_the_shortest_work_is_joined(engine: EngineName, scenario: OffloadScenario) -> None:
    """The least of what the records say is left on each server and on its way there; the fastest of equals."""
    tapes = draw_tapes(scenario, 5, 0, 8)
    checked = Checked(named_policy("join-shortest-work", scenario)(0))
    records = play(checked, scenario, tapes, np.array([0.5, 0.5]), engine).records
    ties = 0
    for n, step in zip(*np.nonzero(records.dispatched), strict=True):
        servers = list(range(tapes.num_servers[n]))
        if scenario.servers.device:
            servers.append(scenario.max_servers + records.user[n, step])
        speeds = np.array([cpu_hz(scenario, tapes, n, e) for e in servers])
        now_s = float(tapes.decision_s[n, step])
        left_s = np.array(
            [work_left_s(records, n, e, int(step), now_s, s) for e, s in zip(servers, speeds, strict=True)]
        )
        shortest = left_s < left_s.min() + 1e-6
        chosen = checked.decisions[step][1][n]
        assert shortest[chosen]
        assert speeds[chosen] == speeds[shortest].max()
        ties += shortest.sum() > 1
    assert 0 < ties < records.dispatched.sum()


def test_cloud_takes_the_first_server() -> None:
    chosen, _ = chosen_servers(CloudPolicy(), NO_CLOUD, [0.5, 0.5], episodes=10)
    assert not chosen.any()


@pytest.mark.parametrize("name", QUICK)
def test_a_seed_repeats_a_policy(name: str) -> None:
    tapes = draw_tapes(GMORL, 0, 0, 20)
    make = named_policy(name, GMORL)
    first, again, other = (play(make(s), GMORL, tapes, np.array([0.5, 0.5])).records.server for s in (7, 7, 8))
    assert_array_equal(first, again)
    if name != "hindsight":  # whose seeds may well find the same schedules
        assert (first != other).any() == (name in ("random", "edge", "lookahead"))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'gredy', did you mean 'greedy'\?"):
        named_policy("gredy", GMORL)


@pytest.mark.parametrize("engine", ["batched", "simpy"])
def test_totals_are_those_of_the_tasks(engine: EngineName) -> None:
    scenario = small_scenario(objectives=("energy", "delay"))
    tapes = draw_tapes(scenario, 0, 0, 6)
    played = play(RandomPolicy(1), scenario, tapes, np.array([0.5, 0.5]), engine)
    records = played.records
    done = records.dispatched
    assert done.any()
    assert_allclose(played.shown("delay"), np.where(done, records.delay_s, 0.0).sum(axis=1), rtol=1e-9)
    assert_allclose(played.shown("energy"), np.where(done, records.energy_j, 0.0).sum(axis=1), rtol=1e-9)
    assert_array_equal(played.totals, np.stack([played.shown("energy"), played.shown("delay")], axis=1))


def test_one_preference_for_all_is_the_same_as_one_each() -> None:
    tapes = draw_tapes(GMORL, 0, 0, 10)
    policy = GreedyPolicy(calibrate(GMORL).scale)
    preferences = random_preferences(10)
    together = play(policy, GMORL, tapes, preferences)
    for episode, preference in enumerate(preferences):
        alone = play(policy, GMORL, tapes.select(slice(episode, episode + 1)), preference)
        assert_array_equal(alone.records.server[0], together.records.server[episode])
