"""mecsim simulate: play one policy and say what happened."""

import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.options import (
    engine_option,
    episodes_option,
    force_option,
    json_option,
    key_values,
    output_folder,
    plan_option,
    preference_of,
    seed_option,
    threads_option,
)
from mecsim.core.threads import use_threads
from mecsim.errors import InputError

if TYPE_CHECKING:
    from mecsim.core.episodes import EngineName


@click.command()
@click.argument("scenario", metavar="SCENARIO")
@click.option(
    "--policy", default="greedy", show_default=True, metavar="P", help="A baseline's name, or the folder of a run."
)
@click.option("--preference", metavar="W", help="One weight per objective, such as 0.3,0.7.  [default: even]")
@plan_option
@episodes_option(100)
@seed_option
@engine_option
@click.option("--context", multiple=True, metavar="KEY=VALUE", help="Change the scenario, such as edges=4; repeatable.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for summary.json and the records: tasks.csv and servers.csv, or requests.csv and cells.csv.",
)
@click.option(
    "--plot",
    multiple=True,
    metavar="NAME",
    help="A picture in --out: satisfaction, of what satisfies whom; satisfaction=voice,ar names applications.",
)
@force_option
@threads_option
@json_option
def simulate(
    scenario: str, policy: str, preference: str | None, plan: int | None, episodes: int, seed: int,
    engine: "EngineName", context: tuple[str, ...],
    out: Path | None, plot: tuple[str, ...], force: bool, num_threads: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Play a policy on SCENARIO (a file or a built-in's name) and print what an episode comes to."""
    import numpy as np

    from mecsim.core.record_tables import RecordFiles
    from mecsim.core.system import draw_episodes, system_of
    from mecsim.policies import play
    from mecsim.report.plots import PLOT_FILES, plot_figures, save_plots
    from mecsim.report.provenance import provenance
    from mecsim.report.simulation import episode_summary, record_names
    from mecsim.report.tables import console, episode_table
    from mecsim.scenario import load_scenario, with_context
    from mecsim.sweep import planned, policy_factory, tape_chunks, write_json

    played = with_context(load_scenario(scenario), key_values(context, "--context"))
    system = system_of(played)
    weights = preference_of(preference, played.objectives)
    use_threads(num_threads)
    policy = planned(policy, plan)
    make = policy_factory(policy, played)
    if plot and out is None:
        raise InputError(f"--plot {plot[0]}: needs a folder to write to: add --out FOLDER")
    figures = plot_figures(plot, played, seed)
    draw_episodes(played, seed, 0, 1)  # files that the scenario names are read before any is written
    own = (*record_names(), *PLOT_FILES, "summary.json")
    folder = None if out is None else output_folder(out, own, "summary.json", force)
    started = time.perf_counter()
    parts = []
    with nullcontext() if folder is None else RecordFiles(folder, system.tables, played) as files:
        for first, tapes in tape_chunks(played, seed, episodes):
            result = play(make(seed + first), played, tapes, weights, engine)
            parts.append(system.episode_quantities.load()(result, tapes, played))
            if files is not None:
                files.write(result.records, tapes)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    summary = {
        "format": 1,
        "scenario": scenario,
        "policy": policy,
        "preference": dict(zip(played.objectives, weights.tolist(), strict=True)),
        "engine": engine,
        "episodes": episodes,
        "seed": seed,
        "per_episode": episode_summary(columns),
        **provenance(),
        "wall_time_s": time.perf_counter() - started,
    }
    pictures = []
    if folder is not None:
        write_json(folder / "summary.json", summary)
        pictures = save_plots(figures, folder)
    if as_json:
        click.echo(json.dumps(summary, indent=2))
        return
    console().print(
        episode_table(f"{policy} on {scenario}, {episodes} episodes, {engine} engine", columns, system.quantities)
    )
    if folder is not None and files is not None:
        main, *others = (table.file for table in system.tables)
        click.echo(f"wrote {', '.join([str(folder / main), *others, 'summary.json', *pictures])}")
