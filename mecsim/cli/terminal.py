"""The terminal that progress is shown on: one for all, so that a spinner and a bar know of each other."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def error_console() -> "Console":
    """That of stderr."""
    from rich.console import Console

    return Console(stderr=True)
