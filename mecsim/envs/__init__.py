"""Gymnasium environments over the engines of every system."""

from mecsim.envs.single import SystemEnv
from mecsim.envs.vector import BatchVectorEnv, make_vec
from mecsim.envs.wrappers import FlatObservation, LinearReward, PreferenceObservation

__all__ = ["BatchVectorEnv", "FlatObservation", "LinearReward", "PreferenceObservation", "SystemEnv", "make_vec"]
