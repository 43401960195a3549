"""PPO in one file, in the manner of CleanRL: PyTorch and mecsim's vector environment, with masks, no library between.

python examples/tools/cleanrl_ppo.py [SEED [STEPS]]
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

import mecsim

SEED = int(sys.argv[1]) if sys.argv[1:] else 0
STEPS = int(sys.argv[2]) if sys.argv[2:] else 60_000
ENVS, ROLLOUT, EPOCHS, BATCHES, GAMMA, LAMBDA, CLIP = 32, 100, 5, 8, 0.95, 0.95, 0.2
WEIGHT = np.array([0.5, 0.5]) / np.array([3221.26, 2.70366])  # what a second of delay and a joule weigh

torch.manual_seed(SEED)
envs = mecsim.make_vec("gmorl", num_envs=ENVS, seed=SEED)
options, width = envs.single_observation_space["options"].shape
size = options * width + envs.single_observation_space["context"].shape[0]
actor, critic = (nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, n)) for n in (options, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=1e-3)


def seen(observation):
    """Logarithms of options and context (N, D), and the mask (N, A)."""
    flat = np.concatenate([observation["options"].reshape(len(observation["mask"]), -1), observation["context"]], 1)
    flat, mask = torch.as_tensor(flat), torch.as_tensor(observation["mask"]) > 0
    return flat.sign() * flat.abs().log1p(), mask


def policy(flat, mask):
    """Chances of the options that can be taken."""
    return Categorical(logits=actor(flat).masked_fill(~mask, -torch.inf))


observation = seen(envs.reset()[0])
for _ in range(max(1, STEPS // (ENVS * ROLLOUT))):
    steps = []
    with torch.no_grad():
        for _ in range(ROLLOUT):
            chances = policy(*observation)
            action = chances.sample()
            following, reward, over, _, _ = envs.step(action.numpy())
            earned = torch.as_tensor(reward @ WEIGHT, dtype=torch.float32), torch.as_tensor(~over, dtype=torch.float32)
            steps.append((*observation, action, chances.log_prob(action), critic(observation[0])[:, 0], *earned))
            observation = seen(following)
        flat, mask, action, before, value, reward, goes_on = map(torch.stack, zip(*steps, strict=True))
        ahead = torch.cat([value[1:], critic(observation[0])[None, :, 0]]) * goes_on
        delta, advantage, carried = reward + GAMMA * ahead - value, torch.zeros_like(value), torch.zeros(ENVS)
        for t in reversed(range(ROLLOUT)):
            advantage[t] = carried = delta[t] + GAMMA * LAMBDA * goes_on[t] * carried
        data = [part.flatten(0, 1) for part in (flat, mask, action, before, advantage, advantage + value)]
    for _ in range(EPOCHS):
        for rows in torch.randperm(ENVS * ROLLOUT).chunk(BATCHES):
            flat, mask, action, before, gain, wanted = (part[rows] for part in data)
            chances, gain = policy(flat, mask), (gain - gain.mean()) / (gain.std() + 1e-8)
            ratio = (chances.log_prob(action) - before).exp()
            bounded = torch.min(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain)
            loss = -bounded.mean() + 0.5 * (critic(flat)[:, 0] - wanted).square().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*actor.parameters(), *critic.parameters()], 0.5)
            optimizer.step()

envs, total = mecsim.make_vec("gmorl", num_envs=100), 0.0
observation, over = envs.reset(seed=10_000)[0], np.zeros(1, bool)
while not over.any():
    with torch.no_grad():
        observation, reward, over, _, _ = envs.step(policy(*seen(observation)).sample().numpy())
    total += (reward @ WEIGHT).mean()
print(f"PPO: mean return {total:.4f}")
