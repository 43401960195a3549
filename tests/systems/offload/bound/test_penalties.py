"""Penalties cost who does not know the future nothing, but for chance, and who knows it something."""

from typing import Any

import numpy as np
import pytest

from mecsim.core.relaxation import Relaxation
from mecsim.errors import InputError
from mecsim.policies import GreedyPolicy
from mecsim.policies.policy import play_actions
from mecsim.scenario import with_context
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.bound.penalties import penalties
from mecsim.systems.offload.bound.relaxation import episode_bounds
from mecsim.systems.offload.demand import Dispatch, Episode, Tasks, TaskSize, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Cloud, Device, Edge, Servers
from mecsim.systems.offload.policies.shortest_work import JoinShortestWorkPolicy
from mecsim.systems.offload.scenario import OffloadScenario
from tests.systems.offload.offloading import make_scenario, num_options
from tests.systems.offload.policies.test_lookahead import SCALE, scenario_of

EPISODES, AT_ONCE = 2048, 64


def scenario_with(queue: Any) -> OffloadScenario:
    """Sizes that depend on the servers of the episode and are clipped often, and tasks that wait."""
    return make_scenario(
        episode=Episode(steps=6),
        users=Users(count=3, arrival_rate_per_s=0.4),
        tasks=Tasks(
            size=TaskSize(clip_bit=Uniform(1e6, 6e6)), deadline_s=Uniform(0.5, 9.0) if queue == "edf" else None
        ),
        dispatch=Dispatch(queue=queue),
        servers=Servers(
            cloud=Cloud(count=1, cpu_hz=Uniform(1e9, 4e9)),
            edge=Edge(count=CountRange(1, 3), cpu_hz=Uniform(0.5e9, 4e9)),
            device=Device(cpu_hz=Uniform(0.5e9, 1.5e9), capacitance=5e-30) if queue == "edf" else None,
        ),
    )


@pytest.mark.parametrize("queue", ["fifo", "edf"])
def test_they_are_fair(queue: str) -> None:
    """For greedy, the shortest queue, and each place among the options: zero within four standard errors."""
    scenario = scenario_with(queue)
    tapes = draw_tapes(scenario, 1, 0, EPISODES)
    wanted = np.tile([0.6, 0.4], (EPISODES, 1))
    parts = [
        penalties(scenario, draw_tapes(scenario, 1, first, AT_ONCE), wanted[:AT_ONCE], SCALE, 1, first)
        for first in range(0, EPISODES, AT_ONCE)
    ]
    charge = np.concatenate(parts)
    assert charge.std() > 0.003
    policies: list[Any] = [GreedyPolicy(SCALE), JoinShortestWorkPolicy()]
    schedules = [play_actions(policy, scenario, tapes, wanted) for policy in policies]
    options = num_options(tapes)[:, None]
    schedules += [np.broadcast_to(place % options, schedules[0].shape) for place in range(scenario.max_options)]
    for schedule in schedules:
        paid = np.take_along_axis(charge, schedule[:, :, None], axis=2).sum(axis=(1, 2))
        assert abs(paid.mean()) <= 4.0 * paid.std() / np.sqrt(EPISODES)
    known = charge.min(axis=2).sum(axis=1)  # who knows the future could have it otherwise
    assert known.mean() < -10.0 * known.std() / np.sqrt(EPISODES)


def test_what_is_absent_or_settled_is_free() -> None:
    scenario = scenario_with("fifo")
    tapes = draw_tapes(scenario, 1, 0, 64)
    charge = penalties(scenario, tapes, np.tile([0.6, 0.4], (64, 1)), SCALE, 1, 0)
    absent = np.arange(scenario.max_options) >= num_options(tapes)[:, None]
    assert absent.any()
    assert (charge.transpose(0, 2, 1)[absent] == 0.0).all()
    assert (charge[:, -1] == 0.0).all()
    energy = penalties(scenario, tapes, np.tile([0.0, 1.0], (64, 1)), SCALE, 1, 0)
    assert np.abs(energy - energy[:, :, :1])[~absent.any(axis=1)].max() < 1e-9  # nothing chosen now changes it


def test_a_bound_with_them_is_no_matter_of_who_asks() -> None:
    """Episodes 8 … 15 have the bound that they have among 0 … 15, and it is another one than without penalties."""
    scenario, wanted = scenario_of("plain", 0.4), np.array([0.6, 0.4])
    late = penalties(scenario, draw_tapes(scenario, 2, 8, 8), np.tile(wanted, (8, 1)), SCALE, 2, 8)
    every = penalties(scenario, draw_tapes(scenario, 2, 0, 16), np.tile(wanted, (16, 1)), SCALE, 2, 0)
    assert (late == every[8:]).all()
    with_them = episode_bounds(scenario, wanted, SCALE, Relaxation(2, 0, 8, penalty=0.3))
    without = episode_bounds(scenario, wanted, SCALE, Relaxation(2, 0, 8))
    assert (with_them != without).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channel.fading": "step"}, "links that last an episode"),
        ({"arrivals.model": "gamma"}, "arrivals without memory"),
    ],
)
def test_unknown_laws_are_refused(change: dict[str, str], message: str) -> None:
    scenario = with_context(scenario_of("plain", 0.4), change)
    assert isinstance(scenario, OffloadScenario)
    with pytest.raises(InputError, match=message):
        episode_bounds(scenario, np.array([0.5, 0.5]), SCALE, Relaxation(0, 0, 2, penalty=0.5))
    assert np.isfinite(episode_bounds(scenario, np.array([0.5, 0.5]), SCALE, Relaxation(0, 0, 2))).all()
