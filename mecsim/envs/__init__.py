"""Gymnasium environments over the engines."""

from mecsim.envs.kinds import new_episodes
from mecsim.envs.offload import OffloadEnv, OffloadEpisodes
from mecsim.envs.personalize import CellEpisodes, PersonalizeEnv
from mecsim.envs.vector import BatchVectorEnv, make_vec
from mecsim.envs.wrappers import FlatObservation, LinearReward, PreferenceObservation

__all__ = [
    "BatchVectorEnv",
    "CellEpisodes",
    "FlatObservation",
    "LinearReward",
    "OffloadEnv",
    "OffloadEpisodes",
    "PersonalizeEnv",
    "PreferenceObservation",
    "make_vec",
    "new_episodes",
]
