"""The zones of tolerance of the people of a log, read off a predictor that learnt from it.

A predictor has any curve for each context; a scenario has lines through two levels of a persona, which contexts shift.
The lines that come nearest to the curves where the log has ratings are found by least squares. How a person differs is
what the predictor believes of it, with how sure that is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from mecsim.core.rating import ADEQUATE_RATING, TOP_RATING
from mecsim.predictor.data import CATEGORIES, RequestLog
from mecsim.predictor.predictor import Predictor
from mecsim.predictor.users import CENTRE, felt_position, strangers

Array = NDArray[np.float64]
Index = NDArray[np.int64]

ROWS = 5000  # of the log, for each persona
SHIFTING = ("period", "place", "activity", "application")
ZONE_RATINGS = 2.0  # from the adequate to the desired level
USUAL_SHIFT = 0.15  # deviation of the shifts of contexts, before anything is known of them
MISFIT = 0.3  # of ratings, which a shift has to explain more of
LEAST_LEVEL, LEAST_WIDTH = 0.01, 0.05
PERSONA = CATEGORIES.index("persona")


@dataclass(frozen=True)
class Zone:
    """What satisfies the typical person of a persona."""

    adequate: float
    desired: float
    shifts: dict[str, dict[str, float]]  # of both levels: of each category, by name


@dataclass(frozen=True, eq=False)
class Levels:
    """What satisfies U people, with how uncertain it is: arrays (U,)."""

    adequate: Array
    desired: Array
    adequate_deviation: Array
    desired_deviation: Array
    correlation: Array
    ratings: Index  # from how many it is known


def zones_of(log: RequestLog, predictor: Predictor, rng: np.random.Generator) -> dict[str, Zone]:
    """The zone of each persona of a log, and how contexts move it.

    Shifts of applications are the same for all personas, as in a scenario.
    """
    nobody = Predictor(
        log.names, log.users, predictor.model, predictor.variance, predictor.calibration, strangers(np.zeros((2, 2)))
    )
    samples = {name: _sample(log, code, rng) for code, name in enumerate(log.names["persona"])}
    samples = {name: rows for name, rows in samples.items() if len(rows)}
    fits = {name: _Lines(log, predictor, nobody, rows) for name, rows in samples.items()}
    found = {name: fit.fitted(SHIFTING) for name, fit in fits.items()}
    applications = _mean_by_name([found[name].shifts["application"] for name in fits], [len(r) for r in samples.values()])
    common = {name: fit.fitted(SHIFTING[:-1], applications) for name, fit in fits.items()}
    return {name: Zone(zone.adequate, zone.desired, zone.shifts | {"application": applications}) for name, zone in common.items()}


def _sample(log: RequestLog, code: int, rng: np.random.Generator) -> Index:
    rows = np.flatnonzero(log.codes[:, PERSONA] == code)
    return rows if len(rows) <= ROWS else np.sort(rng.choice(rows, ROWS, replace=False))


def _mean_by_name(each: list[dict[str, float]], weights: list[int]) -> dict[str, float]:
    names = sorted({name for shifts in each for name in shifts})
    means = {}
    for name in names:
        told = [(shifts[name], weight) for shifts, weight in zip(each, weights, strict=True) if name in shifts]
        means[name] = sum(value * weight for value, weight in told) / sum(weight for _, weight in told)
    return means


class _Lines:
    """Lines through the typical ratings of one persona, at the positions that its people felt."""

    def __init__(self, log: RequestLog, predictor: Predictor, nobody: Predictor, rows: Index) -> None:
        own = log.select(rows)
        offsets = predictor.offsets.mean[predictor.offsets.rows(own.users.numbers[own.user])]
        self.position = felt_position(own.position, *offsets.T)
        typical = np.zeros(len(rows), np.int64)
        self.rating = nobody.ratings(typical, own.codes, own.numbers, self.position[:, None])[:, 0]
        self.names, self.codes = own.names, own.codes

    def fitted(self, free: tuple[str, ...], fixed: dict[str, float] | None = None) -> Zone:
        """The zone, and shifts of the categories that are `free`; those of applications may be `fixed`."""
        columns = [(kind, code) for kind in free for code in np.unique(self._of(kind))]
        here = np.stack([self._of(kind) == code for kind, code in columns], axis=1).astype(np.float64)
        moved = np.zeros(len(self.rating))
        if fixed is not None:
            moved = np.array([fixed[name] for name in self.names["application"]])[self._of("application")]
        stiffness = MISFIT / USUAL_SHIFT

        def step(parameters: Array) -> Array:
            adequate, log_width = parameters[:2]
            above = self.position - moved - adequate - here @ parameters[2:]
            return np.asarray(ADEQUATE_RATING + ZONE_RATINGS * above * np.exp(-log_width))

        def misfit(parameters: Array) -> Array:
            lines = np.clip(step(parameters), 0.0, TOP_RATING)
            return np.concatenate([lines - self.rating, stiffness * parameters[2:]])

        def slopes(parameters: Array) -> Array:
            line, steepness = step(parameters), ZONE_RATINGS * np.exp(-parameters[1])
            inside = ((line > 0.0) & (line < TOP_RATING))[:, None]
            by_width = (ADEQUATE_RATING - line)[:, None]
            by_level = np.full((len(line), 1), -steepness)
            data = inside * np.concatenate([by_level, by_width, -steepness * here], axis=1)
            prior = np.concatenate([np.zeros((here.shape[1], 2)), stiffness * np.eye(here.shape[1])], axis=1)
            return np.concatenate([data, prior])

        start = np.concatenate([[0.25, np.log(0.5)], np.zeros(here.shape[1])])
        found = least_squares(misfit, start, slopes, method="lm").x
        shifts: dict[str, dict[str, float]] = {kind: {} for kind in free}
        for (kind, code), shift in zip(columns, found[2:].tolist(), strict=True):
            shifts[kind][self.names[kind][code]] = shift
        adequate = max(float(found[0]), LEAST_LEVEL)
        return Zone(adequate, max(float(found[0] + np.exp(found[1])), adequate + LEAST_WIDTH), shifts)

    def _of(self, kind: str) -> NDArray[np.int8]:
        return np.asarray(self.codes[:, CATEGORIES.index(kind)])


def levels_of(log: RequestLog, predictor: Predictor, zones: dict[str, Zone]) -> Levels:
    """What satisfies each user of a log, in a context that moves nothing."""
    everyone = log.users
    row = predictor.offsets.rows(everyone.numbers)
    (offset, stretch), covariance = predictor.offsets.mean[row].T, predictor.offsets.covariance[row]
    names = log.names["persona"]
    usual = Zone(*np.mean([(zone.adequate, zone.desired) for zone in zones.values()], axis=0).tolist(), {})
    typical = np.array([(zones.get(name, usual).adequate, zones.get(name, usual).desired) for name in names])
    from_centre = (typical[everyone.persona] - CENTRE) * np.exp(stretch)[:, None]
    level = CENTRE + offset[:, None] + from_centre
    slope = np.stack([np.ones_like(from_centre), from_centre], axis=2)  # (U, 2 levels, offset and stretch)
    spread = slope @ covariance @ slope.transpose(0, 2, 1)
    deviation = np.sqrt(np.maximum(spread[:, [0, 1], [0, 1]], 0.0))
    product = deviation.prod(axis=1)
    correlation = np.divide(spread[:, 0, 1], product, out=np.zeros(len(level)), where=product > 0.0)
    ratings = np.bincount(log.user, minlength=len(everyone))
    return Levels(*level.T, *deviation.T, np.clip(correlation, -1.0, 1.0), ratings)
