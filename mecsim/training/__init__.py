"""Learning one policy for all preferences, or one for each of several, and the folders that this leaves."""

from mecsim.core.files import is_run
from mecsim.training.config import TrainingConfig
from mecsim.training.export import export_onnx
from mecsim.training.exported import Agreement, ExportedPolicy, agreement
from mecsim.training.loop import (
    Evaluate,
    Prepared,
    check_engine,
    check_memory,
    prepared,
    train,
)
from mecsim.training.monitor import EpochReport, Evaluation, MakeMonitor, Monitor, Watched
from mecsim.training.multi import MultiRun, is_multi_run, run_scenario
from mecsim.training.policy import AgentPolicy, NearestPolicy, run_policy
from mecsim.training.run import Run

__all__ = [
    "AgentPolicy",
    "Agreement",
    "EpochReport",
    "Evaluate",
    "Evaluation",
    "ExportedPolicy",
    "MakeMonitor",
    "Monitor",
    "MultiRun",
    "NearestPolicy",
    "Prepared",
    "Run",
    "TrainingConfig",
    "Watched",
    "agreement",
    "check_engine",
    "check_memory",
    "export_onnx",
    "is_multi_run",
    "is_run",
    "prepared",
    "run_policy",
    "run_scenario",
    "train",
]
