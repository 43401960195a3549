"""MaskablePPO of sb3-contrib, which asks the environment for `action_masks` and never tries an absent server.

python examples/tools/sb3_maskable_ppo.py [SEED [STEPS]]
"""

import sys

from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

from mecsim.envs.sb3 import ScalarVecEnv

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
STEPS = int(sys.argv[2]) if sys.argv[2:] else 60_000
SCALE = (3221.26, 2.70366)  # what counts as one unit of delay (s) and of energy (J); both weigh alike

env = VecMonitor(ScalarVecEnv("gmorl", (0.5, 0.5), SCALE, num_envs=32))
model = MaskablePPO(
    "MlpPolicy", env, learning_rate=1e-3, n_steps=100, batch_size=400, n_epochs=5, gamma=0.95, seed=SEED
)
model.learn(STEPS)

fresh = VecMonitor(ScalarVecEnv("gmorl", (0.5, 0.5), SCALE, num_envs=10, seed=10_000))
mean, _ = evaluate_policy(model, fresh, n_eval_episodes=100, deterministic=False)
print(f"MaskablePPO: mean return {mean:.4f}")
