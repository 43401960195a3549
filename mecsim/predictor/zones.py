"""The zones of tolerance of the people of a log, read off a predictor that learnt from it.

A predictor has any curve for each context; a scenario has lines through two levels of a persona, which contexts shift.
The lines that come nearest to the curves where the log has ratings are found by least squares. How a person differs is
what the predictor believes of it, with how sure that is.
"""

from dataclasses import dataclass, replace

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
NEWTON_STEPS, LARGEST_STEP = 25, 0.1
LEAST_VARIANCE = 1e-3
SLIP = 4.0  # an error of more deviations says no more: it may be a slip
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
    weights = [len(rows) for rows in samples.values()]
    common = _mean_by_name([fit.fitted(SHIFTING).shifts["application"] for fit in fits.values()], weights)
    found = {name: fit.fitted(SHIFTING[:-1], common) for name, fit in fits.items()}
    return {name: replace(zone, shifts={**zone.shifts, "application": common}) for name, zone in found.items()}


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
    """What satisfies each user of a log, in a context that moves nothing: the likeliest levels and how sure they are.

    Beforehand a user's levels are normal around those of the persona, as different from them as people turned out to
    be. Ratings are lines through the levels, with errors as large as those of the lines turn out to be. (Bayes with a
    normal approximation at the likeliest levels; by Gauss and Newton for all users at once.)
    """
    adequate, desired = np.mean([(zone.adequate, zone.desired) for zone in zones.values()], axis=0).tolist()
    usual = Zone(adequate, desired, {})
    own = [zones.get(name, usual) for name in log.names["persona"]]
    typical = np.array([(zone.adequate, zone.desired) for zone in own])[log.users.persona]
    before = np.linalg.inv(_spread(typical, predictor.offsets.covariance[-1]))
    position = log.position - _moved(log, own)
    ratings = np.bincount(log.user, minlength=len(log.users))
    levels, variance = typical.copy(), MISFIT**2
    for _ in range(NEWTON_STEPS):
        error, slope = _errors(levels[log.user], position, log.reported)
        variance = max(float((error**2).mean()), LEAST_VARIANCE)
        error = np.clip(error, *np.multiply((-SLIP, SLIP), np.sqrt(variance)))
        precision = before + _sums(log.user, slope[:, :, None] * slope[:, None, :], len(levels)) / variance
        pull = _sums(log.user, slope * error[:, None], len(levels)) / variance
        pull += (before @ (typical - levels)[..., None])[..., 0]
        step = np.linalg.solve(precision, pull[..., None])[..., 0]
        levels = levels + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        levels[:, 1] = np.maximum(levels[:, 1], levels[:, 0] + LEAST_WIDTH)
    covariance = np.linalg.inv(precision)
    deviation = np.sqrt(covariance[:, [0, 1], [0, 1]])
    correlation = np.clip(covariance[:, 0, 1] / deviation.prod(axis=1), -1.0, 1.0)
    return Levels(levels[:, 0], levels[:, 1], deviation[:, 0], deviation[:, 1], correlation, ratings)


def _spread(typical: Array, covariance: Array) -> Array:
    """Covariance of the levels of people, (U, 2, 2), whose offset and stretch differ with `covariance`."""
    slope = np.stack([np.ones_like(typical), typical - CENTRE], axis=2)
    return np.asarray(slope @ (covariance + LEAST_VARIANCE * np.eye(2)) @ slope.transpose(0, 2, 1))


def _moved(log: RequestLog, zones: list[Zone]) -> Array:
    """By how much the context of each request moves both levels, (R,)."""
    moved, persona = np.zeros(len(log)), log.users.persona[log.user]
    for kind in SHIFTING:
        table = np.array([[zone.shifts.get(kind, {}).get(name, 0.0) for name in log.names[kind]] for zone in zones])
        moved += table[persona, log.codes[:, CATEGORIES.index(kind)]]
    return moved


def _errors(levels: Array, position: Array, reported: Array) -> tuple[Array, Array]:
    """What reports are above the lines through levels (R, 2), and the slopes of the lines with the levels, (R, 2)."""
    adequate, desired = levels.T
    line = ADEQUATE_RATING + ZONE_RATINGS * (position - adequate) / (desired - adequate)
    inside = ((line > 0.0) & (line < TOP_RATING)) / (desired - adequate)
    slope = np.stack([(line - ADEQUATE_RATING - ZONE_RATINGS) * inside, (ADEQUATE_RATING - line) * inside], axis=1)
    return reported - np.clip(line, 0.0, TOP_RATING), slope


def _sums(user: Index, values: Array, users: int) -> Array:
    """Sums over the requests of each user."""
    flat = values.reshape(len(values), -1)
    sums = np.stack([np.bincount(user, column, users) for column in flat.T], axis=1)
    return np.asarray(sums.reshape(users, *values.shape[1:]), np.float64)
