"""Showing what runs and sweeps have logged: TensorBoard on this machine alone."""

import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from mecsim.errors import InputError, RunError

SESSION = "weights"
"""How the name of a run begins that stands for a preference."""

FEW_RUNS = 5
"""Of more the dashboard of custom scalars is slow: it asks for each curve of each run by itself."""

EVENTS = "*tfevents*"
READ_WITHIN_S = 20.0
SEARCH_DEPTH = 4  # folders below the one that is named
NOT_SEARCHED = {"tensorboard", "checkpoints", "parts", "node_modules", "__pycache__"}


def logged(folders: Sequence[Path]) -> dict[str, Path]:
    """The folders of events in runs and sweeps, and in folders of them, by a short name for each.

    Raises:
        InputError: a folder is not there, or nothing is logged in it.
    """
    found: dict[Path, Path] = {}  # folders of events by what is shown
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; name what mecsim train or mecsim sweep wrote")
        here = {shown.resolve(): events.resolve() for shown, events in _search(folder)}
        if not here:
            raise InputError(f"{folder}: nothing is logged there; name what mecsim train or mecsim sweep wrote")
        found |= here
    above = os.path.commonpath([shown.parent for shown in found])
    names = folder_names([os.path.relpath(shown, above) for shown in found])
    return dict(zip(names, found.values(), strict=True))


def _search(folder: Path) -> Iterator[tuple[Path, Path]]:
    """What is shown, and its folder of events: the nearest ones at and below a folder."""
    if any(folder.glob(EVENTS)):
        yield (folder.parent if folder.name == "tensorboard" else folder), folder
        return
    for at, below, _ in os.walk(folder):
        here = Path(at)
        if "tensorboard" in below and any((here / "tensorboard").rglob(EVENTS)):
            yield here, here / "tensorboard"
        deep = len(here.relative_to(folder).parts) >= SEARCH_DEPTH
        below[:] = [] if deep else [name for name in sorted(below) if not _passed_over(name)]


def _passed_over(name: str) -> bool:
    return name in NOT_SEARCHED or name.startswith(".")


def folder_names(texts: Sequence[str]) -> list[str]:
    """A name for each text that a folder can have, and no other text has."""
    names: list[str] = []
    for text in texts:
        name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in text).strip("._")
        while name in names or not name:  # texts may differ in what a folder's name cannot hold
            name += "_"
        names.append(name)
    return names


def serve(events: Mapping[str, Path], folder: Path, port: int | None) -> str:
    """Serve folders of events from a thread; returns the address, which only this machine can reach.

    Args:
        events: by the names that are shown.
        folder: an empty one, to which links to them are written.
        port: 6006 or the next free one if it is None.

    Raises:
        RunError: the port is in use.
    """
    for name, place in events.items():
        (folder / name).symlink_to(place, target_is_directory=True)
    with warnings.catch_warnings():  # some TensorBoard releases warn about their own dependencies
        warnings.simplefilter("ignore", DeprecationWarning)
        address = _launched(folder, port)
    _wait_until_read(address, len({file.parent for place in events.values() for file in place.rglob(EVENTS)}))
    return address


def _launched(folder: Path, port: int | None) -> str:
    from tensorboard import program

    board = program.TensorBoard()
    fast = "true" if find_spec("tensorboard_data_server") else "false"  # "auto" would do the same and talk about it
    board.configure(logdir=str(folder), host="127.0.0.1", port=port, load_fast=fast)
    try:
        return str(board.launch())
    except program.TensorBoardServerException as error:
        if port is not None:
            raise RunError(f"--port {port}: in use, or not allowed; name another, or none to take a free one") from None
        raise RunError(str(error.msg)) from None


def _wait_until_read(address: str, runs: int) -> None:
    """Wait until all runs are read, or long enough: a page that is opened before shows nothing until it is reloaded."""
    ends_s = time.monotonic() + READ_WITHIN_S
    while time.monotonic() < ends_s:
        with urlopen(f"{address}data/runs") as answer:
            if len(json.load(answer)) >= runs:
                return
        time.sleep(0.1)


def with_view(address: str, events: Mapping[str, Path]) -> str:
    """The address with the dashboard to begin with.

    That is choosing a preference where there is a sweep, else the charts by which trainings are judged, or of many
    runs the dashboard that draws them fastest. Dashboards show nothing by themselves where there are more than 40 runs,
    so those that stand for a preference alone are left out by a filter, but where preferences are chosen.
    """
    if any((place.parent / "summary.json").is_file() for place in events.values()):
        others = quote(f"^(?!.*/{SESSION}_)")
        return f"{address}?runFilter={others}#hparams&regexInput={others}"
    return f"{address}#{'custom_scalars' if len(events) <= FEW_RUNS else 'timeseries'}"
