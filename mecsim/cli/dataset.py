"""mecsim dataset: write the request log of a population."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from mecsim.cli.options import (
    json_option,
    new_file,
    ray_option,
    scenario_argument,
    seed_option,
    threads_option,
)
from mecsim.errors import InputError

MAX_USERS, MAX_DAYS = 1_000_000, 32_000
DEFAULT_USERS = 100
SLICE_BYTE = 2**27  # about what is made at a time


@click.command()
@scenario_argument
@click.option(
    "--users",
    type=click.IntRange(1, MAX_USERS),
    help="Number of people who ask.  [default: 100, or those of users.from]",
)
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=28, show_default=True, help="Days, from a Monday on.")
@seed_option
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The new file, .parquet or .csv."
)
@click.option(
    "--people",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write who the people truly are to this file, .csv, for users.from of a scenario.",
)
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes that make the log.  [default: 1]")
@ray_option
@threads_option
@click.option("--force", is_flag=True, help="Replace existing files.")
@json_option
def dataset(
    scenario: str, users: int | None, days: int, seed: int, out: Path, people: Path | None,
    workers: int | None, address: str | None, num_threads: int | None, force: bool, as_json: bool,
) -> tuple[str, ...] | None:  # fmt: skip
    """Write what the people of SCENARIO (a file or a built-in's name) ask for, are given and say about it.

    One row per request, sorted by time. The same seed gives the same bytes.
    """
    from mecsim.people.dataset import SUFFIXES, Peopled, check_dataset_package, write_dataset
    from mecsim.people.known import true_people, write_people
    from mecsim.people.people import draw_people_of
    from mecsim.scenario import load_scenario
    from mecsim.sweep.cluster import cluster_at
    from mecsim.sweep.distribute import Place, Workers, process_byte, run_jobs

    check_dataset_package()
    described = load_scenario(scenario)
    if not isinstance(described, Peopled):
        raise InputError(f"{scenario}: is of kind {described.kind}, which has no population; name one of kind cells")
    known = described.known_people
    if known is not None and (users is not None or people is not None):
        option = "--users" if users is not None else "--people"
        raise InputError(f"{option}: {scenario} names its people, in {known.path}; leave {option} out, or users.from")
    count = len(known) if known else users or DEFAULT_USERS
    place: Place = Workers(workers or 1, num_threads or workers or 1)
    if address is not None:
        place = cluster_at(address, num_threads or 1, process_byte(SLICE_BYTE), processes=workers)
    path = new_file(out, SUFFIXES, force)
    if people is not None:
        people = new_file(people, (".csv",), force)
    written = write_dataset(
        path,
        described.population,
        described.satisfaction,
        users=known or count,
        days=days,
        seed=seed,
        levels=described.levels,
        run=partial(run_jobs, workers=place),
    )
    if people is not None:
        true = draw_people_of(described.population, described.satisfaction, count, seed)
        write_people(people, true_people(true, described.population))
    size_byte = path.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(path), "size_byte": size_byte, **asdict(written)}, indent=2))
        return None
    click.echo(
        f"{written.requests:,} requests of {count:,} people in {days:,} days: "
        f"{written.mean_share_of_demand:.0%} of the demanded rate, mean satisfaction {written.mean_satisfaction:.2f}"
    )
    click.echo(f"wrote {path} ({size_byte / 2**20:.1f} MiB)" + (f" and {people}" if people else ""))
    return ("mecsim", "fit", str(path), "--out", str(path.with_suffix(".safetensors")))
