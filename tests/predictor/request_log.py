"""A small request log whose truth is known in closed form: people differ by where their zone lies, and by nothing else.

The rating of a position u between minimum and demand is 5·clip((u − a)/(d − a), 0, 1), where the ends a < d of the zone
shift with the context and with the user.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from mecsim.people.population import ACTIVITIES, PERIODS, PLACES

Array = NDArray[np.float64]

APPLICATIONS = ("voice", "video_call", "streaming", "gaming", "browsing", "download", "ar")
PERSONAS = ("professional", "university_student", "school_student", "homemaker")
MIN_KBIT_PER_S = np.array([16.0, 300.0, 500.0, 100.0, 100.0, 500.0, 2000.0])
DEMAND_KBIT_PER_S = np.array([64.0, 2500.0, 8000.0, 1000.0, 4000.0, 20000.0, 25000.0])
NOISE = 0.4


@dataclass(frozen=True)
class SmallLog:
    """The columns of a log, and the shift of each user's zone."""

    columns: dict[str, NDArray[Any]]
    shift: Array  # (U,)

    def write(self, path: Path, **changed: object) -> Path:
        """As a CSV or Parquet file; `changed` replaces columns, None leaves one out."""
        table = pa.table({name: value for name, value in (self.columns | changed).items() if value is not None})
        if path.suffix == ".csv":
            csv.write_csv(table, path)
        else:
            parquet.write_table(table, path)
        return path


def small_log(users: int, days: int, per_day: int = 8, spread: float = 0.12, seed: int = 0) -> SmallLog:
    """A log of `users` x `days` x `per_day` requests, in the order of time."""
    rng = np.random.default_rng(seed)
    rows = users * days * per_day
    day = np.repeat(np.arange(days), users * per_day)
    user = rng.integers(0, users, rows)
    shift = rng.normal(0.0, spread, users)
    persona = rng.integers(0, len(PERSONAS), users)
    seconds = np.sort(rng.integers(0, 86400, (days, users * per_day)), axis=1).ravel()
    period = np.searchsorted([5, 8, 11, 14, 19], seconds / 3600.0, side="right")
    place, activity, application = (rng.integers(0, len(names), rows) for names in (PLACES, ACTIVITIES, APPLICATIONS))
    low, high = MIN_KBIT_PER_S[application], DEMAND_KBIT_PER_S[application]
    given = low * (high / low) ** rng.uniform(0.0, 1.0, rows)
    truth = zone_rating(
        np.log(given / low) / np.log(high / low), persona[user], period, place, application, shift[user]
    )
    noisy = np.clip(truth + rng.normal(0.0, NOISE, rows), 0.0, 5.0)
    date = np.datetime64("2024-01-01") + day
    weekday = day % 7
    speed = np.where(place == 6, rng.uniform(5.0, 20.0, rows), np.where(activity >= 3, 1.4, 0.0))
    columns = {
        "request": np.arange(rows),
        "user": user,
        "date": np.datetime_as_string(date),
        "day": np.array(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])[weekday],
        "day_class": np.where(weekday < 5, "weekday", "weekend"),
        "time": np.array([f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in seconds.tolist()]),
        "period": np.array(PERIODS)[period],
        "place": np.array(PLACES)[place],
        "activity": np.array(ACTIVITIES)[activity],
        "speed_m_per_s": speed,
        "speed_range": np.where(speed > 4.0, "vehicle", "slow"),
        "persona": np.array(PERSONAS)[persona[user]],
        "application": np.array(APPLICATIONS)[application],
        "duration_s": rng.exponential(60.0, rows),
        "min_rate_kbit_per_s": low,
        "demand_rate_kbit_per_s": high,
        "given_rate_kbit_per_s": given,
        "delta_kbit_per_s": high - given,
        "max_delta_kbit_per_s": high - low,
        "satisfaction": truth,
        "satisfaction_noisy": noisy,
    }
    return SmallLog(columns, shift)


def zone_rating(
    position: Array,
    persona: NDArray[np.int64],
    period: NDArray[np.int64],
    place: NDArray[np.int64],
    application: NDArray[np.int64],
    shift: Array | float,
) -> Array:
    """The rating of a position, all arrays of one shape."""
    centre = 0.45 + 0.04 * (persona - 1.5) + 0.02 * (period - 2.5) + 0.03 * (place % 3 - 1) + 0.02 * (application % 4)
    return 5.0 * np.clip((position - centre - shift + 0.25) / 0.5, 0.0, 1.0)
