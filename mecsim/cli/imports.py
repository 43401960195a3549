"""mecsim import: recorded data of others as tables and a scenario that runs."""

import json
import os
import shlex
from pathlib import Path
from typing import Any, Literal

import click

from mecsim.cli.options import force_option, json_option, key_values, listed, output_folder
from mecsim.errors import InputError

AREA = "WEST,SOUTH,EAST,NORTH"


def _kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from mecsim.imports.base import IMPORTERS

    return [name for name in IMPORTERS.plugins if name.startswith(incomplete)]


@click.command("import")
@click.argument("kind", required=False, shell_complete=_kinds)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="The new folder.")
@click.option("--list", "listing", is_flag=True, help="List the kinds of data that can be imported.")
@click.option("--area", metavar=AREA, help="Where places may be, in the file's degrees or metres.  [default: all]")
@click.option(
    "--outside",
    type=click.Choice(["refuse", "drop", "clip"]),
    default="refuse",
    show_default=True,
    help="What becomes of places beyond --area: an error, left out, or put on its border.",
)
@click.option("--within", default="50 km", show_default=True, metavar="DISTANCE",
              help="Places further from the median one are outliers, and left out.")  # fmt: skip
@click.option("--every", metavar="DURATION", help="Between two positions of walks whose files have no times.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS",
              help="Name a column of a CSV file, such as time_s=When; repeatable.")  # fmt: skip
@force_option
@json_option
def import_(
    kind: str | None, files: tuple[Path, ...], out: Path | None, listing: bool, area: str | None,
    outside: Literal["refuse", "drop", "clip"], within: str, every: str | None, columns: tuple[str, ...],
    force: bool, as_json: bool,
) -> tuple[str, ...] | None:  # fmt: skip
    """Make tables and a scenario of recorded data: sites, walks or tasks of KIND in FILES.

    The folder gets scenario.yaml, the tables that it names, and import.json: which rows were dropped and why, and what
    is assumed as no file tells it. Kinds: mecsim import --list.
    """
    from mecsim.imports.base import IMPORTERS, Options
    from mecsim.imports.clean import Limits
    from mecsim.imports.write import REPORT, SCENARIO, TABLES, prepare, write
    from mecsim.scenario import load_scenario

    if listing:
        _list(as_json)
        return None
    if kind is None or not files or out is None:
        raise InputError("import: expected KIND FILE... --out FOLDER; mecsim import --list tells the kinds")
    importer = IMPORTERS.load(kind)
    options = Options(key_values(columns, "--column"), _quantity("--every", every, "duration"))
    limits = Limits(_area(area), outside, _quantity("--within", within, "distance") or 0.0)
    found = importer.read(files, options)
    made = prepare(found, limits, kind)
    folder = output_folder(out, (*TABLES, SCENARIO), REPORT, force)
    report = write(made, folder, kind, files, found.rows)
    load_scenario(folder / SCENARIO, complete=True)
    click.echo(json.dumps(report, indent=2, ensure_ascii=False) if as_json else _told(report, folder))
    return None if as_json else ("mecsim", "validate", os.fspath(folder / SCENARIO))


def _list(as_json: bool) -> None:
    from mecsim.imports.base import IMPORTERS

    importers = {name: IMPORTERS.load(name) for name in IMPORTERS.plugins}
    if as_json:
        told = [{"kind": name, "about": one.about, "files": one.files} for name, one in importers.items()]
        click.echo(json.dumps(told, indent=2))
        return
    width = max(map(len, importers))
    for name, one in importers.items():
        click.echo(listed(name, f"{one.about} ({one.files})", width))


def _quantity(option: str, text: str | None, kind: str) -> float | None:
    from mecsim.schema.units import parse_quantity

    if text is None:
        return None
    try:
        return parse_quantity(text, kind)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None


def _area(text: str | None) -> tuple[float, float, float, float] | None:
    from mecsim.schema.cells import number_of

    if text is None:
        return None
    ends = [number_of(end) for end in text.split(",")]
    if len(ends) != 4 or not (ends[0] < ends[2] and ends[1] < ends[3] and max(map(abs, ends)) <= 1e7):
        raise InputError(f"--area {text}: expected {AREA} such as 144.95,-37.82,144.98,-37.80, west below east")
    return ends[0], ends[1], ends[2], ends[3]


def _told(report: dict[str, Any], folder: Path) -> str:
    lines = [f"{report['rows']:,} rows read"]
    lines += [f"  dropped {one['rows']:>9,}  {one['reason']}" for one in report["dropped"]]
    lines += [f"  kept    {rows:>9,}  {name}" for name, rows in report["kept"].items()]
    if report["clipped"]:
        lines.append(f"  of them {report['clipped']:>9,}  put on the border of the area")
    lines += [listed("assumed:", assumed, 8) for assumed in report["assumed"]]
    if report["area"] is not None:
        lines.append(f"area: {report['area']['width_m']:,.12g} by {report['area']['height_m']:,.12g} m")
    lines.append(f"wrote {shlex.quote(os.fspath(folder))}: {', '.join(report['tables'])}, scenario.yaml, import.json")
    return "\n".join(lines)
