"""A predictor of satisfaction that was learnt from a request log: trees for the typical person, offsets for users.

Prediction needs none of the libraries that fitting needs.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import allocating_kernel
from mecsim.core.rating import TOP_RATING
from mecsim.core.threads import over_rows
from mecsim.people.population import Population
from mecsim.people.requests import Requests
from mecsim.predictor.calibration import calibrate
from mecsim.predictor.data import Codes, LogUsers, context_numbers, rate_position, request_codes
from mecsim.predictor.file import read_predictor, users_as_arrays, users_from_arrays, write_predictor
from mecsim.predictor.model_text import Model
from mecsim.predictor.trees import MAX_PENDING, Trees, add_curve
from mecsim.predictor.users import CELLS, Reports, UserOffsets, curve_at, learned, roots_of, strangers

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class _Quadrature(NamedTuple):
    """Means over two independent standard normal variables, by Gauss and Hermite."""

    nodes: Array  # (J, 2)
    weights: Array  # (J,)


class _Beliefs(NamedTuple):
    """What is believed of U users."""

    mean: Array  # (U, 2)
    root: Array  # (U, 2, 2) of the covariance


class _Asked(NamedTuple):
    """R requests: contexts as in RequestLog."""

    rows: Index  # (R,) of users in what is believed
    codes: Codes
    numbers: Array
    position: Array  # (R, K) of the rates that are considered


def _quadrature(offsets: int = 7, stretches: int = 3) -> _Quadrature:
    (at, weight), (across, share) = (np.polynomial.hermite_e.hermegauss(count) for count in (offsets, stretches))
    nodes = np.stack(np.meshgrid(at, across, indexing="ij"), axis=-1).reshape(-1, 2)
    weights = np.outer(weight, share).ravel()
    return _Quadrature(nodes, weights / weights.sum())


_QUADRATURE = _quadrature()


@dataclass(frozen=True, eq=False)
class Predictor:
    """Expected satisfaction from context, given rate and user.

    Attributes:
        names: of each category, those that the log had.
        users: those of the log.
        model: mean report of the typical person.
        variance: of reports around each of equal bins of the rating, (VARIANCES,).
        calibration: the median report where the mean report is that of UNCALIBRATED, (CALIBRATED,).
        offsets: what is believed of users; their ids are those of the log.
    """

    names: dict[str, tuple[str, ...]]
    users: LogUsers
    model: Model
    variance: Array
    calibration: Array
    offsets: UserOffsets

    def predict(self, requests: Requests, population: Population, rate_bit_per_s: Array) -> Array:
        """Expected satisfaction of requests at rates, both (R, K): from 0 to 5, never falling as the rate rises.

        `requests.user` are the numbers of users of the log. All others, such as −1, are strangers: what is expected of
        them is the mean over the population.

        Raises:
            InputError: a persona or application is none that the log had.
        """
        codes, numbers = self._contexts(requests, population)
        minimum, demand = requests.min_rate_bit_per_s[:, None], requests.demand_rate_bit_per_s[:, None]
        return self.ratings(
            self.offsets.rows(requests.user), codes, numbers, rate_position(rate_bit_per_s, minimum, demand)
        )

    def learn(self, requests: Requests, population: Population, rate_bit_per_s: Array, report: Array) -> Self:
        """The predictor after reports, 0..5, on given rates, both (R,), in the order of time.

        Only what is believed of users changes; those who were strangers are known from now on, unless their number is
        below 0.

        Raises:
            InputError: a persona or application is none that the log had.
        """
        offsets = self.offsets.with_users(requests.user)
        codes, numbers = self._contexts(requests, population)
        position = rate_position(rate_bit_per_s, requests.min_rate_bit_per_s, requests.demand_rate_bit_per_s)
        rows = offsets.rows(requests.user)
        reports = Reports(codes, numbers, position, report)
        changed = learned(offsets, self.model.trees, self.variance, rows, reports)
        return replace(self, offsets=changed)

    def forgetting_users(self) -> Self:
        """The same, but everybody is a stranger."""
        return replace(self, offsets=strangers(self.offsets.covariance[-1]))

    def sample(self, rng: np.random.Generator) -> Self:
        """Thompson sampling: the predictor were users as one draw from what is believed of them."""
        return replace(self, offsets=self.offsets.sample(rng))

    def ratings(self, rows: Index, codes: Codes, numbers: Array, position: Array) -> Array:
        """`predict` for rows of `offsets`, (R,), contexts as in RequestLog, and positions 0..1, (R, K)."""
        out = np.zeros(position.shape)
        offsets = self.offsets
        beliefs, asked = _Beliefs(offsets.mean, roots_of(offsets.covariance)), _Asked(rows, codes, numbers, position)
        over_rows(_predict, len(rows), self.model.trees, self.calibration, beliefs, _QUADRATURE, asked, out)
        return np.clip(out, 0.0, TOP_RATING, out=out)

    def _contexts(self, requests: Requests, population: Population) -> tuple[Codes, Array]:
        numbers = context_numbers(requests.speed_m_per_s, requests.min_rate_bit_per_s, requests.demand_rate_bit_per_s)
        return request_codes(requests, population, self.names), numbers

    def save(self, path: Path) -> None:
        """Write it to a file, which `load` reads. Raises OSError if it cannot be written."""
        arrays = {"variance": self.variance, "calibration": self.calibration}
        arrays |= {f"offsets.{name}": part for name, part in vars(self.offsets).items()}
        arrays |= users_as_arrays(self.users)
        write_predictor(path, self.names, self.model.text, arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The predictor in a file. Raises InputError if it holds none, or a damaged one; one line says so."""
        names, model, arrays = read_predictor(path)
        return cls(
            names=names,
            users=users_from_arrays(arrays),
            model=model,
            variance=arrays["variance"],
            calibration=arrays["calibration"],
            offsets=UserOffsets(**{name: arrays[f"offsets.{name}"] for name in ("user_ids", "mean", "covariance")}),
        )


@allocating_kernel
def _predict(
    trees: Trees, calibration: Array, beliefs: _Beliefs, quadrature: _Quadrature, asked: _Asked, out: Array,
    first: int, last: int,
) -> None:  # fmt: skip
    """Add expected ratings to `out`: means over what is believed of each user."""
    mean, root, nodes, weights = beliefs.mean, beliefs.root, quadrature.nodes, quadrature.weights
    position = asked.position
    for request in range(first, last):
        curve, pending = np.empty(CELLS), np.empty((MAX_PENDING, 3), np.int64)
        add_curve(trees, asked.codes[request], asked.numbers[request], curve, pending)
        calibrate(curve, calibration)
        row = asked.rows[request]
        for node in range(len(weights)):
            offset = mean[row, 0] + root[row, 0, 0] * nodes[node, 0]
            stretch = mean[row, 1] + root[row, 1, 0] * nodes[node, 0] + root[row, 1, 1] * nodes[node, 1]
            shrink = math.exp(-stretch)
            for level in range(position.shape[1]):
                out[request, level] += weights[node] * curve_at(curve, position[request, level], offset, shrink)
