"""Files that are there as a whole or not at all, and those by which the folder of a run is known."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_RUNS = 1000
"""In a folder of several."""

RUN_INDEXES = ("config.yaml", "policies.yaml", "seeds.yaml")
"""A folder with one of these claims to be a run, or to hold several."""


def is_run(folder: Path) -> bool:
    """Whether a folder claims to be a run, or to hold several. Asked for every name that might be one of a policy."""
    return any(os.path.isfile(folder / name) for name in RUN_INDEXES)  # false, too, for names that are too long


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to, which takes its name when all is written; use as a context.

    If anything goes wrong what was written is removed, and an earlier file of that name stays. The place is of this
    process, so several may write the same file: the last one wins.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
