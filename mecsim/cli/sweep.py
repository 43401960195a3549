"""mecsim sweep: play policies over a grid of preferences and trace their fronts."""

import json
import time
from pathlib import Path

import click

from mecsim.cli.options import (
    MAX_PREFERENCES,
    episodes_option,
    force_option,
    json_option,
    key_values,
    output_folder,
    seed_option,
    threads_option,
    use_threads,
)
from mecsim.errors import InputError

OWN_ENTRIES = ("front.csv", "summary.json", "front.png", "front.svg", "tensorboard")


@click.command()
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@click.option("--scenario", metavar="SCENARIO", help="A file or a built-in's name.  [default: that of the first run]")
@click.option(
    "--preferences", type=click.IntRange(1, MAX_PREFERENCES), default=101, show_default=True, help="Size of the grid."
)
@episodes_option(1000)
@seed_option
@click.option("--context", multiple=True, metavar="KEY=VALUE", help="Change the scenario, such as edges=4; repeatable.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the results.")
@click.option("--workers", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes to use.")
@force_option
@threads_option
@json_option
def sweep(
    targets: tuple[str, ...], scenario: str | None, preferences: int, episodes: int, seed: int,
    context: tuple[str, ...], out: Path, workers: int, force: bool, num_threads: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Play each TARGET (the folder of a run, or a baseline's name) on common random numbers."""
    from rich.console import Console
    from rich.progress import Progress

    from mecsim.baselines import calibrate
    from mecsim.report.figures import save_front
    from mecsim.report.provenance import provenance
    from mecsim.report.tables import console, quality_table
    from mecsim.report.tensorboard import write_trade_offs
    from mecsim.scenario import load_scenario, with_context
    from mecsim.sweep import assess, mean_cost, preference_grid, summary, write_front_csv, write_json
    from mecsim.sweep import sweep as run_sweep
    from mecsim.sweep.evaluate import policy_factory
    from mecsim.training import Run, is_run

    if len({str(Path(target)) for target in targets}) < len(targets):
        raise InputError("a target is named twice")
    if scenario is not None:
        played = load_scenario(scenario)
    else:
        run = next((target for target in targets if is_run(Path(target))), None)
        if run is None:
            for target in targets:
                policy_factory(target, load_scenario("quickstart"))  # a misspelt target is the likelier cause
            raise InputError("baselines alone need a scenario: add --scenario NAME")
        played = Run.open(Path(run)).scenario
    changes = key_values(context, "--context")
    played = with_context(played, changes)
    grid = preference_grid(len(played.objectives), preferences)
    threads = use_threads(num_threads)
    for target in targets:
        policy_factory(target, played)  # what cannot be played should not be noticed after hours
    folder = output_folder(out, OWN_ENTRIES, "summary.json", force)
    started = time.perf_counter()
    with Progress(console=Console(stderr=True), disable=not Console(stderr=True).is_terminal) as progress:
        tasks = {target: progress.add_task(target, total=len(grid)) for target in (*targets, "greedy")}

        def advance(target: str, done: int) -> None:
            progress.advance(tasks[target], done)

        fronts = run_sweep(targets, played, grid, episodes, seed, workers, threads, advance)
        yardstick = next((front for front in fronts if front.target == "greedy"), None)
        if yardstick is None:
            [yardstick] = run_sweep(["greedy"], played, grid, episodes, seed, workers, threads)
        progress.update(tasks["greedy"], completed=len(grid))
    calibration = calibrate(played)
    written = {
        **provenance(),
        "seed": seed,
        "context": changes,
        "threads": threads,
        "workers": workers,
        "wall_time_s": time.perf_counter() - started,
    }
    content = summary(fronts, yardstick, played, calibration, written)
    qualities = assess(fronts, calibration)
    write_json(folder / "summary.json", content)
    write_front_csv(folder / "front.csv", fronts, played)
    picture = save_front(fronts, played, folder)
    write_trade_offs(folder / "tensorboard", fronts, qualities, played)
    if as_json:
        click.echo(json.dumps(content, indent=2))
        return
    greedy_cost = mean_cost(yardstick.mean, grid, calibration.scale)
    console().print(quality_table(qualities, fronts, greedy_cost))
    for front in fronts:
        beyond = int((front.mean >= calibration.reference).any(axis=1).sum())
        if beyond:
            click.echo(f"{front.label}: {beyond} of {len(grid)} points are beyond the reference point: no hypervolume")
    click.echo(f"front: {picture}")
