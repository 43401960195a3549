"""MO-Gymnasium: `make`, its wrappers and its vector environment, on the vector reward.

python examples/tools/mo_gymnasium_wrappers.py [SEED [EPISODES]]
"""

import sys

import mo_gymnasium
import numpy as np
from mo_gymnasium.wrappers import LinearReward, MONormalizeReward, MORecordEpisodeStatistics
from mo_gymnasium.wrappers.vector import MORecordEpisodeStatistics as OfVectors
from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

import mecsim  # noqa: F401  (registers the ids)

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
EPISODES = int(sys.argv[2]) if sys.argv[2:] else 100
SCALE = np.array([3221.26, 2.70366])  # what counts as one unit of delay (s) and of energy (J); both weigh alike


def made():
    """An environment with a reward per objective."""
    return mo_gymnasium.make("mecsim/offload-v0", scenario="gmorl", engine="batched")


# Side by side: one return per environment and objective.
vector = OfVectors(MOSyncVectorEnv([made] * 4))
vector.reset(seed=0)
for _ in range(100):
    _, reward, terminated, _, info = vector.step(vector.action_space.sample())
print(f"rewards {reward.shape}, returns {info['episode']['r'].shape}, lengths {info['episode']['l']}")

# One reward, and rewards that are normalised.
for wrapped in (LinearReward(made(), np.array([0.5, 0.5])), MONormalizeReward(MONormalizeReward(made(), 0), 1)):
    wrapped.reset(seed=0)
    print(f"{wrapped}: {wrapped.step(0)[1]}")

env, returns = MORecordEpisodeStatistics(made()), []
env.action_space.seed(SEED)
for episode in range(EPISODES):
    (_, info), over = env.reset(seed=None if episode else 10_000), False
    while not over:
        _, _, over, _, info = env.step(env.action_space.sample(info["action_mask"]))
    returns.append(info["episode"]["r"])
print(f"random play: mean return {np.mean(returns @ (0.5 / SCALE)):.4f}")
