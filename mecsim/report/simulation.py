"""What a simulation is told by: mean and interval of each quantity over episodes."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mecsim.core.system import SYSTEMS
from mecsim.sweep import half_width_95


def record_names() -> tuple[str, ...]:
    """All files that records of any system may be written to."""
    return tuple(table.file for system in SYSTEMS.plugins for table in SYSTEMS.load(system).tables)


def episode_summary(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[str, float | None]]:
    """Mean and half width of the 95 % interval of each column; None where it has none."""
    found: dict[str, dict[str, float | None]] = {}
    for name, values in columns.items():
        known = values[~np.isnan(values)]
        mean, half = (float(known.mean()), float(half_width_95(known))) if len(known) else (np.nan, np.nan)
        found[name] = {"mean": None if np.isnan(mean) else mean, "ci95": None if np.isnan(half) else half}
    return found
