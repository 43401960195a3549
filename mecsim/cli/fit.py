"""mecsim fit: learn from a request log who its people are, and how satisfied they are with what."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from mecsim.cli.options import json_option, key_values, new_file, seed_option, threads_option
from mecsim.core.files import write_text
from mecsim.core.threads import use_threads
from mecsim.errors import InputError, LogError

if TYPE_CHECKING:
    from rich.table import Table

    from mecsim.core.scenario import Scenario
    from mecsim.people.population import Population
    from mecsim.predictor.data import RequestLog
    from mecsim.predictor.predictor import Predictor

REPORT_SUFFIX, PEOPLE_SUFFIX, SCENARIO_SUFFIX = ".json", ".csv", ".yaml"
SPLITS = {"known_users_later": "known users, later", "unseen_users": "unseen users"}
COLUMNS = {
    "mae": "MAE",
    "noise_floor_mae": "noise floor",
    "mae_to_noise_floor": "to floor",
    "stranger_mae": "as strangers",
    "persona_mean_mae": "of persona",
    "r2": "R²",
    "mae_to_truth": "MAE to truth",
}


@click.command()
@click.argument("data", metavar="DATA", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The new file, .safetensors."
)
@click.option("--scale", metavar="LOW..HIGH", help="The worst and the best rating, such as 1..5.  [default: 0..5]")
@click.option(
    "--column",
    multiple=True,
    metavar="NAME=YOURS",
    help="What the log calls a column, such as rating=score; repeatable.",
)
@click.option(
    "--scenario",
    metavar="SCENARIO",
    help="A file or a built-in's name, of kind cells: the network that the people come to; its applications check the "
    "rates of the log.  [default: the default network]",
)
@seed_option
@click.option("--force", is_flag=True, help="Replace existing files.")
@threads_option
@json_option
def fit(
    data: Path, out: Path, scale: str | None, column: tuple[str, ...], scenario: str | None, seed: int, force: bool,
    num_threads: int | None, as_json: bool,
) -> tuple[str, ...] | None:  # fmt: skip
    """Learn from the request log DATA (.parquet or .csv) who asks, when and for what, and how satisfied who is.

    Writes a predictor to FILE, for satisfaction.predictor of a scenario, and beside it, with other endings: .json, a
    report on how well it predicts; .csv, the people of the log with their zones of tolerance, for users.from; .yaml, a
    scenario of these people. The report is on a predictor that learnt from a part of the log only; the one in FILE
    learnt from all of it. Requests without a rating tell of habits only.
    """
    from mecsim.predictor.file import SUFFIX
    from mecsim.predictor.read import check_data_packages, read_log
    from mecsim.scenario import load_scenario, parse_scenario

    check_data_packages("pyarrow", "lightgbm")
    from mecsim.predictor.table import Reading

    path = new_file(out, (SUFFIX,), force)
    files = [
        new_file(path.with_suffix(ending), (ending,), force)
        for ending in (REPORT_SUFFIX, PEOPLE_SUFFIX, SCENARIO_SUFFIX)
    ]
    if data.resolve() in [file.resolve() for file in files]:
        raise InputError(f"--out {path}: would replace the log {data}; name another file")
    network = load_scenario(scenario) if scenario else parse_scenario("mecsim: 1\nkind: cells\n")
    usual = _population(network, scenario)
    log = read_log(data, Reading(key_values(column, "--column"), _scale(scale)))

    from mecsim.predictor.habits import rate_problems
    from mecsim.predictor.report import fit_and_judge
    from mecsim.report.provenance import provenance
    from mecsim.report.tables import print_table
    from mecsim.sweep.files import write_json

    if problems := rate_problems(log, usual):
        raise LogError([f"{data}: {problem}" for problem in problems])
    use_threads(num_threads)
    predictor, report = fit_and_judge(log, seed)
    predictor.save(path)
    write_json(files[0], {**report, "seed": seed, **provenance()})
    _write_people(files[1], files[2], log, predictor, network if scenario else None, usual)
    if as_json:
        names = dict(zip(("report", "people", "scenario"), map(str, files), strict=True))
        click.echo(json.dumps({"file": str(path), **names, **report}, indent=2))
        return None
    print_table(_table(report))
    print_table(_calibration_table(report))
    for note in _notes(log):
        click.echo(note)
    beside = ", ".join(str(file) for file in files)
    click.echo(f"wrote {path} ({path.stat().st_size / 1024:.0f} KiB), {beside}")
    return ("mecsim", "sweep", "greedy", "universal", "--scenario", str(files[2]), "--out", "front")


def _scale(text: str | None) -> tuple[float, float] | None:
    """The ends of a scale of ratings."""
    if text is None:
        return None
    low, dots, high = text.partition("..")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = 0.0, 0.0
    if not dots or not ends[0] < ends[1] < np.inf:
        raise InputError(f"--scale {text}: expected the worst and the best rating, such as 1..5")
    return ends


def _population(network: "Scenario", name: str | None) -> "Population":
    from mecsim.people.dataset import Peopled

    if not isinstance(network, Peopled):
        raise InputError(
            f"--scenario {name}: is of kind {network.kind}, which has no population; name one of kind cells"
        )
    return network.population


def _write_people(
    people: Path,
    scenario: Path,
    log: "RequestLog",
    predictor: "Predictor",
    network: "Scenario | None",
    usual: "Population",
) -> None:
    """Write the people of a log, and a scenario of them in a network."""
    import yaml

    from mecsim.people.known import write_people
    from mecsim.predictor.habits import population_of, requests_per_day
    from mecsim.predictor.zones import levels_of, zones_of
    from mecsim.scenario import scenario_to_yaml

    zones = zones_of(log, predictor, np.random.default_rng(0))
    personas = np.array(log.names["persona"])[log.users.persona]
    told = {"user": list(log.users.ids), "persona": personas.tolist(), "requests_per_day": requests_per_day(log)}
    write_people(people, told | vars(levels_of(log, predictor, zones)))
    described = yaml.safe_load(scenario_to_yaml(network)) if network else {"mecsim": 1, "kind": "cells"}
    described |= {"description": f"The {len(log.users)} people of a log", "users": {"from": people.name}}
    described |= {"satisfaction": {"predictor": people.with_suffix(".safetensors").name}}
    described |= {"population": population_of(log, zones, usual)}
    text = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=120)
    write_text(scenario, text)


def _notes(log: "RequestLog") -> list[str]:
    """What a log does not tell, and what was taken instead."""
    from mecsim.people.population import PLACES
    from mecsim.predictor.habits import DURATION_S
    from mecsim.predictor.table import ABSENT

    instead = {**{name: str(value) for name, value in ABSENT.items()}, "duration_s": f"{DURATION_S:g}"}
    notes = [f"no column {name}: taken as {instead[name]}" for name in log.habits.absent]
    silent = len(log.users) - len(np.unique(log.user))
    unrated = len(log.habits.user) - len(log) - log.rejected
    if unrated > 0:
        notes.append(f"{unrated:,} requests without a rating tell of habits only")
    if silent:
        notes.append(f"{silent} of {len(log.users)} users rated nothing: taken as strangers of their persona")
    if own := [name for name in log.names["place"] if name not in PLACES]:
        notes.append(f"places of its own: {', '.join(own)}")
    return notes


def _table(report: dict[str, Any]) -> "Table":
    """One row per split."""
    from rich.table import Table

    table = Table(title=f"Predicted satisfaction: {report['requests']:,} reports of {report['users']:,} users")
    table.add_column("judged by", no_wrap=True)
    for heading in ("requests", *COLUMNS.values()):
        table.add_column(heading, justify="right")
    for name, found in report["splits"].items():
        cells = ("unknown" if found[key] is None else f"{found[key]:.3f}" for key in COLUMNS)
        table.add_row(SPLITS[name], f"{found['requests']:,}", *cells)
    table.caption = "mean absolute errors of ratings from 0 to 5; noise floor: of an oracle that knows the truth"
    return table


def _calibration_table(report: dict[str, Any]) -> "Table":
    """One row per bin of what was predicted of known users: what each persona reported on the mean."""
    from rich.table import Table

    name = next(iter(report["calibration"]))
    personas = report["calibration"][name]
    table = Table(title=f"Mean report where a rating was predicted ({SPLITS[name]})")
    table.add_column("predicted")
    rows: dict[tuple[float, float], dict[str, str]] = {}
    for persona, entries in personas.items():
        table.add_column(persona, justify="right")
        for entry in entries:
            rows.setdefault((entry["from"], entry["to"]), {})[persona] = f"{entry['reported']:.2f}"
    for (low, high), cells in sorted(rows.items()):
        table.add_row(f"{low:g} to {high:g}", *(cells.get(persona, "") for persona in personas))
    return table
