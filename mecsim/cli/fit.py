"""mecsim fit: learn from a request log how satisfied people are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mecsim.cli.options import json_option, new_file, seed_option, threads_option
from mecsim.core.threads import use_threads
from mecsim.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

REPORT_SUFFIX = ".json"
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
@seed_option
@click.option("--force", is_flag=True, help="Replace existing files.")
@threads_option
@json_option
def fit(
    data: Path, out: Path, seed: int, force: bool, num_threads: int | None, as_json: bool
) -> tuple[str, ...] | None:
    """Learn from the request log DATA (.parquet or .csv) how satisfied who is with what.

    Writes a predictor to FILE, for satisfaction.predictor of a scenario, and a report beside it, with the ending .json.
    The report is on a predictor that learnt from a part of the log only; the one in FILE learnt from all of it.
    """
    from mecsim.predictor.file import SUFFIX
    from mecsim.predictor.read import check_data_packages, read_log

    check_data_packages("pyarrow", "lightgbm")
    path = new_file(out, (SUFFIX,), force)
    report_path = new_file(path.with_suffix(REPORT_SUFFIX), (REPORT_SUFFIX,), force)
    log = read_log(data)

    from mecsim.predictor.report import fit_and_judge
    from mecsim.report.provenance import provenance
    from mecsim.report.tables import console
    from mecsim.sweep.files import write_json

    use_threads(num_threads)
    predictor, report = fit_and_judge(log, seed)
    try:
        predictor.save(path)
        write_json(report_path, {**report, "seed": seed, **provenance()})
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"--out {path}: cannot be written: {reason}; name another file") from None
    if as_json:
        click.echo(json.dumps({"file": str(path), "report": str(report_path), **report}, indent=2))
        return None
    console().print(_table(report))
    console().print(_calibration_table(report))
    click.echo(f"wrote {path} ({path.stat().st_size / 1024:.0f} KiB) and {report_path}")
    return ("mecsim", "simulate", "SCENARIO", "--context", f"satisfaction.predictor={path}")


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
