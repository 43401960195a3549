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
from mecsim.people.satisfaction import PREDICTORS, Satisfaction
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
    known_users: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Expected ratings, 0 to 5, of requests at rates, both (R, K), by the predictor that the scenario names.

    `known_users`: what a log calls the user of each request, (R,); None if no log tells of them.

    Raises:
        InputError: the predictor's file cannot be used.
    """
    if satisfaction.predictor == "oracle":
        return expected_ratings(population, satisfaction, people, requests, rate_bit_per_s)
    if satisfaction.predictor == "typical":
        return typical_ratings(population, satisfaction, requests, rate_bit_per_s)
    predictor = _loaded(satisfaction.predictor)
    users = np.full(len(requests), STRANGER) if known_users is None else known_users
    return predictor.predict(replace(requests, user=users), population, rate_bit_per_s)


def check_predictor(named: str, population: Population) -> None:
    """Raise InputError unless what a scenario names as its predictor can tell of all people there may be."""
    if named in PREDICTORS:
        return
    names = _loaded(named).names
    for category, own in (("persona", population.personas), ("application", population.applications)):
        refuse_unknown(category, own, names[category])


def _loaded(named: str) -> "Predictor":
    """The predictor in a file; read again once that has changed."""
    path = Path(named)
    return _read(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=4)
def _read(path: Path, _: int) -> "Predictor":
    from mecsim.predictor.predictor import Predictor

    return Predictor.load(path)
