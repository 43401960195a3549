"""Fronts: policies played over a grid of preferences on common random numbers."""

from mecsim.sweep.evaluate import Front, evaluate, half_width_95, policy_factory, sweep, tape_chunks
from mecsim.sweep.files import assess, summary, write_front_csv, write_json
from mecsim.sweep.indicators import Quality, hypervolume, mean_cost, on_front
from mecsim.sweep.preferences import preference_grid

__all__ = [
    "Front",
    "Quality",
    "assess",
    "evaluate",
    "half_width_95",
    "hypervolume",
    "mean_cost",
    "on_front",
    "policy_factory",
    "preference_grid",
    "summary",
    "sweep",
    "tape_chunks",
    "write_front_csv",
    "write_json",
]
