"""A comparison of two targets as a table: for a terminal, a paper, or a program."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from mecsim.core.system import objectives_of
from mecsim.scenario import content_of
from mecsim.sweep import Comparison
from mecsim.sweep.files import without_nan

FORMATS = ("text", "markdown", "latex", "json")

NAMES = {"hypervolume": "hypervolume", "mean_cost": "mean cost", "expected_utility": "expected utility"}

Rows = list[tuple[str, ...]]


def overall_rows(found: Comparison) -> Rows:
    """A row per measure: both values, the difference with its interval, and the difference in per cent."""
    several = any(not np.isnan(one.trainings_ci95) for one in found.measures.values())
    head = ("", "A", "B", "A - B", "in %", *(("over trainings",) if several else ()))
    rows: Rows = [head]
    for name, one in found.measures.items():
        share = f"{one.difference / one.other:+.1%}" if one.other else "none"
        row = (NAMES[name], f"{one.one:.5g}", f"{one.other:.5g}", _with_half(one.difference, one.ci95), share)
        rows.append((*row, *((_half(one.trainings_ci95),) if several else ())))
    return rows


def preference_rows(found: Comparison) -> Rows:
    """A row per preference: its weights, and the difference of each objective with its interval."""
    objectives = objectives_of(found.one.scenario)
    weights = [f"w({one.name.replace('_', ' ')})" for one in objectives]
    rows: Rows = [(*weights, *(one.label for one in objectives))]
    for k, preference in enumerate(found.preferences):
        differences = [_with_half(*pair) for pair in zip(found.difference[k], found.ci95[k], strict=True)]
        rows.append((*(f"{weight:.3g}" for weight in preference), *differences))
    return rows


def _half(value: float) -> str:
    return "" if np.isnan(value) else f"± {value:.2g}"


def _with_half(value: float, half: float) -> str:
    """A difference and its interval, to the digits that it is known to."""
    if np.isnan(half):
        return f"{value:+.4g}"
    digits = int(np.clip(1 - np.floor(np.log10(half)), 0, 9)) if half > 0.0 else 4
    return f"{value:+.{digits}f} {_half(half)}"


def verdict(found: Comparison) -> list[str]:
    """In a few lines what the numbers say."""
    cost = found.measures["mean_cost"]
    if np.isnan(cost.ci95):
        lines = ["a single episode decides nothing"]
    elif abs(cost.difference) <= cost.ci95:
        lines = ["no difference in mean cost beyond noise"]
    else:
        lines = [f"A costs {'less' if cost.difference < 0.0 else 'more'} than B"]
    for i, one in enumerate(objectives_of(found.one.scenario)):
        better, worse, undecided = (int((found.better[:, i] == sign).sum()) for sign in (1.0, -1.0, 0.0))
        lines.append(f"{one.name}: A better at {better}, B at {worse}, undecided at {undecided} preferences")
    return lines


def heading(found: Comparison) -> list[str]:
    """Who is who, and on what they were played."""
    sides = [f"{letter}: {side.front.target}" for letter, side in zip("AB", (found.one, found.other), strict=True)]
    if content_of(found.one.scenario) != content_of(found.other.scenario):
        sides = [
            f"{line}, on {side.scenario.description or side.scenario.kind}"
            for line, side in zip(sides, (found.one, found.other), strict=True)
        ]
    if found.paired:
        episodes = f"paired on {found.episodes[0]} common episodes"
    else:
        episodes = f"not paired (other seeds), {found.episodes[0]} and {found.episodes[1]} episodes"
    return [*sides, f"{episodes}, {len(found.preferences)} preferences", "± half of the 95 % interval"]


def comparison_text(found: Comparison, form: str) -> str:
    """The whole in one of `FORMATS`."""
    if form == "json":
        return json.dumps(_content(found), indent=2)
    overall, each = overall_rows(found), preference_rows(found)
    if form == "markdown":
        return "\n\n".join(
            ["  \n".join(heading(found)), _markdown(overall), _markdown(each), "  \n".join(verdict(found))]
        )
    if form == "latex":
        return "\n".join([*(f"% {_latex(line)}" for line in heading(found)), _tabular(overall), _tabular(each)])
    return "\n".join([*heading(found), "", *_plain(overall), "", *_plain(each), "", *verdict(found)])


def _content(found: Comparison) -> dict[str, Any]:
    names = found.one.scenario.objectives
    content: dict[str, Any] = without_nan(
        {
            "one": found.one.front.target,
            "other": found.other.front.target,
            "paired": found.paired,
            "episodes": list(found.episodes),
            "reference_point": found.calibration.reference.tolist(),
            "measures": {name: dataclasses.asdict(one) for name, one in found.measures.items()},
            "preferences": [
                {
                    **{f"preference_{name}": weight for name, weight in zip(names, weights, strict=True)},
                    **{f"{name}_difference": value for name, value in zip(names, differences, strict=True)},
                    **{f"{name}_ci95": value for name, value in zip(names, halves, strict=True)},
                }
                for weights, differences, halves in zip(
                    found.preferences.tolist(), found.difference.tolist(), found.ci95.tolist(), strict=True
                )
            ],
        }
    )
    return content


def _plain(rows: Rows) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(_cell(text, widths, i) for i, text in enumerate(row)).rstrip() for row in rows]


def _cell(text: str, widths: Sequence[int], column: int) -> str:
    return f"{text:<{widths[column]}}" if column == 0 else f"{text:>{widths[column]}}"


def _markdown(rows: Rows) -> str:
    rule = ("---", *("--:",) * (len(rows[0]) - 1))
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def _tabular(rows: Rows) -> str:
    lines = [rf"{' & '.join(map(_latex, row))} \\" for row in rows]
    columns = "l" + "r" * (len(rows[0]) - 1)
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule", end])


_LATEX = {"%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "\\": r"\textbackslash{}"}


def _latex(text: str) -> str:
    escaped = "".join(_LATEX.get(letter, letter) for letter in text)
    return escaped.replace("±", r"$\pm$").replace("~", r"\textasciitilde{}").replace("^", r"\textasciicircum{}")
