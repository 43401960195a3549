"""Gymnasium environments over the engines."""

from mecsim.envs.offload import OffloadEnv, OffloadEpisodes
from mecsim.envs.vector import OffloadVectorEnv, make_vec
from mecsim.envs.wrappers import FlatObservation, LinearReward, PreferenceObservation

__all__ = [
    "FlatObservation",
    "LinearReward",
    "OffloadEnv",
    "OffloadEpisodes",
    "OffloadVectorEnv",
    "PreferenceObservation",
    "make_vec",
]
