"""People: the persona of each, and how each differs from it."""

from dataclasses import dataclass, fields, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.people.population import Population
from mecsim.people.satisfaction import Satisfaction

Array = NDArray[np.float64]

# Standard normal quantiles of P10, P25, P50, P75, P90, and what 28 people of a study of web delays had there:
# each rated 1 + 4/(1 + e^{k·(t − c)}). Only their shape around the median is used.
MEASURED_AT = (-1.2816, -0.6745, 0.0, 0.6745, 1.2816)
MEASURED_CENTRES_S = (0.27, 0.39, 0.55, 1.24, 3.95)
MEASURED_STEEPNESS_PER_S = (0.31, 0.96, 1.72, 3.43, 4.43)
# Who waits long before the rating falls rates it down slowly. The joint distribution is not known; with this
# correlation of normal scores the mean rating of all people is that of the study within 0.2 at every delay.
CENTRE_STEEPNESS_CORRELATION = -0.85

GOLDEN = 0.6180339887498949
CHANCES = 8  # random numbers that each person may use, so that the first people are the same for any count


@dataclass(frozen=True, eq=False)
class People:
    """U people; all arrays are (U,)."""

    persona: NDArray[np.int64]  # index into the personas of the scenario
    request_factor: Array  # requests relative to the mean of the persona
    schedule_shift_s: Array  # how late each is; below 0 ahead of the schedule
    adequate: Array  # position of the adequate level where no context moves it
    desired: Array  # position of the desired level
    exponent: Array
    delay_centre_s: Array
    delay_steepness_per_s: Array
    delay_sensitivity_per_s: Array

    def __len__(self) -> int:
        return len(self.persona)

    def select(self, index: NDArray[np.int64]) -> Self:
        """The people at `index`, in that order."""
        return replace(self, **{field.name: getattr(self, field.name)[index] for field in fields(self)})


def typical_people(population: Population) -> People:
    """One person of each persona, in the order of the scenario, who is as the persona says."""
    personas = list(population.personas.values())

    def each(name: str) -> Array:
        return np.array([getattr(persona, name) for persona in personas], np.float64)

    return People(
        persona=np.arange(len(personas)),
        request_factor=np.ones(len(personas)),
        schedule_shift_s=np.zeros(len(personas)),
        adequate=each("adequate"),
        desired=each("desired"),
        exponent=each("exponent"),
        delay_centre_s=each("delay_centre_s"),
        delay_steepness_per_s=each("delay_steepness_per_s"),
        delay_sensitivity_per_s=each("delay_sensitivity_per_s"),
    )


def draw_people(population: Population, satisfaction: Satisfaction, count: int, rng: np.random.Generator) -> People:
    """People whose personas are spread as evenly as their shares allow.

    The first people are the same whatever `count` is. Personas follow the golden-ratio sequence from a random start, so
    that any run of consecutive people has each of them in about its share.
    A strict person has higher levels, a larger exponent and less patience, all by log-normal factors of one variable.
    """
    start = rng.random()
    normal = rng.standard_normal((count, CHANCES))
    edges = np.cumsum([persona.share for persona in population.personas.values()])
    chance = (start + GOLDEN * np.arange(count)) % 1.0
    typical = typical_people(population).select(np.searchsorted(edges[:-1], chance, side="right").astype(np.int64))

    strictness, width, steepness, requests, lateness = normal[:, :5].T
    spread = satisfaction.spread
    stricter = np.exp(spread * strictness)
    adequate = typical.adequate * stricter
    desired = adequate + (typical.desired - typical.adequate) * np.exp(spread * width)
    centre_factor, steepness_factor = logistic_factors(strictness, steepness, spread, satisfaction.delay_spread)
    busy = population.request_spread
    return replace(
        typical,
        request_factor=np.exp(busy * requests - 0.5 * busy**2),  # of mean 1
        schedule_shift_s=population.schedule_spread_s * lateness,
        adequate=adequate,
        desired=desired,
        exponent=typical.exponent * stricter,
        delay_centre_s=typical.delay_centre_s * centre_factor,
        delay_steepness_per_s=typical.delay_steepness_per_s * steepness_factor,
        delay_sensitivity_per_s=typical.delay_sensitivity_per_s * stricter,
    )


def logistic_factors(
    strictness: Array, other: Array, spread: float, delay_spread: Literal["measured", "log-normal"]
) -> tuple[Array, Array]:
    """Centre and steepness of the logistic form relative to those of a typical person.

    Args:
        strictness: standard normal, any shape; who is strict has an early centre.
        other: standard normal, of the same shape; the part of the steepness that does not follow from strictness.
        spread: deviation of the logarithms where they are log-normal.
        delay_spread: whether people differ as those of the study did, or by log-normal factors.
    """
    correlation = CENTRE_STEEPNESS_CORRELATION
    steepness = -correlation * strictness + np.sqrt(1.0 - correlation**2) * other
    if delay_spread == "measured":
        return (
            _measured_factor(-strictness, MEASURED_CENTRES_S),
            _measured_factor(steepness, MEASURED_STEEPNESS_PER_S),
        )
    return 1.0 / np.exp(spread * strictness), np.exp(spread * steepness)


def draw_people_of(population: Population, satisfaction: Satisfaction, count: int, seed: int) -> People:
    """The first `count` people of a seed: those of `mecsim dataset --seed`."""
    return draw_people(population, satisfaction, count, people_generator(seed))


def people_generator(seed: int) -> np.random.Generator:
    """The generator of the people of a seed."""
    return np.random.default_rng([seed, 0])


def _measured_factor(normal: Array, quantiles: tuple[float, ...]) -> Array:
    """Values relative to the median, whose quantiles are the measured ones; lines on logarithms, extended outwards."""
    at, logarithm = np.array(MEASURED_AT), np.log(quantiles)
    slope = np.diff(logarithm) / np.diff(at)
    inside = np.interp(normal, at, logarithm)
    before, beyond = np.minimum(normal - at[0], 0.0), np.maximum(normal - at[-1], 0.0)
    return np.asarray(np.exp(inside + slope[0] * before + slope[-1] * beyond - logarithm[2]))
