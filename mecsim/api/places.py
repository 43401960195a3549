"""Folders of results that nobody named."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from mecsim.core.lock import is_empty, writing_folder
from mecsim.errors import InputError

_numbers = count(1)


@contextmanager
def result_folder(out: str | Path | None, noun: str) -> Iterator[Path]:
    """The folder of a result, new or empty: a temporary one, which goes when Python ends, where none is named.

    Nobody else writes there meanwhile.

    Raises:
        InputError: it holds something, or cannot be written.
        MecsimError: somebody else writes there.
    """
    folder = _temporary() / f"{noun}-{next(_numbers)}" if out is None else Path(out)
    refused = f"out={str(folder)!r}: is not a new or empty folder; name another one"
    with ExitStack() as stack:
        try:
            if folder.exists() and not folder.is_dir():
                raise InputError(refused)
            stack.enter_context(writing_folder(folder))
            if not is_empty(folder):
                raise InputError(refused)
        except OSError as error:
            raise InputError(f"out={str(folder)!r}: cannot be written: {error.strerror}; name another folder") from None
        yield folder


@cache
def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mecsim-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
