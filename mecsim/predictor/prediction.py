"""What is known of people's satisfaction when a request is decided: all, their persona, or what a log has taught."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.people.people import People
from mecsim.people.population import Population
from mecsim.people.requests import Requests
from mecsim.people.satisfaction import Satisfaction
from mecsim.people.zones import expected_ratings, typical_ratings
from mecsim.predictor.data import refuse_unknown

if TYPE_CHECKING:
    from mecsim.predictor.predictor import Predictor

STRANGER = -1  # the user of requests by people of whom no log tells


def predicted_ratings(
    population: Population,
    satisfaction: Satisfaction,
    people: People,
    requests: Requests,
    rate_bit_per_s: NDArray[np.float64],
    users: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Expected ratings, 0 to 5, of requests at rates, both (R, K), by the predictor that the scenario names.

    `users`: the numbers of those who ask in the log that the predictor learnt from, (R,), −1 for strangers.

    Raises:
        InputError: the predictor's file cannot be used.
    """
    if satisfaction.predictor == "oracle":
        return expected_ratings(population, satisfaction, people, requests, rate_bit_per_s)
    if satisfaction.predictor == "typical":
        return typical_ratings(population, satisfaction, requests, rate_bit_per_s)
    who = np.full(len(requests), STRANGER) if users is None else users
    predictor = learnt_predictor(Path(satisfaction.predictor))
    return predictor.predict(replace(requests, user=who), population, rate_bit_per_s)


def learnt_predictor(path: Path) -> "Predictor":
    """The predictor in a file, remembered until it changes. Raises InputError if it cannot be used."""
    return _loaded(path, path.stat().st_mtime_ns if path.is_file() else 0)


def check_predictor(path: Path, population: Population) -> None:
    """Raise InputError unless the predictor in a file can tell of all people that there may be."""
    names = learnt_predictor(path).names
    for category, own in (("persona", population.personas), ("application", population.applications)):
        refuse_unknown(category, own, names[category])


@lru_cache(maxsize=4)
def _loaded(path: Path, _: int) -> "Predictor":
    from mecsim.predictor.predictor import Predictor

    return Predictor.load(path)
