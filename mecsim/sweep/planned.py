"""Targets that are played with planning at decision time: `TARGET+planK`, K futures on top of any target."""

import re
from pathlib import Path

DECISIONS_PER_FUTURE = 30
"""That are imagined for a decision: a few options, a horizon each."""

_PLANNED = re.compile(r"(.+)\+plan([1-9][0-9]{0,3})")


def planned(target: str, futures: int | None) -> str:
    """How planning on top of a target is spelled; the target itself without futures."""
    return target if futures is None else f"{target}+plan{futures}"


def base_of(target: str) -> tuple[str, int | None]:
    """What a target plans on top of, and with how many futures; the target itself and None if it does not plan.

    A file or folder of that very name is no plan.
    """
    found = _PLANNED.fullmatch(target)
    return (target, None) if found is None or Path(target).exists() else (found[1], int(found[2]))


def decisions_per_step(target: str) -> int:
    """How many decisions a target makes, imagined ones too, for one that is taken."""
    return 1 + DECISIONS_PER_FUTURE * (base_of(target)[1] or 0)
