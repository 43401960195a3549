"""mecsim report: one HTML page that shows what sweeps came to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.options import force_option, new_file, sole_writer, threads_option
from mecsim.cli.terminal import error_console
from mecsim.core.files import write_text
from mecsim.core.lock import is_empty, writing_folder
from mecsim.core.threads import use_threads
from mecsim.errors import InputError, MecsimError

if TYPE_CHECKING:
    from rich.progress import Progress

    from mecsim.core.timeline import Timeline
    from mecsim.report.page.learning import Curve
    from mecsim.sweep import Front, SweepResult

MOST_TARGETS = 24


@click.command()
@click.argument("sweeps", metavar="SWEEP...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="The page to write."
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write the pictures of the page to, each as SVG and PDF.",
)
@click.option(
    "--episodes",
    type=click.IntRange(0, 101),
    default=11,
    show_default=True,
    help="Preferences of each target at which an episode is played anew and shown.",
)
@force_option
@threads_option
def report(
    sweeps: tuple[Path, ...], out: Path, pictures: Path | None, episodes: int, force: bool, num_threads: int | None
) -> None:
    """Show what each SWEEP (the folder of a sweep) came to on one HTML page, which needs nothing beside itself."""
    from mecsim.sweep import check_sweeps

    check_sweeps(sweeps)  # before anything heavy: a wrong name is told at once

    from mecsim.report.page.content import page_content, thinned
    from mecsim.report.page.html import page_html
    from mecsim.report.sweeps import read_sweeps

    read = [thinned(sweep) for sweep in read_sweeps(sweeps)]
    fronts = [(sweep, front) for sweep in read for front in sweep.fronts]
    if len(fronts) > MOST_TARGETS:
        raise InputError(f"{len(fronts)} targets, expected at most {MOST_TARGETS} on a page: name fewer sweeps")
    new_file(out, (".html",), force)
    folder = None if pictures is None else _folder(pictures, force)
    use_threads(num_threads)
    curves = [_curves(front) for _, front in fronts]
    played = _played(fronts, episodes)
    write_text(out, page_html(page_content(read, curves, played)))
    lines = [f"report: {out}"]
    if folder is not None:
        from mecsim.report.page.pictures import save_pictures

        written = save_pictures(read, curves, played, folder)
        lines.append(f"pictures: {len(written)} files in {folder}")
    click.echo("\n".join(lines))


def _folder(folder: Path, force: bool) -> Path:
    """A folder for pictures; with `force` those in it may be replaced, and nothing else is touched."""
    try:
        sole_writer(writing_folder(folder))
        if not is_empty(folder) and not force:
            raise InputError(f"--pictures {folder}: is not empty; name another folder, or write into it with --force")
    except OSError as error:
        raise InputError(f"--pictures {folder}: cannot be written: {error.strerror}; name another folder") from None
    return folder


def _curves(front: "Front") -> "list[Curve]":
    """Of a target that is a run, as far as it is still there."""
    from mecsim.report.page.learning import learning_curves

    try:
        return learning_curves(front.target)
    except MecsimError as error:
        click.echo(f"{front.label}: no learning curves: {error}", err=True)
        return []


def _played(fronts: "Sequence[tuple[SweepResult, Front]]", most: int) -> "list[dict[int, Timeline] | str]":
    """The episodes of each target, or why there are none."""
    from rich.progress import Progress

    from mecsim.core.system import system_of

    found: list[dict[int, Timeline] | str] = []
    with Progress(console=error_console(), disable=not error_console().is_terminal) as progress:
        for sweep, front in fronts:
            if most == 0:
                found.append("No episode was asked for.")
            elif system_of(sweep.scenario).timeline is None:
                found.append(f"Systems of kind {sweep.scenario.kind} show no episodes.")
            else:
                found.append(_episodes(sweep, front, most, progress))
    return found


def _episodes(sweep: "SweepResult", front: "Front", most: int, progress: "Progress") -> "dict[int, Timeline] | str":
    from mecsim.report.page.episodes import play_timelines, spread_preferences

    indices = spread_preferences(front.preferences, most)
    task = progress.add_task(f"episodes of {front.label}", total=len(indices))
    try:
        played = play_timelines(front, sweep.scenario, sweep.seed, indices, lambda done: progress.advance(task, done))
    except MecsimError as error:
        click.echo(f"{front.label}: no episodes: {error}", err=True)
        return f"No episode could be played: {error}"
    return dict(zip(indices.tolist(), played, strict=True))
