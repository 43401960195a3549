"""Collecting: play episodes of the exploring policy under preferences of all kinds."""

from dataclasses import dataclass

import numpy as np
import torch
from mecsim_agents import Learner, Transitions, sample_preferences
from numpy.typing import NDArray

from mecsim.core.seeds import Stream
from mecsim.envs.vector import BatchVectorEnv
from mecsim.training.run import Run


@dataclass(slots=True)
class Tally:
    """What the episodes of an epoch came to so far."""

    returns: NDArray[np.float64]  # (num_envs, objectives) physical totals
    chosen: NDArray[np.int64]  # (A,) tasks sent to each option


class Collector:
    """Plays all environments of a training, step by step, as far as asked.

    Neighbours that play the same episode also play under the same preference, so that they differ by what exploring
    did and nothing else.
    """

    def __init__(self, run: Run, episode: int) -> None:
        """`episode`: the first one of the training's seed that is played."""
        self.env = BatchVectorEnv(
            run.scenario, run.config.num_envs, run.seed, stream=Stream.TRAINING, copies=run.config.copies
        )
        self._run = run
        self._observation, _ = self.env.reset(options={"episode": episode})

    def begin(self, epoch: int) -> Tally:
        """Draw the preferences of an epoch; returns its tally, which `collect` goes on with."""
        config, objectives = self._run.config, self.env.reward_dim
        if config.preference is None:
            own_seed = np.random.SeedSequence([self._run.seed, epoch])  # so that a resumed run draws the same
            draw = torch.Generator().manual_seed(int(own_seed.generate_state(1)[0]))
            episodes = config.num_envs // config.copies
            drawn = sample_preferences(episodes, objectives, config.agent.corner_fraction, draw, torch.device("cpu"))
            self._preference = drawn.repeat_interleave(config.copies, 0).numpy()
        else:
            self._preference = np.tile(np.array(config.preference, np.float32), (config.num_envs, 1))
        options = self.env.episodes.max_options
        self._tally = Tally(np.zeros((config.num_envs, objectives)), np.zeros(options, np.int64))
        return self._tally

    def collect(self, agent: Learner, steps: int) -> list[Transitions]:
        """Play some steps of the epoch with the policy that the agent released last, a batch of transitions each."""
        return [self._step(agent) for _ in range(steps)]

    def _step(self, agent: Learner) -> Transitions:
        observation, preference, tally = self._observation, self._preference, self._tally
        with agent.timer.section("acting"):
            action = np.asarray(agent.act(observation, preference, explore=True))
        with agent.timer.section("environments"):
            following, reward, terminated, _, info = self.env.step(action)
        decided = action[self.env.episodes.waits(observation)]
        tally.chosen += np.bincount(decided, minlength=len(tally.chosen))
        tally.returns -= reward
        self._observation = following
        ended = info.get("final_obs", following)
        return Transitions.from_arrays(observation, action, reward, terminated, ended, preference)
