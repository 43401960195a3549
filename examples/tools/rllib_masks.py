"""PPO of RLlib with its own module for action masks, which wants a dict of `observations` and `action_mask`.

python examples/tools/rllib_masks.py [SEED [STEPS]]
"""

import sys

import gymnasium as gym
import numpy as np
import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from ray.tune.registry import register_env

import mecsim  # noqa: F401  (registers the ids)
from mecsim.envs import LinearReward, MaskedObservation

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
STEPS = int(sys.argv[2]) if sys.argv[2:] else 16_000
SCALE = (3221.26, 2.70366)  # what counts as one unit of delay (s) and of energy (J); both weigh alike


def masked(config: dict) -> gym.Env:
    """The environment in RLlib's terms."""
    env = gym.make("mecsim/offload-v0", scenario="gmorl", engine="batched")
    return LinearReward(MaskedObservation(env), (0.5, 0.5), SCALE)


ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
register_env("offload", masked)
config = (
    PPOConfig()
    .environment("offload")
    .env_runners(num_env_runners=0, num_envs_per_env_runner=8)
    .training(train_batch_size=4000, minibatch_size=400, num_epochs=5, gamma=0.95, lr=1e-3, vf_clip_param=100.0)
    .rl_module(rl_module_spec=RLModuleSpec(module_class=ActionMaskingTorchRLModule))
    .debugging(seed=SEED)
)
algorithm = config.build_algo()
for _ in range(max(1, STEPS // 4000)):
    algorithm.train()

env, module, returns = masked({}), algorithm.get_module(), np.zeros(100)
distribution, _ = module.get_inference_action_dist_cls(), torch.manual_seed(SEED)
for episode in range(100):
    (observation, _), over = env.reset(seed=None if episode else 10_000), False
    while not over:
        batch = {"obs": {name: torch.as_tensor(array)[None].float() for name, array in observation.items()}}
        logits = module.forward_inference(batch)["action_dist_inputs"]
        action = distribution.from_logits(logits).sample().item()
        observation, reward, over, _, _ = env.step(action)
        returns[episode] += reward
print(f"PPO with masks: mean return {returns.mean():.4f}")
algorithm.stop()
ray.shutdown()
