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
    path = Path(satisfaction.predictor)
    predictor = _loaded(path, path.stat().st_mtime_ns if path.is_file() else 0)
    users = np.full(len(requests), STRANGER) if known_users is None else known_users
    return predictor.predict(replace(requests, user=users), population, rate_bit_per_s)


@lru_cache(maxsize=4)
def _loaded(path: Path, _: int) -> "Predictor":
    """A predictor; read again once its file has changed."""
    from mecsim.predictor.predictor import Predictor

    return Predictor.load(path)
