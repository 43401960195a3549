"""Returns of vector environments, against sums made by hand, whatever the autoreset mode is."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

import mecsim
from mecsim.envs import BatchVectorEnv, RecordVectorStatistics
from mecsim.errors import InputError
from mecsim.systems.offload.environment import OffloadEnv
from tests.envs.contract import short

STEPS, ENVS, EPISODES, GAMMA = 5, 3, 3, 0.9


def by_hand(seed: int) -> np.ndarray[Any, Any]:
    """The rewards of each episode of a vector environment, (EPISODES, STEPS, ENVS, objectives)."""
    env = BatchVectorEnv(short(steps=STEPS), ENVS, seed, autoreset_mode="DISABLED")
    rewards = []
    for episode in range(EPISODES):
        env.reset()
        rewards.append([env.step(np.full(ENVS, (episode + step) % 3))[1] for step in range(STEPS)])
    return np.array(rewards, np.float64)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_every_episode_counts_once(mode: AutoresetMode) -> None:
    env = RecordVectorStatistics(mecsim.make_vec(short(steps=STEPS), ENVS, 4, autoreset_mode=mode), GAMMA)
    env.reset()
    found = []
    for episode in range(EPISODES):
        for step in range(STEPS):
            *_, terminated, _, info = env.step(np.full(ENVS, (episode + step) % 3))
            assert ("episode" in info) == (step == STEPS - 1) == bool(terminated.all())
        assert info["_episode"].all()
        found.append(info["episode"])
        if mode is AutoresetMode.NEXT_STEP:
            assert "episode" not in env.step(np.zeros(ENVS, np.int64))[-1]
        if mode is AutoresetMode.DISABLED:
            env.reset()
    rewards = by_hand(4)
    for episode, told in enumerate(found):
        assert told["l"].tolist() == [STEPS] * ENVS
        np.testing.assert_allclose(told["r"], rewards[episode].sum(axis=0), rtol=1e-6)
        discounted = np.tensordot(GAMMA ** np.arange(STEPS), rewards[episode], 1)
        np.testing.assert_allclose(told["dr"], discounted, rtol=1e-6)


def test_environments_of_others_end_when_they_like() -> None:
    """Two environments of different length side by side, in the mode of MO-Gymnasium."""
    lengths = (3, 5)
    env = RecordVectorStatistics(
        MOSyncVectorEnv(iter([partial(OffloadEnv, short(steps=n), "batched") for n in lengths]))
    )
    env.reset(seed=1)
    told: list[tuple[int, int]] = []
    for _ in range(12):
        info = env.step(np.zeros(2, np.int64))[-1]
        if "episode" in info:
            told += [(int(which), int(info["episode"]["l"][which])) for which in np.flatnonzero(info["_episode"])]
            assert (info["episode"]["l"][~info["_episode"]] == 0).all()
    assert told == [(0, 3), (1, 5), (0, 3), (0, 3), (1, 5)]


def test_a_reset_in_mid_episode_begins_anew() -> None:
    env = RecordVectorStatistics(mecsim.make_vec(short(steps=STEPS), ENVS))
    env.reset()
    env.step(np.zeros(ENVS, np.int64))
    env.reset()
    for _ in range(STEPS):
        info = env.step(np.zeros(ENVS, np.int64))[-1]
    assert info["episode"]["l"].tolist() == [STEPS] * ENVS


def test_environments_without_a_mode() -> None:
    vector = mecsim.make_vec(short(steps=STEPS), ENVS)
    vector.metadata = {}
    with pytest.raises(InputError, match="autoreset_mode"):
        RecordVectorStatistics(vector)
