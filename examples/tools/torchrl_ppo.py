"""PPO of TorchRL with masked categorical actions, on one environment with a dict of the observation and its mask.

python examples/tools/torchrl_ppo.py [SEED [STEPS]]
"""

import sys

import gymnasium as gym
import torch
from tensordict.nn import TensorDictModule
from torchrl.collectors import Collector
from torchrl.envs import DTypeCastTransform, GymWrapper, TransformedEnv
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import MLP, MaskedCategorical, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import mecsim  # noqa: F401  (registers the ids)
from mecsim.envs import LinearReward, MaskedObservation

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
STEPS = int(sys.argv[2]) if sys.argv[2:] else 10_000
SCALE = (3221.26, 2.70366)  # what counts as one unit of delay (s) and of energy (J); both weigh alike
FRAMES, EPOCHS, BATCH = 2000, 5, 200

torch.manual_seed(SEED)
masked = MaskedObservation(gym.make("mecsim/offload-v0", scenario="gmorl", engine="batched"))
env = GymWrapper(LinearReward(masked, (0.5, 0.5), SCALE), categorical_action_encoding=True)
env = TransformedEnv(env, DTypeCastTransform(torch.int8, torch.bool, in_keys=["action_mask"]))
env.set_seed(SEED)

size, options = env.observation_spec["observations"].shape[-1], int(env.action_spec.space.n)
logits = TensorDictModule(MLP(size, options, num_cells=[64, 64]), ["observations"], ["logits"])
actor = ProbabilisticActor(
    logits, {"logits": "logits", "mask": "action_mask"}, ["action"], distribution_class=MaskedCategorical,
    return_log_prob=True,
)  # fmt: skip
critic = ValueOperator(MLP(size, 1, num_cells=[64, 64]), in_keys=["observations"])
advantage, loss = GAE(gamma=0.95, lmbda=0.95, value_network=critic), ClipPPOLoss(actor, critic)
optimizer = torch.optim.Adam(loss.parameters(), lr=1e-3)

for data in Collector(env, actor, frames_per_batch=FRAMES, total_frames=max(FRAMES, STEPS)):
    for _ in range(EPOCHS):
        with torch.no_grad():
            advantage(data)
        for indices in torch.randperm(FRAMES).split(BATCH):
            losses = loss(data[indices])
            optimizer.zero_grad()
            sum(losses[name] for name in ("loss_objective", "loss_critic", "loss_entropy")).backward()
            torch.nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
            optimizer.step()

total, start = 0.0, env.reset(seed=10_000)
with torch.no_grad(), set_exploration_type(ExplorationType.RANDOM):
    for _ in range(100):
        total += env.rollout(100, actor, auto_reset=False, tensordict=start)["next", "reward"].sum().item()
        start = env.reset()
print(f"PPO: mean return {total / 100:.4f}")
