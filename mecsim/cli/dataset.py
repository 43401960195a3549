"""mecsim dataset: write the request log of a population."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from mecsim.cli.options import json_option, new_file, seed_option
from mecsim.errors import InputError
from mecsim.version import __version__

MAX_USERS, MAX_DAYS = 1_000_000, 32_000


@click.command()
@click.argument("scenario", metavar="SCENARIO")
@click.option(
    "--users", type=click.IntRange(1, MAX_USERS), default=100, show_default=True, help="Number of people who ask."
)
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=28, show_default=True, help="Days, from a Monday on.")
@seed_option
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The new file, .parquet or .csv."
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@json_option
def dataset(
    scenario: str, users: int, days: int, seed: int, out: Path, force: bool, as_json: bool
) -> tuple[str, ...] | None:
    """Write what the people of SCENARIO (a file or a built-in's name) ask for, are given and say about it.

    One row per request, sorted by time. The same seed gives the same bytes.
    """
    from mecsim.people.dataset import SUFFIXES, Peopled, check_dataset_package, write_dataset
    from mecsim.scenario import load_scenario

    check_dataset_package()
    described = load_scenario(scenario)
    if not isinstance(described, Peopled):
        raise InputError(f"{scenario}: is of kind {described.kind}, which has no population; name one of kind cells")
    path = new_file(out, SUFFIXES, force)
    try:
        written = write_dataset(
            path,
            described.population,
            described.satisfaction,
            users=users,
            days=days,
            seed=seed,
            levels=described.levels,
            told={"version": __version__},
        )
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"--out {path}: cannot be written: {reason}; name another file") from None
    size_byte = path.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(path), "size_byte": size_byte, **asdict(written)}, indent=2))
        return None
    click.echo(
        f"{written.requests:,} requests of {users:,} people in {days:,} days: "
        f"{written.mean_share_of_demand:.0%} of the demanded rate, mean satisfaction {written.mean_satisfaction:.2f}"
    )
    click.echo(f"wrote {path} ({size_byte / 2**20:.1f} MiB)")
    return ("mecsim", "fit", str(path), "--out", str(path.with_suffix(".safetensors")))
