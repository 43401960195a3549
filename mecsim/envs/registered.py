"""What `gymnasium.make` and `gymnasium.make_vec` call for `mecsim/NAME-v0`."""

from typing import Any, cast

import gymnasium as gym

from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.system import SYSTEMS
from mecsim.envs.single import SystemEnv
from mecsim.envs.vector import BatchVectorEnv


def single(system: str, scenario: str | Scenario | None = None, engine: EngineName = "simpy") -> gym.Env[Any, Any]:
    """An environment of a system, of its default scenario if none is given."""
    return SYSTEMS.load(system).environment.load()(scenario, engine)


def vector(system: str, scenario: str | Scenario | None = None, num_envs: int = 1, **options: Any) -> BatchVectorEnv:
    """Environments of a system, with the further options of `BatchVectorEnv`; which scenario, `single` says.

    Raises:
        InputError: the scenario is of another system.
    """
    environment = cast(type[SystemEnv[Any, Any, Any]], SYSTEMS.load(system).environment.load())
    described = environment.scenario_of(scenario)
    return BatchVectorEnv(described, num_envs, **options)
