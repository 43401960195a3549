"""The terminal that progress is shown on: one for all, so that a spinner and a bar know of each other."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def error_console() -> "Console":
    """That of stderr."""
    from rich.console import Console

    return Console(stderr=True)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error_console().print(record.getMessage(), highlight=False, soft_wrap=True)


@contextmanager
def calibration_told() -> Iterator[None]:
    """Inside of the block, say so when scales are measured and it takes a while."""
    log, lines = logging.getLogger("mecsim.policies.calibration"), _Lines()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(lines)
    try:
        yield
    finally:
        log.removeHandler(lines)
        log.setLevel(level)
