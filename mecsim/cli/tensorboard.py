"""mecsim tensorboard: look at trainings and trade-offs in the browser."""

import os
import sys
import webbrowser
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import click

from mecsim.core.stopping import Terminated


@click.command()
@click.argument("folders", metavar="[RUN|SWEEP]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen at.  [default: 6006 or the next free one]")
@click.option("--open/--no-open", "opened", default=None, help="Open the browser.  [default: where there is a display]")
def tensorboard(folders: tuple[Path, ...], port: int | None, opened: bool | None) -> None:
    """Show runs and sweeps side by side in TensorBoard, to this machine alone, until Ctrl-C.

    A folder that holds several of them shows them all; without one, the working folder does.
    """
    from mecsim.report.tensorboard_server import logged, serve, with_view

    events = logged(folders or (Path(),))
    with TemporaryDirectory(prefix="mecsim-tensorboard-") as links:
        address = with_view(serve(events, Path(links), port), events)
        shown = ", ".join(events) if len(events) <= 5 else f"{len(events)} runs and sweeps"
        click.echo(f"{shown}: {address} (Ctrl-C ends it)")
        if opened if opened is not None else _has_display():
            webbrowser.open(address)
        try:
            Event().wait()
        except Terminated:
            raise
        except KeyboardInterrupt:
            return


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
