"""Tianshou: DQN with masks, which it looks for in a dict of `obs` and `mask`, and discrete SAC, which knows none.

python examples/tools/tianshou_masks.py [SEED [STEPS]]
"""

import sys

import gymnasium as gym
import numpy as np
import torch
from tianshou.algorithm import DQN, DiscreteSAC
from tianshou.algorithm.modelfree.discrete_sac import DiscreteSACPolicy
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net
from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic

import mecsim  # noqa: F401  (registers the ids)
from mecsim.envs import LinearReward, MaskedObservation

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
STEPS = int(sys.argv[2]) if sys.argv[2:] else 3_000
SCALE = (3221.26, 2.70366)  # what counts as one unit of delay (s) and of energy (J); both weigh alike
OPTIONS = gym.make("mecsim/offload-v0").action_space


def masked() -> gym.Env:
    """The environment in the terms of Tianshou's DQN."""
    env = gym.make("mecsim/offload-v0", scenario="gmorl", engine="batched")
    return LinearReward(MaskedObservation(env, "obs", "mask"), (0.5, 0.5), SCALE)


def plain() -> gym.Env:
    """One vector, one reward."""
    return gym.make("mecsim/offload-scalar-v0", engine="batched", scale=SCALE)


np.random.seed(SEED)  # noqa: NPY002  (what the library draws from)
torch.manual_seed(SEED)
size = plain().observation_space.shape
values = Net(state_shape=size, action_shape=OPTIONS.n, hidden_sizes=(64, 64))
choosing = DiscreteQLearningPolicy(model=values, action_space=OPTIONS, eps_training=0.1)
dqn = DQN(policy=choosing, optim=AdamOptimizerFactory(5e-4), gamma=0.95, target_update_freq=200)
actor, critic = (Net(state_shape=size, hidden_sizes=(64, 64)) for _ in range(2))
acting = DiscreteActor(preprocess_net=actor, action_shape=OPTIONS.n, softmax_output=False)
chances = DiscreteSACPolicy(actor=acting, action_space=OPTIONS, deterministic_eval=False)
valuing, adam = DiscreteCritic(preprocess_net=critic, last_size=OPTIONS.n), AdamOptimizerFactory(5e-4)
sac = DiscreteSAC(policy=chances, policy_optim=adam, critic=valuing, critic_optim=adam, gamma=0.95, alpha=0.001)

for name, make, algorithm in (("DQN with masks", masked, dqn), ("discrete SAC", plain, sac)):
    envs = DummyVectorEnv([make] * 8)
    envs.seed(8 * SEED)  # and the seven after it
    collector = Collector(algorithm, envs, VectorReplayBuffer(20_000, 8))
    collector.reset()
    collector.collect(n_step=800, random=True)
    told = {"max_epochs": 1, "epoch_num_steps": STEPS, "collection_step_num_env_steps": 80, "batch_size": 128}
    told["update_step_num_gradient_steps_per_sample"] = 0.25
    quiet = {"test_step_num_episodes": 0, "verbose": False, "show_progress": False}
    algorithm.run_training(OffPolicyTrainerParams(training_collector=collector, **told, **quiet))
    test = Collector(algorithm, DummyVectorEnv([make]))
    test.reset(gym_reset_kwargs={"seed": 10_000})
    print(f"{name}: mean return {test.collect(n_episode=100).returns.mean():.4f}")
