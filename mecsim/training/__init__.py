"""Learning one policy for all preferences, or one for each of several, and the folders that this leaves."""

from typing import TYPE_CHECKING

from mecsim_agents.late import late

from mecsim.core.files import is_run
from mecsim.training.config import TrainingConfig

if TYPE_CHECKING:
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

__getattr__ = late(
    __name__,
    {
        "AgentPolicy": "mecsim.training.policy",
        "Agreement": "mecsim.training.exported",
        "EpochReport": "mecsim.training.monitor",
        "Evaluate": "mecsim.training.loop",
        "Evaluation": "mecsim.training.monitor",
        "ExportedPolicy": "mecsim.training.exported",
        "MakeMonitor": "mecsim.training.monitor",
        "Monitor": "mecsim.training.monitor",
        "MultiRun": "mecsim.training.multi",
        "NearestPolicy": "mecsim.training.policy",
        "Prepared": "mecsim.training.loop",
        "Run": "mecsim.training.run",
        "Watched": "mecsim.training.monitor",
        "agreement": "mecsim.training.exported",
        "check_engine": "mecsim.training.loop",
        "check_memory": "mecsim.training.loop",
        "export_onnx": "mecsim.training.export",
        "is_multi_run": "mecsim.training.multi",
        "prepared": "mecsim.training.loop",
        "run_policy": "mecsim.training.policy",
        "run_scenario": "mecsim.training.multi",
        "train": "mecsim.training.loop",
    },
)
