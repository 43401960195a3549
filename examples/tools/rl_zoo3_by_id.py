"""rl_zoo3 trains by id; this file is its configuration, too (`--conf-file`).

    python examples/tools/rl_zoo3_by_id.py [SEED [STEPS]]

is the command

    python -m rl_zoo3.train --algo ppo --env mecsim/offload-scalar-v0 --gym-packages mecsim --conf-file FILE …
"""

import subprocess
import sys
import tempfile

import mecsim  # noqa: F401  (registers the ids)

ID = "mecsim/offload-scalar-v0"
SCALE = (3221.26, 2.70366)  # what counts as one unit of delay (s) and of energy (J); both weigh alike
hyperparams = {
    ID: {
        "policy": "MlpPolicy", "n_timesteps": 20_000, "n_envs": 8, "n_steps": 100, "batch_size": 200, "n_epochs": 5,
        "gamma": 0.95, "learning_rate": "lin_1e-3", "env_kwargs": {"engine": "batched", "scale": SCALE},
    }
}  # fmt: skip

if __name__ == "__main__":
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy

    with tempfile.TemporaryDirectory() as logs:
        command = [sys.executable, "-m", "rl_zoo3.train", "--algo", "ppo", "--env", ID, "--gym-packages", "mecsim"]
        command += ["--conf-file", __file__, "--eval-freq", "-1", "--log-folder", logs, "--device", "cpu"]
        command += ["--seed", *(sys.argv[1:2] or ["0"]), *(["-n", sys.argv[2]] if sys.argv[2:] else [])]
        subprocess.run(command, check=True)
        model = PPO.load(f"{logs}/ppo/mecsim-offload-scalar-v0_1/mecsim-offload-scalar-v0.zip", device="cpu")
    env = make_vec_env(ID, env_kwargs=hyperparams[ID]["env_kwargs"])
    env.seed(10_000)
    mean, _ = evaluate_policy(model, env, n_eval_episodes=100, deterministic=False)
    print(f"PPO: mean return {mean:.4f}")
