"""Runs pytest again and again, each time in a fork of this process, which has imported what takes long.

Reads a JSON object a line: the `folder` of the sources, the `tests`, and the file that takes what pytest says. Answers
with pytest's exit code a line; below 0 it was ended by that signal. Nothing of mecsim is imported before the fork.
"""

import json
import os
import signal
import sys

import matplotlib.figure  # noqa: F401
import numba  # noqa: F401
import polars  # noqa: F401
import pydantic  # noqa: F401
import pytest
import scipy.stats  # noqa: F401
import torch  # noqa: F401

MOST_S = 1200  # of the tests of one error, which may compile kernels


def run_tests(folder: str, tests: list[str], said: str) -> int:
    """pytest's exit code; it stops at the first failure."""
    signal.alarm(MOST_S)
    os.chdir(folder)
    own = [folder, os.path.join(folder, "agents")]
    sys.path[:0] = own
    os.environ["PYTHONPATH"] = os.pathsep.join(own)  # of commands that tests call
    with open(said, "w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    return int(pytest.main(["-q", "-x", "--no-header", *tests]))


for line in sys.stdin:
    if (child := os.fork()) == 0:
        sys.exit(run_tests(**json.loads(line)))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
