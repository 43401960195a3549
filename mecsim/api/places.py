"""Folders of results that nobody named."""

import atexit
import shutil
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

from mecsim.errors import InputError

_numbers = count(1)


def result_folder(out: str | Path | None, noun: str) -> Path:
    """The folder of a result, new or empty: a temporary one, which goes when Python ends, where none is named.

    Raises:
        InputError: it holds something, or cannot be written.
    """
    if out is None:
        return _temporary() / f"{noun}-{next(_numbers)}"
    folder = Path(out)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"out={str(folder)!r}: is not a new or empty folder; name another one")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out={str(folder)!r}: cannot be written: {error.strerror}; name another folder") from None
    return folder


@cache
def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mecsim-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
