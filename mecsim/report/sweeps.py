"""Sweeps that are shown together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mecsim.core.scenario import Scenario
from mecsim.errors import InputError
from mecsim.policies import calibrate
from mecsim.report.figures import save_front
from mecsim.report.provenance import provenance
from mecsim.sweep import Front, SweepResult, read_sweep, summary, write_results


def read_sweeps(folders: Sequence[Path]) -> list[SweepResult]:
    """Finished sweeps from their folders, whose objectives are the same, so that one picture can hold them.

    Raises:
        InputError: one cannot be read, is named twice, or has other objectives.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError("a sweep is named twice")
    sweeps = [read_sweep(folder) for folder in folders]
    first = sweeps[0].scenario
    for sweep in sweeps[1:]:
        if (sweep.scenario.kind, sweep.scenario.objectives) != (first.kind, first.objectives):
            raise InputError(
                f"{sweep.folder}: has the objectives {', '.join(sweep.scenario.objectives)} of {sweep.scenario.kind}, "
                f"{sweeps[0].folder} {', '.join(first.objectives)} of {first.kind}: show them apart"
            )
    return sweeps


def save_sweep(
    folder: Path, fronts: Sequence[Front], greedy: Front, scenario: Scenario, told: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Path]]:
    """Write what a sweep came to, its numbers and its picture, into a folder that is there.

    Args:
        folder: of the results.
        fronts: of its targets.
        greedy: the yardstick.
        scenario: that was played.
        told: of how it was made; versions and hardware are added.

    Returns:
        The content of summary.json, and the pictures.
    """
    content = summary(fronts, greedy, scenario, calibrate(scenario), {**provenance(), **told})
    return write_results(folder, fronts, scenario, content), save_front(fronts, scenario, folder)


def named_fronts(sweeps: Sequence[SweepResult]) -> list[Front]:
    """The fronts of all sweeps; where two have the same label, that tells the sweep's folder, too."""
    count = Counter(front.label for sweep in sweeps for front in sweep.fronts)
    return [
        front if count[front.label] == 1 else replace(front, target=f"{sweep.folder.name}: {Path(front.target).name}")
        for sweep in sweeps
        for front in sweep.fronts
    ]
