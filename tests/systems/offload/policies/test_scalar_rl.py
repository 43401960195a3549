"""DQN and PPO learn which server serves their preference."""

import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.envs.sb3 import flat_observation
from mecsim.errors import InputError
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.stable_baselines import (
    DqnConfig,
    DqnPolicy,
    MaskablePpoConfig,
    MaskablePpoPolicy,
    PpoConfig,
    PpoPolicy,
    trained,
)  # fmt: skip
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


def test_masks_are_kept_and_learned_with() -> None:
    pytest.importorskip("sb3_contrib")
    scenario = small_scenario(
        servers=Servers(
            cloud=Cloud(cpu_hz=Uniform(4e9, 4e9)), edge=Edge(count=CountRange(1, 3), cpu_hz=Uniform(1e9, 1e9))
        )
    )
    policy = MaskablePpoPolicy(scenario, MaskablePpoConfig(steps=3_000, envs=16, rollout=20, batch=80))
    tapes = draw_tapes(scenario, 0, 0, 64)
    engine, chosen = Checked(policy), np.array([0.0, 1.0])
    fast = play(engine, scenario, tapes, 1.0 - chosen).totals.mean(axis=0)
    frugal = play(engine, scenario, tapes, chosen).totals.mean(axis=0)
    assert fast[0] < frugal[0]
    assert frugal[1] < fast[1]
    assert engine.absent > 0


class Checked:
    """Plays another policy, and sees that it never chooses what is absent."""

    def __init__(self, policy: MaskablePpoPolicy) -> None:
        self.absent = 0
        self._policy = policy

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        [row] = np.unique(preference, axis=0)
        model = trained(self._policy._scenario, tuple(row.tolist()), self._policy._config)
        mask = observation["mask"]
        raw, _ = model.predict(flat_observation(observation), deterministic=True, action_masks=mask)
        action = self._policy.act(episodes, observation, preference)
        np.testing.assert_array_equal(action, raw)  # nothing had to be put in the place of what is absent
        self.absent += int((mask == 0).sum())
        return action


def test_without_the_package_one_line_tells_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    trained.cache_clear()
    with pytest.raises(InputError, match=r"maskable-ppo needs sb3-contrib: pip install 'mecsim\[sb3\]'"):
        totals(MaskablePpoPolicy(SCENARIO), 0.5)


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
