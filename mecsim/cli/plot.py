"""mecsim plot: the fronts of sweeps as a picture for a paper."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.options import force_option, key_values, new_file
from mecsim.errors import InputError

if TYPE_CHECKING:
    from mecsim.sweep import Front

COLUMN_INCH = {"1": 3.5, "2": 7.16}
"""Widths of the columns of IEEE's journals."""

WEIGHTS_AT = 5
SMALL_POINTS = 5.5  # of letters where all pairs of objectives share a column


@click.command()
@click.argument("sweeps", metavar="SWEEP...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The picture: a .svg, .pdf or .png file.")
@click.option(
    "--columns",
    type=click.Choice(list(COLUMN_INCH)),
    default="1",
    show_default=True,
    help="How many columns of a page of two it spans: 3.5 or 7.16 inch.",
)
@click.option(
    "--limits", multiple=True, metavar="OBJECTIVE=LOW:HIGH", help="Ends of an axis, such as delay=900:2000; repeatable."
)
@click.option("--without", multiple=True, metavar="TARGET", help="Leave a target out; repeatable.")
@click.option("--label-points", is_flag=True, help=f"Write the weights beside {WEIGHTS_AT} points of each target.")
@force_option
def plot(
    sweeps: tuple[Path, ...], out: Path, columns: str, limits: tuple[str, ...], without: tuple[str, ...],
    label_points: bool, force: bool,
) -> None:  # fmt: skip
    """Draw the fronts of each SWEEP (the folder of a sweep) in one picture for a paper."""
    from mecsim.sweep import check_sweeps

    check_sweeps(sweeps)  # before anything heavy: a wrong name is told at once

    import matplotlib

    from mecsim.report.figures import front_figure
    from mecsim.report.style import PAPER, PICTURE_ENDINGS, Look, save_picture
    from mecsim.report.sweeps import named_fronts, read_sweeps

    read = read_sweeps(sweeps)
    scenario = read[0].scenario
    ends = _limits(limits, scenario.objectives)
    fronts = _left(named_fronts(read), without)
    new_file(out, PICTURE_ENDINGS, force)
    look = Look(COLUMN_INCH[columns], titled=False, limits=ends, weights_at=WEIGHTS_AT if label_points else 0)
    crowded = columns == "1" and len(scenario.objectives) > 2
    with matplotlib.rc_context(PAPER | ({"font.size": SMALL_POINTS} if crowded else {})):
        save_picture(front_figure(fronts, scenario, look), out)
    click.echo(f"picture: {out}")


def _limits(texts: Sequence[str], objectives: Sequence[str]) -> dict[str, tuple[float, float]]:
    found = {}
    for name, text in key_values(texts, "--limits").items():
        if name not in objectives:
            raise InputError(f"--limits {name}: is no objective of the sweep; these are {', '.join(objectives)}")
        try:
            low, high = (float(end) for end in text.split(":"))
        except ValueError:
            low, high = 0.0, 0.0
        if not (isfinite(low) and isfinite(high) and low < high):
            raise InputError(f"--limits {name}={text}: expected two numbers, the lower one first, such as 900:2000")
        found[name] = low, high
    return found


def _left(fronts: "list[Front]", without: Sequence[str]) -> "list[Front]":
    for name in without:
        if all(name not in (front.label, front.target) for front in fronts):
            known = ", ".join(front.label for front in fronts)
            raise InputError(f"--without {name}: is no target of the sweeps; these are {known}")
    left = [front for front in fronts if front.label not in without and front.target not in without]
    if not left:
        raise InputError("--without leaves no target to draw")
    return left
