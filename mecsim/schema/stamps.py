"""Moments as tables write them: `2023-11-16 18:17:03.9799600`, with or without a zone, to the nanosecond."""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

DAY_S, HOUR_S, MINUTE_S, SECOND_NS = 86_400, 3600, 60, 10**9
EXAMPLE = "2023-11-16 18:17:03.5"

_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9})\d*)?)? ?(Z|[+-]\d\d(?::?[0-5]\d)?)?"
)


class Stamp(NamedTuple):
    """A moment; one without a zone is told by a clock of its own."""

    since_1970_ns: int
    zoned: bool


def parse_stamp(text: str) -> Stamp | None:
    """The moment that an ISO 8601 stamp of a date and a time tells; None for any other text.

    Digits beyond the nanosecond are left out.
    """
    match = _STAMP.fullmatch(text.strip())
    day = match and _day(match[1])
    if match is None or day is None:
        return None
    clock_s = int(match[2]) * HOUR_S + int(match[3]) * MINUTE_S + int(match[4] or 0)
    since_s = day * DAY_S + clock_s - _ahead_s(match[6] or "Z")
    return Stamp(since_s * SECOND_NS + int((match[5] or "0").ljust(9, "0")), match[6] is not None)


@lru_cache(maxsize=256)
def _day(text: str) -> int | None:
    """Days since 1970-01-01."""
    try:
        return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _ahead_s(zone: str) -> int:
    """How far a zone is ahead of UTC."""
    if zone == "Z":
        return 0
    ahead_s = int(zone[1:3]) * HOUR_S + int(zone[3:].lstrip(":") or 0) * MINUTE_S
    return -ahead_s if zone[0] == "-" else ahead_s
