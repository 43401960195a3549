"""mecsim simulate: play one policy and say what happened."""

import json
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.completion import targets as complete_targets
from mecsim.cli.options import (
    context_option,
    engine_option,
    episodes_option,
    force_option,
    json_option,
    key_values,
    new_file,
    output_folder,
    plan_option,
    preference_of,
    ray_option,
    scenario_argument,
    seed_option,
    threads_option,
    warn,
    workers_option,
)
from mecsim.core.threads import use_threads
from mecsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mecsim.core.episodes import EngineName
    from mecsim.core.scenario import Scenario
    from mecsim.policies import PolicyFactory


@click.command()
@scenario_argument
@click.option(
    "--policy",
    default="greedy",
    show_default=True,
    metavar="P",
    shell_complete=complete_targets,
    help="A baseline's name, or the folder of a run.",
)
@click.option("--preference", metavar="W", help="One weight per objective, such as 0.3,0.7.  [default: even]")
@plan_option
@episodes_option(100)
@seed_option
@engine_option
@context_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for summary.json and the records: tasks.csv and others, or requests.csv and cells.csv.",
)
@click.option(
    "--plot",
    multiple=True,
    metavar="NAME",
    help="A picture in --out: satisfaction, of what satisfies whom; satisfaction=voice,ar names applications.",
)
@click.option(
    "--video",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A video of the first episode, .gif, or .mp4 where ffmpeg is installed; see `render` of the environments.",
)
@click.option(
    "--tape",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The episodes, .npz: those in FILE are played if it is there, else they are drawn and written to it.",
)
@workers_option
@ray_option
@force_option
@threads_option
@json_option
def simulate(
    scenario: str, policy: str, preference: str | None, plan: int | None, episodes: int, seed: int,
    engine: "EngineName", context: tuple[str, ...],
    out: Path | None, plot: tuple[str, ...], video: Path | None, tape: Path | None,
    workers: int | None, address: str | None, force: bool, num_threads: int | None, as_json: bool,
) -> tuple[str, ...] | None:  # fmt: skip
    """Play a policy on SCENARIO (a file or a built-in's name) and print what an episode comes to."""
    from mecsim.scenario import load_scenario, scenario_to_yaml, with_context
    from mecsim.sweep import Workers, check_targets, concerns, planned, policy_factory, write_json

    played = with_context(load_scenario(scenario), key_values(context, "--context"))
    check_targets([policy], played)  # before anything heavy: a wrong name is told at once

    import numpy as np

    from mecsim.core.files import is_run, write_text
    from mecsim.core.record_tables import RecordFiles
    from mecsim.core.system import draw_episodes, system_of
    from mecsim.report.plots import PLOT_FILES, plot_figures, save_plots
    from mecsim.report.provenance import provenance
    from mecsim.report.simulation import episode_summary, record_names
    from mecsim.report.tables import episode_table, print_table
    from mecsim.schema.words import shortened
    from mecsim.sweep.cluster import cluster_at
    from mecsim.sweep.distribute import Place, process_byte, worthwhile_workers
    from mecsim.sweep.evaluate import chunks, tapes_byte
    from mecsim.sweep.planned import decisions_per_step
    from mecsim.sweep.simulate import Simulation
    from mecsim.sweep.simulate import simulate as play

    system = system_of(played)
    if tape is not None:
        episodes = _kept(tape, played, episodes, seed)
    weights = preference_of(preference, played.objectives)
    policy = planned(policy, plan)
    decisions = decisions_per_step(policy) * episodes * played.steps
    at_once_byte = tapes_byte(played, episodes)
    place: Place
    if address is None:
        worthwhile = worthwhile_workers(decisions, at_once_byte, num_threads)
        processes = min(workers or worthwhile, len(chunks(played, episodes)))
        place = Workers(processes, use_threads(num_threads or (processes if processes > 1 else None)))
    else:
        place = cluster_at(address, use_threads(num_threads or 1), process_byte(at_once_byte), processes=workers)
    make = policy_factory(policy, played)  # what cannot be played is refused before anything is written
    if video is not None:
        from mecsim.report.video import VIDEOS, check_writer

        check_writer(new_file(video, VIDEOS, force, "--video"))
    if plot and out is None:
        raise InputError(f"--plot {plot[0]}: needs a folder to write to: add --out FOLDER")
    figures = plot_figures(plot, played, seed)
    draw_episodes(played, seed, 0, 1)  # files that the scenario names are read before any is written
    own = (*record_names(), *PLOT_FILES, "scenario.yaml", "summary.json")
    folder = None if out is None else output_folder(out, own, "summary.json", force)
    started = time.perf_counter()
    asked = Simulation(played, policy, tuple(weights.tolist()), engine, episodes, seed, recorded=folder is not None,
                       tape="" if tape is None else str(tape.absolute()))  # fmt: skip
    parts = []
    with (
        nullcontext() if folder is None else RecordFiles(folder, system.tables) as files,
        closing(play(asked, place)) as found,
    ):
        for chunk in found:
            parts.append(chunk.quantities)
            if files is not None:
                files.append(chunk.texts)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    summary = {
        "format": 1,
        "scenario": scenario,
        "policy": policy,
        "preference": dict(zip(played.objectives, weights.tolist(), strict=True)),
        "engine": engine,
        "episodes": episodes,
        "seed": seed,
        **({} if tape is None else {"tape": tape.name}),
        "per_episode": episode_summary(columns),
        **provenance(),
        "threads": place.threads,
        "workers": place.processes,
        "wall_time_s": time.perf_counter() - started,
    }
    warn([*played.remarks(), *concerns(columns, played)])
    pictures = []
    if folder is not None:
        write_text(folder / "scenario.yaml", scenario_to_yaml(played))
        write_json(folder / "summary.json", summary)
        pictures = save_plots(figures, folder)
    if video is not None:
        _record(video, played, make, weights, seed)
    if as_json:
        click.echo(json.dumps(summary, indent=2))
        return None
    title = f"{shortened(policy, 28)} on {shortened(scenario, 28)}, {episodes} episodes, {engine} engine"
    print_table(episode_table(title, columns, system.quantities))
    if folder is not None and files is not None:
        main, *others = (table.file for table in system.tables)
        click.echo(f"wrote {', '.join([str(folder / main), *others, 'scenario.yaml', 'summary.json', *pictures])}")
    if video is not None:
        click.echo(f"wrote {video}")
    if is_run(Path(policy)):
        return ("mecsim", "sweep", policy, "greedy", "--out", f"{policy.rstrip('/')}-sweep")
    changes = (word for change in context for word in ("--context", change))
    return ("mecsim", "train", scenario, *changes, "--out", f"{Path(scenario).stem}-run")


def _kept(tape: Path, scenario: "Scenario", episodes: int, seed: int) -> int:
    """How many episodes a tape holds; so many are drawn and written where it is not there yet."""
    from mecsim.core.system import draw_episodes
    from mecsim.sweep.simulate import read_tape

    if tape.exists():
        return len(read_tape(tape, scenario))
    draw_episodes(scenario, seed, 0, episodes).save(new_file(tape, (".npz",), False, "--tape"))
    return episodes


def _record(
    video: Path, scenario: "Scenario", make: "PolicyFactory", weights: "NDArray[np.float64]", seed: int
) -> None:
    """Write the video, with a bar."""
    from mecsim.api.progress import progress
    from mecsim.report.video import save_video

    with progress("video", scenario.steps + 1) as advance:
        save_video(video, scenario, make, weights, seed, advance)
