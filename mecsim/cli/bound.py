"""mecsim bound: how far policies are, at most, from the best that is possible without knowledge of the future."""

import json
import math
import time
from pathlib import Path

import click

from mecsim.cli.completion import targets as complete_targets
from mecsim.cli.options import (
    MAX_PREFERENCES,
    context_option,
    episodes_option,
    force_option,
    json_option,
    key_values,
    output_folder,
    scenario_argument,
    seed_option,
    threads_option,
    workers_option,
)
from mecsim.cli.terminal import Bars
from mecsim.errors import InputError


@click.command()
@scenario_argument
@click.argument("targets", metavar="[TARGET]...", nargs=-1, shell_complete=complete_targets)
@click.option(
    "--preferences", type=click.IntRange(1, MAX_PREFERENCES), default=11, show_default=True, help="Size of the grid."
)
@episodes_option(64)
@seed_option
@click.option(
    "--penalty",
    type=click.FloatRange(-10.0, 10.0),
    default=0.0,
    show_default=True,
    metavar="BETA",
    help="By which penalties for using the future are multiplied; 0 for none.",
)
@click.option(
    "--effort",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How hard a tight bound is looked for; time grows in proportion.",
)
@context_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder for bound.csv and summary.json.")
@workers_option
@force_option
@threads_option
@json_option
def bound(
    scenario: str, targets: tuple[str, ...], preferences: int, episodes: int, seed: int, penalty: float, effort: int,
    context: tuple[str, ...], out: Path | None, workers: int | None, force: bool, num_threads: int | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Bound the cost on SCENARIO from below, and say how far greedy and each TARGET are from the best at most.

    The bound holds for every policy that does not know the future. A TARGET is the folder of a run or a baseline's
    name; it meets the same episodes.
    """
    from mecsim.core.relaxation import Relaxation
    from mecsim.core.system import draw_episodes
    from mecsim.policies import calibrate
    from mecsim.report.bounds import bound_lines, bound_table, bound_told, write_bound_csv
    from mecsim.report.provenance import provenance
    from mecsim.report.tables import print_table
    from mecsim.scenario import load_scenario, with_context
    from mecsim.sweep import check_playable, check_targets, preference_grid, runs_of, with_greedy, write_json
    from mecsim.sweep import sweep as run_sweep
    from mecsim.sweep.bounding import bound_costs, check_bounded
    from mecsim.sweep.evaluate import workers_for

    changes = key_values(context, "--context")
    bounded = with_context(load_scenario(scenario), changes)
    check_targets(targets, bounded)
    to_play = sorted(with_greedy(targets), key=lambda target: target != "greedy")
    if math.isnan(penalty):
        raise InputError("--penalty nan: expected a number")
    check_bounded(bounded, penalty)
    grid = preference_grid(len(bounded.objectives), preferences)
    check_playable(to_play, bounded)
    draw_episodes(bounded, seed, 0, 1)  # files that the scenario names are read before any is written
    folder = None if out is None else output_folder(out, ("bound.csv", "summary.json"), "summary.json", force)
    shared = workers_for(to_play, bounded, len(grid), episodes, workers, num_threads)
    started = time.perf_counter()
    with Bars({"bound": len(grid) * episodes}) as bars:
        asked = Relaxation(seed, 0, episodes, penalty, effort)
        bounds = bound_costs(bounded, grid, asked, shared, lambda done: bars.advance("bound", done))
    with Bars({target: len(runs_of(target, bounded)) * len(grid) for target in to_play}) as bars:
        fronts = run_sweep(to_play, bounded, grid, episodes, seed, shared, bars.advance)
    calibration = calibrate(bounded)
    content = {
        "format": 1,
        "scenario": scenario,
        "context": changes,
        "episodes": episodes,
        "seed": seed,
        "penalty": penalty,
        "effort": effort,
        "scale": dict(zip(bounded.objectives, calibration.scale.tolist(), strict=True)),
        **bound_told(fronts, bounds, calibration.scale),
        **provenance(),
        "wall_time_s": time.perf_counter() - started,
    }
    if folder is not None:
        write_bound_csv(folder / "bound.csv", fronts, bounds, bounded)
        write_json(folder / "summary.json", content)
    if as_json:
        click.echo(json.dumps(content, indent=2))
        return
    print_table(bound_table(fronts, bounds, calibration.scale))
    for line in bound_lines(fronts, bounds, calibration.scale):
        click.echo(line)
    if folder is not None:
        click.echo(f"wrote {folder / 'bound.csv'}, summary.json")
