"""DQN (Mnih et al., Nature 2015) and PPO (Schulman et al., 2017) of stable-baselines3, a model for each preference.

They learn the scalarised problem of one preference, with everything that the environment shows. Neither knows masks:
what they cannot choose stands for another option, as the environment has it. MaskablePPO of sb3-contrib (Huang and
Ontañón, 2020) is PPO that does.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.scenario import Scenario
from mecsim.envs.sb3 import ScalarVecEnv, flat_observation
from mecsim.errors import InputError
from mecsim.policies.calibration import calibrate
from mecsim.policies.fitting import FIT_SEED, distinct, report_progress
from mecsim.policies.policy import Actions, Preferences

HIDDEN = (128, 128)  # of policies and values


@dataclass(frozen=True, slots=True)
class PpoConfig:
    """Budget and the settings that matter; the rest are the defaults of stable-baselines3."""

    NAME: ClassVar = "ppo"
    steps: int = 200_000  # decisions, per preference
    envs: int = 32
    rollout: int = 100  # decisions of each environment between updates
    batch: int = 400
    epochs: int = 5
    learning_rate: float = 1e-3
    discount: float = 0.95

    def model(self, env: ScalarVecEnv) -> BaseAlgorithm:
        """An untrained model."""
        model: BaseAlgorithm = self._algorithm()(
            "MlpPolicy", env, learning_rate=lambda left: left * self.learning_rate, n_steps=self.rollout,
            batch_size=self.batch, n_epochs=self.epochs, gamma=self.discount, policy_kwargs={"net_arch": list(HIDDEN)},
            seed=FIT_SEED, device="cpu",
        )  # fmt: skip
        return model

    def _algorithm(self) -> Any:
        return PPO


@dataclass(frozen=True, slots=True)
class MaskablePpoConfig(PpoConfig):
    """The same for MaskablePPO."""

    NAME: ClassVar = "maskable-ppo"

    def _algorithm(self) -> Any:
        try:
            from sb3_contrib import MaskablePPO
        except ModuleNotFoundError:
            raise InputError("maskable-ppo needs sb3-contrib: pip install 'mecsim[sb3]'") from None
        return MaskablePPO


@dataclass(frozen=True, slots=True)
class DqnConfig:
    """Budget and the settings that matter; the rest are the defaults of stable-baselines3."""

    NAME: ClassVar = "dqn"
    steps: int = 200_000  # decisions, per preference
    envs: int = 32
    updates: int = 2  # per step of all environments
    batch: int = 256
    replay: int = 100_000
    warm_up: int = 5_000  # random decisions first
    target_every: int = 2_000  # decisions between updates of the target network
    exploration: float = 0.3  # share of the decisions over which the chance of a random one falls to 5 %
    learning_rate: float = 5e-4
    discount: float = 0.95

    def model(self, env: ScalarVecEnv) -> BaseAlgorithm:
        """An untrained model."""
        return DQN(
            "MlpPolicy", env, learning_rate=self.learning_rate, buffer_size=self.replay, learning_starts=self.warm_up,
            batch_size=self.batch, gamma=self.discount, train_freq=1, gradient_steps=self.updates,
            target_update_interval=self.target_every, exploration_fraction=self.exploration,
            policy_kwargs={"net_arch": list(HIDDEN)}, seed=FIT_SEED, device="cpu",
        )  # fmt: skip


class ScalarRlPolicy:
    """Plays, for each preference, the model that was trained for it, without exploration."""

    def __init__(self, scenario: Scenario, config: PpoConfig | DqnConfig) -> None:
        self._scenario = scenario
        self._config = config

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """What the models choose, and where that is impossible what the environment takes instead."""
        flat = flat_observation(observation)
        action = np.zeros(len(preference), np.int64)
        for row, where in distinct(preference):
            model = trained(self._scenario, row, self._config)
            action[where], _ = model.predict(flat[where], deterministic=True, **self._masks(observation, where))
        return episodes.possible(action, observation["mask"])

    def _masks(self, observation: Arrays, where: NDArray[np.int64]) -> dict[str, Any]:
        return {}


class PpoPolicy(ScalarRlPolicy):
    """PPO; the budget is that of each preference."""

    def __init__(self, scenario: Scenario, config: PpoConfig | None = None) -> None:
        super().__init__(scenario, config or PpoConfig())


class MaskablePpoPolicy(ScalarRlPolicy):
    """MaskablePPO; the budget is that of each preference."""

    def __init__(self, scenario: Scenario, config: MaskablePpoConfig | None = None) -> None:
        super().__init__(scenario, config or MaskablePpoConfig())

    def _masks(self, observation: Arrays, where: NDArray[np.int64]) -> dict[str, Any]:
        return {"action_masks": observation["mask"][where]}


class DqnPolicy(ScalarRlPolicy):
    """DQN; the budget is that of each preference."""

    def __init__(self, scenario: Scenario, config: DqnConfig | None = None) -> None:
        super().__init__(scenario, config or DqnConfig())


@lru_cache(maxsize=256)
def trained(scenario: Scenario, preference: tuple[float, ...], config: PpoConfig | DqnConfig) -> Any:
    """The policy network of a model trained for one preference."""
    with _global_randomness_restored():
        env = ScalarVecEnv(scenario, preference, calibrate(scenario).scale, config.envs, FIT_SEED)
        model = config.model(env)
        model.learn(config.steps, callback=_Progress(f"{config.NAME} {preference}", config.steps))
    return model.policy  # without the rest, replay above all


class _Progress(BaseCallback):
    def __init__(self, what: str, steps: int) -> None:
        super().__init__()
        self._what, self._steps, self._tenths = what, steps, 0

    def _on_step(self) -> bool:
        tenths = min(10, 10 * self.num_timesteps // self._steps)
        if tenths > self._tenths:
            self._tenths = tenths
            report_progress(self._what, tenths, 10)
        return True


@contextmanager
def _global_randomness_restored() -> Iterator[None]:
    """stable-baselines3 seeds and draws from the global generators; leave them as they were."""
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
