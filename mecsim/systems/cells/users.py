"""Who the users of cells are: new people in each episode, those of a seed, or those of a file; and who is known."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.people.people import People, draw_people, draw_people_of
from mecsim.predictor.prediction import learnt_predictor

if TYPE_CHECKING:
    from mecsim.predictor.predictor import Predictor
    from mecsim.systems.cells.scenario import CellsScenario

Index = NDArray[np.int64]


def people_of(scenario: "CellsScenario", episodes: int, rng: np.random.Generator) -> People:
    """The users of all episodes, (N·U,). What a file tells with uncertainty of them is drawn for each episode."""
    count, known = scenario.users.count, scenario.known_people
    if known is None and scenario.users.seed is None:
        return draw_people(scenario.population, scenario.satisfaction, episodes * count, rng)
    same, index = _standing(scenario), np.tile(np.arange(count), episodes)
    return same.select(index) if known is None else known.drawn(same, index, rng)


def _standing(scenario: "CellsScenario") -> People:
    """Users who are the same in all episodes, (U,)."""
    count, known = scenario.users.count, scenario.known_people
    if known is not None:
        return known.people(scenario.population).select(np.arange(count))
    assert scenario.users.seed is not None
    return draw_people_of(scenario.population, scenario.satisfaction, count, scenario.users.seed)


def numbers_in_log(scenario: "CellsScenario") -> Index | None:
    """What the predictor calls each user, (U,), −1 for strangers; None where the predictor is no file.

    One id is one person: a user of a file is known by its id, one of a seed by its number, and only with the persona
    that it had in the log.

    Raises:
        InputError: the predictor cannot be read, knows none of the users, or knows some as people of another persona.
    """
    path = scenario.satisfaction.predictor_file
    if path is None:
        return None
    return _numbers(scenario.apart_from_texts(), learnt_predictor(path), scenario.known_people)


@lru_cache(maxsize=4)
def _numbers(scenario: "CellsScenario", predictor: "Predictor", known: object) -> Index:
    """`known` tells versions of a file apart."""
    count, people = scenario.users.count, scenario.known_people
    name, log = scenario.satisfaction.predictor, predictor.users
    if people is None and scenario.users.seed is None:
        raise InputError(
            f"{name} knows none of the users, who are new people in each episode; "
            "name those of its log with users.from, or take predictor: typical"
        )
    ids = [str(number) for number in range(count)] if people is None else people.ids[:count]
    numbers = log.numbers_of(ids)
    found = numbers >= 0
    if not found.any():
        raise InputError(
            f"{name} knows none of the {count} users by their ids; "
            "name those of its log with users.from, or take predictor: typical"
        )
    names = tuple(scenario.population.personas)
    theirs = np.array(predictor.names["persona"])[log.persona[np.searchsorted(log.numbers, numbers[found])]]
    other = theirs != np.array(names)[_standing(scenario).persona[found]]
    if other.any():
        raise InputError(
            f"{name} knows {other.sum()} of the {count} users as people of another persona: "
            "these are not the people of its log; name those with users.from"
        )
    numbers.setflags(write=False)
    return numbers


def unknown_users(scenario: "CellsScenario") -> int:
    """How many users a learnt predictor takes for strangers; raises as `numbers_in_log`."""
    numbers = numbers_in_log(scenario)
    return 0 if numbers is None else int((numbers < 0).sum())
