"""Envelope, GPI-LS, PCN and CAPQL of morl-baselines, on the vector reward.

    python examples/tools/morl_algorithms.py envelope|gpi-ls|pcn|capql [SEED [STEPS]]

PCN writes its weights to `weights/` of the working folder.
"""

import random
import sys

import gymnasium as gym
import mo_gymnasium
import numpy as np
import torch
from morl_baselines.multi_policy.capql.capql import CAPQL
from morl_baselines.multi_policy.envelope.envelope import Envelope
from morl_baselines.multi_policy.gpi_pd.gpi_pd import GPILS
from morl_baselines.multi_policy.pcn.pcn import PCN

import mecsim  # noqa: F401  (registers the ids)
from mecsim.envs import FlatObservation, ScoredAction

NAME = sys.argv[1]
SEED = int(sys.argv[2]) if sys.argv[2:] else 0
STEPS = int(sys.argv[3]) if sys.argv[3:] else 10_000 if NAME == "pcn" else 3000
SCALE = np.array([3221.26, 2.70366])  # what counts as one unit of delay (s) and of energy (J)
WORST, HALF = np.array([-20.0, -20.0]), np.array([0.5, 0.5], np.float32)


def made() -> gym.Env:
    """An environment with rewards in units of the scale; CAPQL has continuous actions only."""
    env = FlatObservation(mo_gymnasium.make("mecsim/offload-v0", scenario="gmorl", engine="batched"), log=True)
    env = gym.wrappers.TransformReward(env, lambda reward: reward / SCALE)
    return ScoredAction(env) if NAME == "capql" else env


random.seed(SEED)  # what the library draws from, beside `seed`
np.random.seed(SEED)  # noqa: NPY002
torch.manual_seed(SEED)
env = made()
env.reset(seed=SEED)
told = {"log": False, "seed": SEED, "device": "cpu", "gamma": 0.95}
plain = {"net_arch": [64, 64], "batch_size": 64, "learning_starts": min(500, STEPS // 2), **told}
few = {"num_eval_weights_for_front": 2}  # for logs, which are off
if NAME == "envelope":
    agent = Envelope(env, initial_epsilon=1.0, final_epsilon=0.05, epsilon_decay_steps=STEPS // 2, **plain)
    agent.train(total_timesteps=STEPS, **few)
elif NAME == "gpi-ls":
    agent = GPILS(env, gradient_updates=1, target_net_update_freq=200, initial_epsilon=0.1, **plain)
    rare = {"timesteps_per_iter": STEPS // 2, "num_eval_episodes_for_front": 1, "eval_freq": STEPS, **few}
    agent.train(STEPS, made(), WORST, checkpoints=False, **rare)
elif NAME == "pcn":
    agent = PCN(env, scaling_factor=np.array([1.0, 1.0, 0.01]), **(told | {"gamma": 1.0}))
    agent.train(STEPS, made(), WORST, max_return=np.zeros(2), num_er_episodes=min(50, STEPS // 200))
    _, targets, _ = agent.evaluate(env, np.zeros(2), n=20)  # what it has learned to reach
    agent.set_desired_return_and_horizon(max(targets, key=sum), 100)
else:
    agent = CAPQL(env, **plain)
    agent.train(STEPS, made(), WORST, **few)

env, total = made(), 0.0
for episode in range(100):
    (observation, _), over = env.reset(seed=None if episode else 10_000), False
    while not over:
        observation, reward, over, _, _ = env.step(agent.eval(observation, HALF))
        total += reward @ HALF
print(f"{NAME}: mean return {total / 100:.4f}")
