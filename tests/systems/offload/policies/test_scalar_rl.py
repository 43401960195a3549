"""DQN and PPO learn which server serves their preference."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mecsim.policies.stable_baselines import DqnConfig, DqnPolicy, PpoConfig, PpoPolicy, trained
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Cloud, Edge, Servers
from mecsim.systems.offload.policies.simple import RandomPolicy
from tests.one_system import OffloadPolicy
from tests.one_system import play_offload as play
from tests.training.small import small_scenario

# An edge of 1 GHz consumes a sixteenth of what the cloud does, and takes four times as long.
SCENARIO = small_scenario(
    servers=Servers(cloud=Cloud(cpu_hz=Uniform(4e9, 4e9)), edge=Edge(count=CountRange(1, 1), cpu_hz=Uniform(1e9, 1e9)))
)
PPO_CONFIG = PpoConfig(steps=3_000, envs=16, rollout=20, batch=80)
DQN_CONFIG = DqnConfig(steps=6_000, envs=16, batch=64, replay=6_000, warm_up=300, target_every=200)


def totals(policy: OffloadPolicy, weight: float) -> NDArray[np.float64]:
    tapes = draw_tapes(SCENARIO, 0, 0, 128)
    return play(policy, SCENARIO, tapes, np.array([weight, 1.0 - weight])).totals.mean(axis=0)


@pytest.mark.parametrize("make", [lambda: PpoPolicy(SCENARIO, PPO_CONFIG), lambda: DqnPolicy(SCENARIO, DQN_CONFIG)])
def test_a_tiny_budget_learns_the_two_ends(make: Callable[..., OffloadPolicy]) -> None:
    cloud, edge = totals(RandomPolicy(0, p=1.0), 0.5), totals(RandomPolicy(0, p=0.0), 0.5)
    assert cloud[0] < edge[0]
    assert edge[1] < cloud[1]
    fast, frugal = totals(make(), 1.0), totals(make(), 0.0)
    assert fast[0] < 1.05 * cloud[0]
    assert frugal[1] < 1.05 * edge[1]


def test_torch_goes_on_with_the_random_numbers_it_had() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained.cache_clear()
    trained(SCENARIO, (0.5, 0.5), PpoConfig(steps=32, envs=4, rollout=8, batch=32, epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_training_meets_no_warning_about_batches() -> None:
    """The default rollout holds a whole number of batches, as PPO warns otherwise and would waste the rest."""
    config = PpoConfig()
    assert config.envs * config.rollout % config.batch == 0
