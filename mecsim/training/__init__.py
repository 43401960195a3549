"""Learning one policy for all preferences, and the folder that a run leaves."""

from mecsim.training.config import TrainingConfig
from mecsim.training.loop import EpochReport, Evaluate, Evaluation, Monitor, check_memory, train
from mecsim.training.policy import AgentPolicy, run_policy
from mecsim.training.run import Run, is_run

__all__ = [
    "AgentPolicy",
    "EpochReport",
    "Evaluate",
    "Evaluation",
    "Monitor",
    "Run",
    "TrainingConfig",
    "check_memory",
    "is_run",
    "run_policy",
    "train",
]
