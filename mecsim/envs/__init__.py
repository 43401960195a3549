"""Gymnasium environments over the engines of every system."""

from mecsim.envs.masked import MaskedObservation, ScoredAction
from mecsim.envs.single import SystemEnv
from mecsim.envs.statistics import RecordVectorStatistics
from mecsim.envs.vector import BatchVectorEnv, make_vec
from mecsim.envs.wrappers import FlatObservation, LinearReward, PreferenceObservation

__all__ = [
    "BatchVectorEnv", "FlatObservation", "LinearReward", "MaskedObservation", "PreferenceObservation",
    "RecordVectorStatistics", "ScoredAction", "SystemEnv", "make_vec",
]  # fmt: skip
