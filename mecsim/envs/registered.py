"""What `gymnasium.make` and `gymnasium.make_vec` call for `mecsim/NAME-v0`."""

from typing import Any

import gymnasium as gym

from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.system import SYSTEMS
from mecsim.envs.vector import BatchVectorEnv
from mecsim.errors import InputError
from mecsim.scenario import load_scenario


def single(system: str, scenario: str | Scenario | None = None, engine: EngineName = "simpy") -> gym.Env[Any, Any]:
    """An environment of a system, of its default scenario if none is given."""
    return SYSTEMS.load(system).environment.load()(scenario, engine)


def vector(system: str, scenario: str | Scenario, num_envs: int = 1, **options: Any) -> BatchVectorEnv:
    """Environments of a system, with the further options of `BatchVectorEnv`.

    Raises:
        InputError: the scenario is of another system.
    """
    described = load_scenario(scenario)
    if described.kind != system:
        raise InputError(f"mecsim/{system}-v0 needs a scenario of kind {system}, not {described.kind}")
    return BatchVectorEnv(described, num_envs, **options)
