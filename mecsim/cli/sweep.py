"""mecsim sweep: play policies over a grid of preferences and trace their fronts."""

import json
import os
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.completion import scenarios
from mecsim.cli.completion import targets as complete_targets
from mecsim.cli.options import (
    MAX_PREFERENCES,
    context_option,
    episodes_option,
    force_option,
    json_option,
    key_values,
    output_folder,
    plan_option,
    ray_option,
    remove,
    seed_option,
    sole_writer,
    threads_option,
    warn,
    workers_option,
)
from mecsim.cli.terminal import Bars
from mecsim.core.lock import writing_folder
from mecsim.core.stopping import exit_code, undisturbed
from mecsim.errors import InputError

if TYPE_CHECKING:
    from mecsim.sweep import Store, SweepSettings
    from mecsim.sweep.distribute import Place
    from mecsim.sweep.share import Share

PARTS = "parts"


@click.command()
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True, shell_complete=complete_targets)
@click.option("--scenario", metavar="SCENARIO", help="A file or a built-in's name.  [default: that of the first run]",
              shell_complete=scenarios)  # fmt: skip
@click.option(
    "--preferences", type=click.IntRange(1, MAX_PREFERENCES), default=101, show_default=True, help="Size of the grid."
)
@plan_option
@episodes_option(1000)
@seed_option
@context_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the results.")
@workers_option
@ray_option
@click.option(
    "--part", metavar="I/N",
    help="Play the I-th of N parts into --out and end, as one of N commands that differ in this alone, on any machines "
    "that share the folder; afterwards the same with --resume instead collects all.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with the sweep in --out, which had the same settings.")
@force_option
@threads_option
@json_option
def sweep(
    targets: tuple[str, ...], scenario: str | None, preferences: int, plan: int | None, episodes: int, seed: int,
    context: tuple[str, ...], out: Path, workers: int | None, address: str | None, part: str | None,
    resume: bool, force: bool, num_threads: int | None, as_json: bool,
) -> tuple[str, ...] | None:  # fmt: skip
    """Play each TARGET (the folder of a run or of several, or a baseline's name) on common random numbers."""
    from mecsim.core.system import draw_episodes
    from mecsim.policies import calibrate
    from mecsim.scenario import load_scenario, with_context
    from mecsim.sweep import (
        SweepSettings,
        assess,
        beyond_reference,
        check_playable,
        check_targets,
        collapsed_runs,
        foreseen,
        planned,
        preference_grid,
        runs_of,
        scenario_of_runs,
        with_greedy,
    )
    from mecsim.sweep import sweep as run_sweep
    from mecsim.sweep.evaluate import place_for
    from mecsim.sweep.share import Share

    targets = tuple(planned(target, plan) for target in targets)
    to_play = with_greedy(targets)
    if resume and force:
        raise InputError("--resume goes on with what --force would remove: give one of them")
    share = None if part is None else Share.parsed(part)
    if share is not None and (resume or force or as_json):
        raise InputError(
            "--part plays what is missing of a part, and shows nothing: leave --resume, --force, --json out"
        )
    changes = key_values(context, "--context")
    played = with_context(scenario_of_runs(targets) if scenario is None else load_scenario(scenario), changes)
    check_targets(targets, played)

    from mecsim.report.sweeps import save_sweep
    from mecsim.report.tables import difference_table, print_table, quality_table
    from mecsim.report.trade_offs import write_trade_offs

    grid = preference_grid(len(played.objectives), preferences)
    runs = {target: runs_of(target, played) for target in to_play}
    place = place_for(address, to_play, played, len(grid), episodes, workers, num_threads)
    check_playable(targets, played)
    draw_episodes(played, seed, 0, 1)  # files that the scenario names are read before any is written
    foretold = foreseen(played, seed)
    settings = SweepSettings(targets, played, grid, episodes, seed)
    if share is not None:
        _play_share(out, replace(settings, targets=tuple(to_play)), share, place)
        return None
    with undisturbed():
        store = _store(out, settings, resume, force)
    warn(foretold)
    started = time.perf_counter()
    with Bars({target: len(runs[target]) * len(grid) for target in to_play}) as bars:
        try:
            found = run_sweep(to_play, played, grid, episodes, seed, place, bars.advance, store)
        except KeyboardInterrupt as interruption:
            click.echo(f"interrupted; go on with: {_resuming_command()}", err=True)
            raise click.exceptions.Exit(exit_code(interruption)) from None
    fronts, greedy = found[: len(targets)], found[to_play.index("greedy")]
    told = {
        "seed": seed,
        "context": changes,
        "threads": place.threads,
        "workers": place.processes,
        "resumed": resume,  # the time is that of the last part only
        "wall_time_s": time.perf_counter() - started,
    }
    content, pictures = save_sweep(out, fronts, greedy, played, told)
    calibration = calibrate(played)
    remove(out / "tensorboard")  # there already if a finished sweep was resumed for further targets
    write_trade_offs(out / "tensorboard", fronts, assess(fronts, calibration), played)
    if as_json:
        click.echo(json.dumps(content, indent=2))
        return None
    print_table(quality_table(content["targets"], fronts))
    if (differences := difference_table(content["targets"], fronts)) is not None:
        print_table(differences)
    warn([*beyond_reference(fronts, calibration), *collapsed_runs(fronts, played)])
    click.echo(f"front: {', '.join(map(str, pictures))}")
    return ("mecsim", "choose", str(out), "--list")


def _play_share(out: Path, settings: "SweepSettings", share: "Share", place: "Place") -> None:
    """Play a part of a sweep into the folder, and say what comes next."""
    from mecsim.cli.terminal import Bar
    from mecsim.sweep.resume import share_store
    from mecsim.sweep.share import play_share

    store = share_store(out / PARTS, settings)
    with Bar(f"part {share.number} of {share.of}") as bar:
        jobs = play_share(settings, share, place, store, bar.advance)
    click.echo(f"part {share.number} of {share.of}: {jobs} of the sweep's jobs are in {out}", err=True)


def _store(out: Path, settings: "SweepSettings", resume: bool, force: bool) -> "Store":
    """Where finished parts are kept: in a new or emptied folder, or that of the sweep to resume."""
    from mecsim.report.figures import FRONT_FILES
    from mecsim.scenario.whole import data_entries
    from mecsim.sweep import resume_store, start_store
    from mecsim.sweep.results import RESULT_FILES

    if resume:
        if out.is_dir():
            sole_writer(writing_folder(out))
        return resume_store(out / PARTS, settings)
    begun = f"{PARTS}/settings.json"  # all there is of a sweep that was interrupted
    interrupted = os.path.isfile(out / begun) and not os.path.isfile(out / "summary.json")
    own = (*RESULT_FILES, *data_entries(out), *FRONT_FILES, "tensorboard", PARTS)
    output_folder(out, own, begun if interrupted else "summary.json", force)
    return start_store(out / PARTS, settings)


def _resuming_command() -> str:
    given = [argument for argument in sys.argv[1:] if argument not in ("--force", "--resume")]
    return "mecsim " + shlex.join([*given, "--resume"])
