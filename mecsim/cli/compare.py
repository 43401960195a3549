"""mecsim compare: how two targets differ, in pairs where they were played on the same episodes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.options import MAX_PREFERENCES, episodes_option, seed_option, threads_option, workers_option
from mecsim.errors import InputError

if TYPE_CHECKING:
    from mecsim.sweep import Side, SweepResult


@click.command()
@click.argument("sides", metavar="A B", nargs=-1, required=True)
@click.option("--scenario", metavar="SCENARIO", help="What targets are played on.  [default: that of the sweep or run]")
@click.option(
    "--preferences", type=click.IntRange(1, MAX_PREFERENCES), default=21, show_default=True, help="Of what is played."
)
@episodes_option(200)
@seed_option
@click.option("--format", "form", type=click.Choice(["text", "markdown", "latex", "json"]), default="text")
@workers_option
@threads_option
def compare(
    sides: tuple[str, ...], scenario: str | None, preferences: int, episodes: int, seed: int, form: str,
    workers: int | None, num_threads: int | None,
) -> None:  # fmt: skip
    """Compare A with B: the folder of a sweep (SWEEP:TARGET for one of its targets), or a target that is played.

    Of two sweeps every target that both have is compared, of one sweep alone its first with the others. A run or a
    policy is played on the scenario, preferences, episodes and seed of the sweep beside it.
    """
    from mecsim.report.comparison import comparison_text
    from mecsim.sweep import Side, compare_sides

    if len(sides) > 2:
        raise InputError(f"expected two things to compare, got {len(sides)}")
    opened = [_opened(text) for text in sides]
    sweeps = [found for found, _ in opened if found is not None]
    if len(sides) == 1:
        if not sweeps or opened[0][1] is not None or len(sweeps[0].fronts) < 2:
            raise InputError(f"{sides[0]}: name what to compare it with")
        first, *others = sweeps[0].fronts
        pairs = [(Side.of(sweeps[0], first.target), Side.of(sweeps[0], one.target)) for one in others]
    elif len(sweeps) == 2 and opened[0][1] is None and opened[1][1] is None:
        pairs = _common(sweeps)
    else:
        if scenario is not None and sweeps:
            raise InputError("--scenario: what is played beside a sweep is played on its scenario; leave it out")
        settings = (preferences, episodes, seed, workers, num_threads)
        pairs = [_pair(sides, opened, scenario, settings)]
    for number, (one, other) in enumerate(pairs):
        click.echo("\n" * (number > 0) + comparison_text(compare_sides(one, other), form))


def _opened(text: str) -> "tuple[SweepResult | None, str | None]":
    """The sweep that a side is of, and which target; a target alone if there is no such sweep."""
    from mecsim.sweep import is_sweep, read_sweep

    if is_sweep(Path(text)):
        return read_sweep(text), None
    folder, colon, target = text.partition(":")
    if colon and is_sweep(Path(folder)):
        found = read_sweep(folder)
        found.front(target)
        return found, target
    return None, text


def _common(sweeps: "list[SweepResult]") -> "list[tuple[Side, Side]]":
    from mecsim.sweep import Side

    one, other = sweeps
    labels = [front.label for front in other.fronts]
    common = [front.label for front in one.fronts if front.label in labels]
    if common:
        return [(Side.of(one, label), Side.of(other, label)) for label in common]
    if len(one.fronts) == len(other.fronts) == 1:
        return [(Side.of(one), Side.of(other))]
    raise InputError(f"{one.folder} and {other.folder}: have no target in common; name two, as {one.folder}:TARGET")


def _pair(
    sides: tuple[str, ...],
    opened: "list[tuple[SweepResult | None, str | None]]",
    scenario: str | None,
    settings: tuple[int, int, int, int | None, int | None],
) -> "tuple[Side, Side]":
    from mecsim.sweep import Side

    beside = next((found for found, _ in opened if found is not None), None)
    to_play = [text for text, (found, _) in zip(sides, opened, strict=True) if found is None]
    played = iter(_played(to_play, beside, scenario, settings))
    pair = [Side.of(found, target) if found is not None else next(played) for found, target in opened]
    return pair[0], pair[1]


def _played(
    targets: list[str],
    beside: "SweepResult | None",
    scenario: str | None,
    settings: tuple[int, int, int, int | None, int | None],
) -> "list[Side]":
    from mecsim.policies import calibrate
    from mecsim.scenario import load_scenario
    from mecsim.sweep import Side, check_targets, preference_grid, scenario_of_runs
    from mecsim.sweep import sweep as run_sweep
    from mecsim.sweep.evaluate import workers_for

    if not targets:
        return []
    preferences, episodes, seed, workers, num_threads = settings
    if beside is not None:
        on, calibration, seed = beside.scenario, beside.calibration, beside.seed
        grid, episodes = beside.fronts[0].preferences, int(beside.fronts[0].totals.shape[1])
    else:
        on = scenario_of_runs(targets) if scenario is None else load_scenario(scenario)
        check_targets(targets, on)
        grid, calibration = preference_grid(len(on.objectives), preferences), calibrate(on)
    shared = workers_for(targets, on, len(grid), episodes, workers, num_threads)
    fronts = run_sweep(targets, on, grid, episodes, seed, shared)
    return [Side(front, on, calibration, seed) for front in fronts]
