"""What no test may depend on: luck, speed, and which kernels are compiled already.

Hypothesis draws the same examples every time and has no deadline.
"""

import math

import pytest
from hypothesis import HealthCheck, settings

import mecsim.cli
from mecsim.cli import terminal
from mecsim.cli.compiling import CompilingNote

settings.register_profile(
    "mecsim",
    database=None,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mecsim")


class _Silent(CompilingNote):
    def __call__(self, kernel: str, done: bool) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def _no_word_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mecsim.cli, "CompilingNote", _Silent)
    monkeypatch.setattr(terminal, "SLOW_S", math.inf)
    monkeypatch.setattr(terminal, "LINES_S", math.inf)
