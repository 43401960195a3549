"""Fronts: policies played over a grid of preferences on common random numbers."""

from mecsim.sweep.bootstrap import Resampled, half_width_95_of, ratio, resample
from mecsim.sweep.distribute import Workers
from mecsim.sweep.evaluate import evaluate, policy_factory, sweep, tape_chunks
from mecsim.sweep.files import assess, summary, write_front_csv, write_json
from mecsim.sweep.front import Front, half_width_95
from mecsim.sweep.indicators import Quality, hypervolume, mean_cost, on_front
from mecsim.sweep.measures import MEASURES, compared, measured
from mecsim.sweep.planned import planned
from mecsim.sweep.preferences import preference_grid
from mecsim.sweep.results import SweepResult, is_sweep, read_sweep, write_results
from mecsim.sweep.resume import SweepSettings, resume_store, start_store
from mecsim.sweep.store import Store
from mecsim.sweep.validation import training_evaluation

__all__ = [
    "MEASURES",
    "Front",
    "Quality",
    "Resampled",
    "Store",
    "SweepResult",
    "SweepSettings",
    "Workers",
    "assess",
    "compared",
    "evaluate",
    "half_width_95",
    "half_width_95_of",
    "hypervolume",
    "is_sweep",
    "mean_cost",
    "measured",
    "on_front",
    "planned",
    "policy_factory",
    "preference_grid",
    "ratio",
    "read_sweep",
    "resample",
    "resume_store",
    "start_store",
    "summary",
    "sweep",
    "tape_chunks",
    "training_evaluation",
    "write_front_csv",
    "write_json",
    "write_results",
]
