"""Learning one policy for all preferences, or one for each of several, and the folders that this leaves."""

from mecsim.training.config import TrainingConfig
from mecsim.training.loop import EpochReport, Evaluate, Evaluation, Monitor, check_memory, train
from mecsim.training.multi import MultiRun, is_multi_run, is_run, run_scenario
from mecsim.training.policy import AgentPolicy, NearestPolicy, run_policy
from mecsim.training.run import Run

__all__ = [
    "AgentPolicy",
    "EpochReport",
    "Evaluate",
    "Evaluation",
    "Monitor",
    "MultiRun",
    "NearestPolicy",
    "Run",
    "TrainingConfig",
    "check_memory",
    "is_multi_run",
    "is_run",
    "run_policy",
    "run_scenario",
    "train",
]
