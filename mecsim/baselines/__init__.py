"""Policies to compare with, by name, and how policies are played."""

from mecsim.baselines.calibration import Calibration, calibrate, tradable
from mecsim.baselines.policy import Play, Policy, PolicyFactory, play
from mecsim.baselines.registry import BASELINES, CELL_BASELINES, baseline, baselines_of
from mecsim.baselines.simple import CloudPolicy, GreedyPolicy, RandomPolicy

__all__ = [
    "BASELINES",
    "CELL_BASELINES",
    "Calibration",
    "CloudPolicy",
    "GreedyPolicy",
    "Play",
    "Policy",
    "PolicyFactory",
    "RandomPolicy",
    "baseline",
    "baselines_of",
    "calibrate",
    "play",
    "tradable",
]
