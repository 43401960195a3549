"""Tables for the terminal."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from mecsim.report.simulation import episode_summary
from mecsim.schema.words import shortened
from mecsim.sweep import MEASURES, Front
from mecsim.sweep.bootstrap import FEWEST_EPISODES

NARROWEST = 60  # columns, however narrow a terminal is
WIDEST_LABEL = 28  # of a row


def console() -> Console:
    """A console as wide as the terminal, or of 80 columns where output is none."""
    return Console(width=max(NARROWEST, shutil.get_terminal_size().columns))


def print_table(table: Table) -> None:
    """Print a table; one that is too wide as several below each other, each with the first column."""
    shown = console()
    for part in in_width(table, shown.width):
        shown.print(part)


def in_width(table: Table, width: int) -> list[Table]:
    """The table, or as few with the same rows as it takes to be so wide at most: each begins with the first column."""
    widths = [max(map(cell_len, (str(column.header), *map(str, column.cells)))) + 3 for column in table.columns]
    parts: list[list[int]] = [[]]
    for index in range(1, len(widths)):
        taken = 1 + widths[0] + sum(widths[other] for other in parts[-1])
        if parts[-1] and taken + widths[index] > width:
            parts.append([])
        parts[-1].append(index)
    if len(parts) == 1:
        return [table]
    return [_columns_of(table, [0, *part], part is parts[0], part is parts[-1]) for part in parts]


def _columns_of(table: Table, chosen: Sequence[int], first: bool, last: bool) -> Table:
    part = Table(title=table.title if first else None, caption=table.caption if last else None)
    columns = [table.columns[index] for index in chosen]
    for column in columns:
        part.add_column(column.header, justify=column.justify, no_wrap=column.no_wrap, overflow=column.overflow)
    for row, *cells in zip(table.rows, *(column.cells for column in columns), strict=True):
        part.add_row(*cells, end_section=row.end_section)
    return part


def with_interval(value: float, half_width: float | None, sign: str = "") -> str:
    """A value with half its interval, which decides the digits: two of its own; five of a value that has none."""
    if half_width is None or not np.isfinite(half_width):
        return f"{value:{sign}.5g}"
    digits = 2 if half_width == 0.0 else int(np.clip(1 - np.floor(np.log10(half_width)), 0, 6))
    return f"{value:{sign}.{digits}f} ± {half_width:.{digits}f}"


def quality_table(told: Mapping[str, Mapping[str, Any]], fronts: Sequence[Front]) -> Table:
    """One row per target of a sweep; `told` is `targets` of its summary."""
    table = Table(title="Fronts")
    table.add_column("target", overflow="fold")
    for heading in ("hypervolume", "mean cost", "to greedy (%)", "expected utility", "IGD+", "points on front"):
        table.add_column(heading, justify="right", no_wrap=True)
    for front in fronts:
        found = told[front.target]
        to_greedy, half = found["mean_cost_ratio_to_greedy"], found["mean_cost_ratio_to_greedy_ci95"]
        table.add_row(
            shortened(front.label, WIDEST_LABEL),
            with_interval(found["hypervolume"], found["hypervolume_ci95"]),
            with_interval(found["mean_cost"], found["mean_cost_ci95"]),
            "none" if to_greedy is None else with_interval(100.0 * (to_greedy - 1.0), _percent(half), "+"),
            with_interval(found["expected_utility"], found["expected_utility_ci95"]),
            f"{found['igd_plus']:.4f}",
            f"{found['cardinality']} of {len(front.preferences)}",
        )
        if front.trainings:
            table.add_row(
                "  over trainings",
                _half_width(found["hypervolume_trainings_ci95"]),
                _half_width(found["mean_cost_trainings_ci95"]),
                _half_width(_percent(found["mean_cost_ratio_to_greedy_trainings_ci95"])),
                _half_width(found["expected_utility_trainings_ci95"]),
            )
    table.caption = "± half of the 95 % interval; hypervolume: higher is better; the others but the last: lower"
    episodes = fronts[0].totals.shape[1]
    if 1 < episodes < FEWEST_EPISODES:
        table.caption += f"; {episodes} episodes: intervals were shown to hold from {FEWEST_EPISODES} on"
    return table


def difference_table(told: Mapping[str, Mapping[str, Any]], fronts: Sequence[Front]) -> Table | None:
    """One row per target of a sweep and yardstick, greedy or lookahead; None if there is nothing but greedy.

    Of greedy's own there is none to a target that has a row to greedy: it would say the same.
    """
    table = Table(title="Differences on the same episodes")
    table.add_column("", overflow="fold")
    for measure in MEASURES:
        table.add_column(measure.replace("_", " "), justify="right", no_wrap=True)
    for front in fronts:
        for name, found in told[front.target]["differences"].items():
            if front.target == "greedy" and "greedy" in told.get(name, {}).get("differences", {}):
                continue
            label = f"{shortened(front.label, WIDEST_LABEL)} - {name}"
            table.add_row(label, *(with_interval(one["difference"], one["ci95"], "+") for one in found.values()))
            if front.trainings:
                table.add_row("  over trainings", *(_half_width(one["trainings_ci95"]) for one in found.values()))
    return table if table.row_count else None


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * value


def _half_width(value: float | None) -> str:
    """Nothing where there is none; two digits otherwise."""
    return "" if value is None else with_interval(0.0, value).partition(" ")[2]


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
