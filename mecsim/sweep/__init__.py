"""Fronts: policies played over a grid of preferences on common random numbers."""

from mecsim.sweep.bootstrap import Resampled, half_width_95_of, ratio, resample
from mecsim.sweep.distribute import Workers
from mecsim.sweep.evaluate import Front, evaluate, half_width_95, policy_factory, sweep, tape_chunks
from mecsim.sweep.files import assess, summary, write_front_csv, write_json
from mecsim.sweep.indicators import Quality, hypervolume, mean_cost, on_front
from mecsim.sweep.measures import MEASURES, compared, measured
from mecsim.sweep.planned import planned
from mecsim.sweep.preferences import preference_grid
from mecsim.sweep.resume import SweepSettings, resume_store, start_store
from mecsim.sweep.store import Store
from mecsim.sweep.validation import training_evaluation

__all__ = [
    "MEASURES",
    "Front",
    "Quality",
    "Resampled",
    "Store",
    "SweepSettings",
    "Workers",
    "assess",
    "compared",
    "evaluate",
    "half_width_95",
    "half_width_95_of",
    "hypervolume",
    "mean_cost",
    "measured",
    "on_front",
    "planned",
    "policy_factory",
    "preference_grid",
    "ratio",
    "resample",
    "resume_store",
    "start_store",
    "summary",
    "sweep",
    "tape_chunks",
    "training_evaluation",
    "write_front_csv",
    "write_json",
]
