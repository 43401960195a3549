"""Gymnasium: its checker, its wrappers, its vector environments and its wrappers of these.

python examples/tools/gymnasium_wrappers.py [SEED [EPISODES]]
"""

import sys
import warnings

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import FlattenObservation, NormalizeObservation, RecordEpisodeStatistics
from gymnasium.wrappers import vector as of_vectors

import mecsim  # noqa: F401  (registers the ids)

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
EPISODES = int(sys.argv[2]) if sys.argv[2:] else 100
SCALE = (3221.26, 2.70366)  # what counts as one unit of delay (s) and of energy (J); both weigh alike

# The checker knows scalar rewards. It warns that sizes have no upper limit, and that what it checks is wrapped.
for name in ("offload", "cells"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(gym.make(f"mecsim/{name}-scalar-v0", disable_env_checker=True), skip_render_check=True)
    again = gym.make(gym.make(f"mecsim/{name}-scalar-v0", preference=(0.2, 0.8)).spec)
    print(f"{name}: checked, and made again from its specification: {again}")

# Environments in Gymnasium's own vectors, and a batch on one engine with Gymnasium's wrappers of vectors.
each = gym.make_vec("mecsim/offload-scalar-v0", num_envs=4, vectorization_mode="sync", scale=SCALE)
each = of_vectors.NormalizeReward(of_vectors.NormalizeObservation(of_vectors.RecordEpisodeStatistics(each)))
batch = gym.make_vec("mecsim/offload-v0", num_envs=4, scenario="gmorl", autoreset_mode="NEXT_STEP")
batch = of_vectors.NormalizeObservation(of_vectors.FlattenObservation(batch))
for vector in (each, batch):
    observation, _ = vector.reset(seed=0)
    for _ in range(101):
        observation, reward, terminated, truncated, info = vector.step(vector.action_space.sample())
    print(f"{vector}: observations {observation.shape}, rewards {reward.shape}")

# One at a time, with the wrappers of one.
env = gym.make("mecsim/offload-scalar-v0", engine="batched", scale=SCALE)
env = RecordEpisodeStatistics(NormalizeObservation(FlattenObservation(env)), buffer_length=EPISODES)
env.action_space.seed(SEED)
for episode in range(EPISODES):
    (_, info), over = env.reset(seed=None if episode else 10_000), False
    while not over:
        _, _, over, _, info = env.step(env.action_space.sample(info["action_mask"]))
print(f"random play: mean return {np.mean(env.return_queue):.4f}")
