"""People: the persona of each, and how each differs from it."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mecsim.people.population import Population
from mecsim.people.satisfaction import Satisfaction
from mecsim.physics.measured_patience import logistic_factors

Array = NDArray[np.float64]

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


def draw_people_of(population: Population, satisfaction: Satisfaction, count: int, seed: int) -> People:
    """The first `count` people of a seed: those of `mecsim dataset --seed`."""
    return draw_people(population, satisfaction, count, people_generator(seed))


def people_generator(seed: int) -> np.random.Generator:
    """The generator of the people of a seed."""
    return np.random.default_rng([seed, 0])
