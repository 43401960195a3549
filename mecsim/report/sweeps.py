"""Sweeps that are shown together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mecsim.errors import InputError
from mecsim.sweep import Front, SweepResult, read_sweep


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


def named_fronts(sweeps: Sequence[SweepResult]) -> list[Front]:
    """The fronts of all sweeps; where two have the same label, that tells the sweep's folder, too."""
    count = Counter(front.label for sweep in sweeps for front in sweep.fronts)
    return [
        front if count[front.label] == 1 else replace(front, target=f"{sweep.folder.name}: {Path(front.target).name}")
        for sweep in sweeps
        for front in sweep.fronts
    ]
