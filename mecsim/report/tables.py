"""Tables for the terminal."""

import shutil
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mecsim.report.episodes import EPISODE_LABELS, episode_summary
from mecsim.sweep import Front, Quality

NARROWEST = 100  # columns where output is no terminal, or one too narrow for a row


def console() -> Console:
    """A console whose tables keep their words whole."""
    return Console(width=max(NARROWEST, shutil.get_terminal_size().columns))


def quality_table(qualities: Mapping[str, Quality], fronts: Sequence[Front], greedy_cost: float) -> Table:
    """One row per target of a sweep."""
    table = Table(title="Fronts")
    table.add_column("target", overflow="fold")
    for heading in ("hypervolume", "mean cost", "to greedy", "expected utility", "IGD+", "points on front"):
        table.add_column(heading, justify="right")
    for front in fronts:
        found = qualities[front.target]
        table.add_row(
            front.label,
            f"{found.hypervolume:.1f}",
            f"{found.mean_cost:.4f}",
            f"{found.mean_cost / greedy_cost - 1.0:+.1%}" if greedy_cost else "none",
            f"{found.expected_utility:.4f}",
            f"{found.igd_plus:.4f}",
            f"{found.cardinality} of {len(front.preferences)}",
        )
    table.caption = "hypervolume: higher is better; the others but the last: lower is better"
    return table


def episode_table(title: str, columns: Mapping[str, NDArray[np.float64]]) -> Table:
    """Mean and 95 % interval over episodes of each named quantity."""
    table = Table(title=title)
    for heading in ("per episode", "mean", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "per episode" else "right")
    for name, found in episode_summary(columns).items():
        mean, half = found["mean"], found["ci95"]
        label = EPISODE_LABELS.get(name, name)
        if mean is None:
            table.add_row(label, "none", "")
        else:
            table.add_row(label, f"{mean:.6g}", "one episode" if half is None else f"± {half:.4g}")
    return table
