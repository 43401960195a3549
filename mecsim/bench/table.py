"""The table of a benchmark, beside an earlier one where there is one."""

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from mecsim.bench.compare import ERROR, LEAST_CHANGE, Change
from mecsim.bench.quantity import Quantity
from mecsim.bench.stored import Benchmark

WIDEST_SHOWN = 100.0

CAPTION = (
    "value: the best repetition, as other programs only slow one down; of contended ones the median, of shares the "
    "mean; spread: from the first to the third quartile of the repetitions, as a share of their median"
)
CHANGE_CAPTION = (
    f"ratio: of the values, now to before; interval: of the means, all at once with {1.0 - ERROR:.0%}; a verdict needs "
    f"a ratio beyond {LEAST_CHANGE - 1.0:.0%} and an interval without 1"
)


def bench_table(found: Benchmark, changed: Sequence[Change] | None = None) -> Table:
    """A row per quantity; `changed` adds the columns of a comparison."""
    table = Table(title=f"{found.scenario}, {found.envs:,} environments, {found.threads} threads")
    table.add_column("quantity", no_wrap=True)
    comparison = [] if changed is None else ["before", "ratio", "interval", ""]
    for heading in ("value", "unit", "spread", *comparison):
        table.add_column(heading, justify="left" if heading in ("unit", "") else "right", no_wrap=True)
    by_key = {change.key: change for change in changed or ()}
    for key, value in found.values.items():
        unit = Quantity(key).unit
        cells = [_number(value, unit), unit, _spread(found.repetitions.get(key))]
        if changed is not None:
            cells += _change_cells(by_key.get(key))
        table.add_row(Quantity(key).name, *cells)
    table.caption = CAPTION if changed is None else f"{CAPTION}; {CHANGE_CAPTION}"
    return table


def _change_cells(change: Change | None) -> list[str]:
    if change is None:
        return [""] * 4
    low, high = change.interval or (0.0, np.inf)
    interval = f"{low:.2f} to {high:.2f}" if high < WIDEST_SHOWN else "unknown"
    return [_number(change.before, Quantity(change.key).unit), f"{change.ratio:.2f}", interval, change.verdict]


def _spread(repetitions: Sequence[float] | None) -> str:
    if not repetitions:
        return ""
    low, median, high = np.quantile(repetitions, (0.25, 0.5, 0.75))
    return f"{(high - low) / median:.0%}" if median else ""


def _number(value: float, unit: str) -> str:
    value *= 100.0 if unit == "%" else 1.0
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.4g}"
