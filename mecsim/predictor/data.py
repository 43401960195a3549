"""A request log as arrays to learn from: read from CSV or Parquet, every column and value checked.

The log is one of `mecsim dataset`, or of a real network with the same columns. Columns that nothing is learnt from may
be missing, and so may `satisfaction`, the noise-free truth, which only a simulation knows.
"""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.people.population import ACTIVITIES, DAY_CLASSES, PERIODS, PLACES, Population
from mecsim.people.requests import Requests
from mecsim.physics.satisfaction import log_position
from mecsim.schema.words import one_line

if TYPE_CHECKING:
    from mecsim.predictor.table import Columns

Array = NDArray[np.float64]
Codes = NDArray[np.int8]

FIXED_NAMES = {"period": PERIODS, "day_class": DAY_CLASSES, "place": PLACES, "activity": ACTIVITIES}
CATEGORIES = ("persona", *FIXED_NAMES, "application")
NUMBERS = 3  # of a context, as `context_numbers` has them
BIT_PER_KBIT = 1e3


@dataclass(frozen=True, eq=False)
class RequestLog:
    """The requests of a log that were served, in the order of the file; R requests, U users."""

    names: dict[str, tuple[str, ...]]  # of each category, in the order of CATEGORIES
    user_ids: NDArray[np.int64]  # (U,) ascending, as in the file
    user: NDArray[np.int64]  # (R,) indices into user_ids
    day: NDArray[np.int64]  # (R,) from the first one of the file
    codes: Codes  # (R, categories) indices into names
    numbers: Array  # (R, NUMBERS)
    position: Array  # (R,) of the given rate between minimum and demand
    reported: Array  # (R,) ratings 0..5
    truth: Array | None  # (R,) noise-free ratings, where the file has them
    rejected: int  # requests of the file that got less than their minimum; nothing is learnt from them

    def __len__(self) -> int:
        return len(self.user)

    def select(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Some of the requests, with the same names and users."""
        return replace(
            self,
            user=self.user[index],
            day=self.day[index],
            codes=self.codes[index],
            numbers=self.numbers[index],
            position=self.position[index],
            reported=self.reported[index],
            truth=None if self.truth is None else self.truth[index],
        )


def rate_position(rate: Array, minimum: Array, demand: Array) -> Array:
    """Where rates of one unit lie between minimum and demand on a logarithmic axis, from 0 to 1."""
    return np.clip(log_position(rate, minimum, demand), 0.0, 1.0)


def context_numbers(speed_m_per_s: Array, minimum_bit_per_s: Array, demand_bit_per_s: Array) -> Array:
    """What is seen of a context beside its categories, (R, NUMBERS): speed, log10 of minimum and of demand in bit/s."""
    return np.stack([speed_m_per_s, np.log10(minimum_bit_per_s), np.log10(demand_bit_per_s)], axis=1)


def request_codes(requests: Requests, population: Population, names: dict[str, tuple[str, ...]]) -> Codes:
    """The categories of requests as indices into `names`, (R, categories).

    Raises:
        InputError: a persona or application that is asked for is none of `names`.
    """
    codes = np.empty((len(requests), len(CATEGORIES)), np.int8)
    own = {"persona": tuple(population.personas), "application": tuple(population.applications)}
    for column, category in enumerate(CATEGORIES):
        index = getattr(requests, category)
        if category in own and own[category] != names[category]:
            known = {name: code for code, name in enumerate(names[category])}
            for name in (own[category][each] for each in np.unique(index)):
                if name not in known:
                    raise InputError(
                        f"the predictor knows no {category} '{name}', only {', '.join(known)}; "
                        "fit it to a log of this scenario (mecsim dataset, mecsim fit)"
                    )
            index = np.array([known.get(name, 0) for name in own[category]])[index]
        codes[:, column] = index
    return codes


def check_data_packages(*packages: str) -> None:
    """Raise InputError if a package is missing that reading a log, or learning from it, needs."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        shown = ["scikit-learn" if name == "sklearn" else name for name in missing]
        raise InputError(f"fit needs {' and '.join(shown)}: pip install 'mecsim[data]'")


def read_log(path: Path) -> RequestLog:
    """The log in a CSV or Parquet file.

    Raises:
        InputError: it cannot be read, or a column or value is missing or wrong; one line names it.
    """
    check_data_packages("pyarrow")
    from mecsim.predictor.table import read_columns

    return _arranged(path, read_columns(path))


def _arranged(path: Path, columns: "Columns") -> RequestLog:
    values = columns.values
    minimum, demand, given = (values[f"{name}_rate_kbit_per_s"] * BIT_PER_KBIT for name in ("min", "demand", "given"))
    served = given >= minimum * (1.0 - 1e-9)
    if not served.any():
        raise InputError(one_line(f"{path}: no request was given its minimum rate, expected at least one that was"))
    minimum, demand, given = minimum[served], demand[served], given[served]
    user_ids, user = np.unique(values["user"][served].astype(np.int64), return_inverse=True)
    day = values["date"][served].astype(np.int64)
    return RequestLog(
        names={name: columns.names[name] for name in CATEGORIES},
        user_ids=user_ids,
        user=user.astype(np.int64),
        day=day - day.min(),
        codes=np.stack([values[name][served] for name in CATEGORIES], axis=1).astype(np.int8),
        numbers=context_numbers(values["speed_m_per_s"][served], minimum, demand),
        position=rate_position(given, minimum, demand),
        reported=values["satisfaction_noisy"][served],
        truth=values["satisfaction"][served] if "satisfaction" in values else None,
        rejected=int((~served).sum()),
    )
