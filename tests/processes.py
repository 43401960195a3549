"""Looks after processes that a test has started."""

import os


def alive(process: int) -> bool:
    """Whether there still is a process of that id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
