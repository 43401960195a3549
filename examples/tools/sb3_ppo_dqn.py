"""PPO and DQN of Stable-Baselines3: environments by their id, or a batch of them on the fast engine.

python examples/tools/sb3_ppo_dqn.py [SEED [STEPS]]
"""

import sys

from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

from mecsim.envs.sb3 import ScalarVecEnv

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
STEPS = int(sys.argv[2]) if sys.argv[2:] else 30_000
SCALE = (3221.26, 2.70366)  # what counts as one unit of delay (s) and of energy (J); both weigh alike

# By id, one environment at a time.
by_id = make_vec_env("mecsim/offload-scalar-v0", 8, seed=SEED, env_kwargs={"engine": "batched", "scale": SCALE})
ppo = PPO("MlpPolicy", by_id, learning_rate=1e-3, n_steps=100, batch_size=200, n_epochs=5, gamma=0.95, seed=SEED)
ppo.learn(STEPS)

# 32 in one batch, which is faster.
batch = VecMonitor(ScalarVecEnv("gmorl", (0.5, 0.5), SCALE, num_envs=32))
dqn = DQN(
    "MlpPolicy", batch, learning_rate=5e-4, buffer_size=50_000, learning_starts=STEPS // 20, batch_size=256,
    gamma=0.95, train_freq=1, gradient_steps=2, target_update_interval=2000, exploration_fraction=0.3, seed=SEED,
)  # fmt: skip
dqn.learn(STEPS)

# PPO learns chances and plays by them; DQN plays what it values most.
for name, model, deterministic in (("PPO", ppo, False), ("DQN", dqn, True)):
    fresh = VecMonitor(ScalarVecEnv("gmorl", (0.5, 0.5), SCALE, num_envs=10, seed=10_000))
    mean, _ = evaluate_policy(model, fresh, n_eval_episodes=100, deterministic=deterministic)
    print(f"{name}: mean return {mean:.4f}")
