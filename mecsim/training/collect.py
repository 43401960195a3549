"""Collecting: play episodes of the exploring policy under preferences of all kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from mecsim_agents import Learner, Transitions, sample_preferences
from torch import Tensor

from mecsim.core.seeds import Stream
from mecsim.envs.vector import BatchVectorEnv
from mecsim.training.run import Run


@dataclass(slots=True)
class Tally:
    """What the episodes of an epoch came to so far."""

    returns: Tensor  # (num_envs, objectives) float64, physical totals
    chosen: Tensor  # (A,) int64, tasks sent to each option


class Collector:
    """Plays all environments of a training, step by step, as far as asked.

    Neighbours that play the same episode also play under the same preference, so that they differ by what exploring
    did and nothing else. With the engine `cuda` nothing leaves the device.
    """

    def __init__(self, run: Run, episode: int) -> None:
        """`episode`: the first one of the training's seed that is played."""
        config = run.config
        self.env = BatchVectorEnv(
            run.scenario, config.num_envs, run.seed, config.engine, Stream.TRAINING, config.copies
        )
        self._run, self._on_device = run, config.engine == "cuda"
        self._observation, _ = self.env.reset(options={"episode": episode})

    def begin(self, epoch: int) -> Tally:
        """Draw the preferences of an epoch; returns its tally, which `collect` goes on with."""
        config, objectives = self._run.config, self.env.reward_dim
        if config.preference is None:
            own_seed = np.random.SeedSequence([self._run.seed, epoch])  # so that a resumed run draws the same
            draw = torch.Generator().manual_seed(int(own_seed.generate_state(1)[0]))
            episodes = config.num_envs // config.copies
            drawn = sample_preferences(episodes, objectives, config.agent.corner_fraction, draw, torch.device("cpu"))
            preference = drawn.repeat_interleave(config.copies, 0)
        else:
            preference = torch.tensor(config.preference).expand(config.num_envs, -1)
        device = torch.as_tensor(self._observation["mask"]).device
        self._preference = preference.to(device)
        returns = torch.zeros(config.num_envs, objectives, dtype=torch.float64, device=device)
        chosen = torch.zeros(self.env.episodes.max_options, dtype=torch.int64, device=device)
        self._tally = Tally(returns, chosen)
        return self._tally

    def collect(self, agent: Learner, steps: int) -> list[Transitions]:
        """Play some steps of the epoch with the policy that the agent released last, a batch of transitions each."""
        return [self._step(agent) for _ in range(steps)]

    def _step(self, agent: Learner) -> Transitions:
        observation, preference, tally = self._observation, self._preference, self._tally
        with agent.timer.section("acting"):
            action: Any = (
                agent.explore(cast(Mapping[str, Tensor], observation), preference)
                if self._on_device
                else np.asarray(agent.act(observation, preference, explore=True))
            )
        with agent.timer.section("environments"):
            following, reward, terminated, _, info = self.env.step(action)
        decided = torch.as_tensor(self.env.episodes.waits(observation))
        tally.chosen.scatter_add_(0, torch.as_tensor(action), decided.long())
        tally.returns -= torch.as_tensor(reward)
        self._observation = following
        ended = info.get("final_obs", following)
        return Transitions.from_arrays(observation, action, reward, terminated, ended, preference)
