"""Tables for the terminal."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mecsim.report.simulation import episode_summary
from mecsim.sweep import Front

NARROWEST = 120  # columns where output is no terminal, or one too narrow for a row


def console() -> Console:
    """A console whose tables keep their words whole."""
    return Console(width=max(NARROWEST, shutil.get_terminal_size().columns))


def quality_table(told: Mapping[str, Mapping[str, Any]], fronts: Sequence[Front]) -> Table:
    """One row per target of a sweep; `told` is `targets` of its summary."""
    table = Table(title="Fronts")
    table.add_column("target", overflow="fold")
    for heading in ("hypervolume", "mean cost", "to greedy", "expected utility", "IGD+", "points on front"):
        table.add_column(heading, justify="right", no_wrap=True)
    for front in fronts:
        found = told[front.target]
        to_greedy = found["mean_cost_ratio_to_greedy"]
        digits = ".1f" if found["hypervolume"] >= 100.0 else ".4f"  # of shares and ratings it is a small number
        table.add_row(
            front.label,
            f"{found['hypervolume']:{digits}}" + _half_width(found["hypervolume_ci95"], digits),
            f"{found['mean_cost']:.4f}" + _half_width(found["mean_cost_ci95"], ".4f"),
            "none"
            if to_greedy is None
            else f"{to_greedy - 1.0:+.1%}" + _half_width(found["mean_cost_ratio_to_greedy_ci95"], ".1%"),
            f"{found['expected_utility']:.4f}" + _half_width(found["expected_utility_ci95"], ".4f"),
            f"{found['igd_plus']:.4f}",
            f"{found['cardinality']} of {len(front.preferences)}",
        )
        if front.trainings:
            table.add_row(
                "  over trainings",
                _half_width(found["hypervolume_trainings_ci95"], digits),
                _half_width(found["mean_cost_trainings_ci95"], ".4f"),
                _half_width(found["mean_cost_ratio_to_greedy_trainings_ci95"], ".1%"),
                _half_width(found["expected_utility_trainings_ci95"], ".4f"),
            )
    table.caption = "± half of the 95 % interval; hypervolume: higher is better; the others but the last: lower"
    return table


def _half_width(value: float | None, form: str) -> str:
    """Nothing where a single episode leaves no interval."""
    return "" if value is None else f" ± {value:{form}}"


def episode_table(title: str, columns: Mapping[str, NDArray[np.float64]], labels: Mapping[str, str]) -> Table:
    """Mean and 95 % interval over episodes of each quantity, which `labels` name for people."""
    table = Table(title=title)
    for heading in ("per episode", "mean", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "per episode" else "right")
    for name, found in episode_summary(columns).items():
        mean, half = found["mean"], found["ci95"]
        label = labels[name]
        if mean is None:
            table.add_row(label, "none", "")
        else:
            table.add_row(label, f"{mean:.6g}", "one episode" if half is None else f"± {half:.4g}")
    return table
