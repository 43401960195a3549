"""What `gymnasium.make` and `gymnasium.make_vec` call for `mecsim/NAME-v0` and `mecsim/NAME-scalar-v0`."""

from typing import Any, cast

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike

from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.system import SYSTEMS
from mecsim.envs.single import SystemEnv
from mecsim.envs.vector import BatchVectorEnv
from mecsim.envs.wrappers import FlatObservation, LinearReward


def single(
    system: str, scenario: str | Scenario | None = None, engine: EngineName = "simpy", render_mode: str | None = None
) -> gym.Env[Any, Any]:
    """An environment of a system, of its default scenario if none is given."""
    make = SYSTEMS.load(system).environment.load()
    return make(scenario, engine) if render_mode is None else make(scenario, engine, render_mode)


def scalar(
    system: str, scenario: str | Scenario | None = None, engine: EngineName = "simpy",
    preference: ArrayLike | None = None, scale: ArrayLike | None = None, render_mode: str | None = None,
) -> gym.Env[Any, Any]:  # fmt: skip
    """The same with one reward and one vector to observe, of logarithms; all objectives weigh alike if none is given.

    Raises:
        InputError: preference or scale do not fit the scenario's objectives.
    """
    env = single(system, scenario, engine, render_mode)
    objectives = int(env.get_wrapper_attr("reward_dim"))
    weights = np.full(objectives, 1.0 / objectives) if preference is None else preference
    return LinearReward(FlatObservation(env, log=True), weights, scale)


def vector(system: str, scenario: str | Scenario | None = None, num_envs: int = 1, **options: Any) -> BatchVectorEnv:
    """Environments of a system, with the further options of `BatchVectorEnv`; which scenario, `single` says.

    Raises:
        InputError: the scenario is of another system.
    """
    environment = cast(type[SystemEnv[Any, Any, Any]], SYSTEMS.load(system).environment.load())
    described = environment.scenario_of(scenario)
    return BatchVectorEnv(described, num_envs, **options)
