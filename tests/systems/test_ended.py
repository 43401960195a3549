"""Once `records` are told no step can follow, and they stay what they are: every engine of every system."""

import pickle
from copy import deepcopy
from dataclasses import fields
from typing import Any, cast

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays, EngineName
from mecsim.core.system import SYSTEMS, draw_episodes, new_episodes
from mecsim.errors import InputError
from mecsim.scenario import load_scenario, with_context

SCENARIOS = {
    "plain": with_context(load_scenario("gmorl"), {"episode.steps": "12"}),
    "contended": with_context(load_scenario("gmorl-personal"), {"episode.steps": "12"}),
    "cells": with_context(load_scenario("personalized-quick"), {"episode.requests": "12"}),
}
ENGINES = [
    (name, cast(EngineName, engine))
    for name, scenario in SCENARIOS.items()
    for engine in SYSTEMS.load(scenario.kind).usable_engines()
]


def played(name: str, engine: EngineName, steps: int) -> tuple[AnyEpisodes, NDArray[np.int64]]:
    """Episodes after so many decisions, each the last option that is possible."""
    episodes = new_episodes(SCENARIOS[name], engine)
    observation = episodes.begin(draw_episodes(SCENARIOS[name], 0, 0, 3))
    for _ in range(steps):
        observation, _, _ = episodes.step(last_option(observation))
    return episodes, last_option(observation)


def last_option(observation: Arrays) -> NDArray[np.int64]:
    mask = observation["mask"]
    return mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)


def assert_same(one: Any, other: Any) -> None:
    for field in fields(one):
        assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


@pytest.mark.parametrize("steps", [0, 5, 12])
@pytest.mark.parametrize(("name", "engine"), ENGINES)
def test_records_can_be_asked_for_again_and_no_step_follows(name: str, engine: EngineName, steps: int) -> None:
    episodes, action = played(name, engine, steps)
    first = episodes.records()
    kept = deepcopy(first)
    assert episodes.step_index == steps
    for copy in (episodes.engine, episodes.engine.fork(), pickle.loads(pickle.dumps(episodes.engine))):  # noqa: S301
        with pytest.raises(InputError, match="the episode is over: begin a new one"):
            copy.step(action)
        assert_same(copy.records(), kept)
        assert copy.step_index == steps
    assert_same(first, kept)


@pytest.mark.parametrize(("name", "engine"), ENGINES)
def test_the_next_episodes_begin_as_if_there_had_been_none(name: str, engine: EngineName) -> None:
    ended, _ = played(name, engine, 5)
    ended.records()
    fresh, _ = played(name, engine, 0)
    tapes = draw_episodes(SCENARIOS[name], 0, 3, 2)
    seen = [episodes.begin(tapes) for episodes in (ended, fresh)]
    for _ in range(12):
        for key in seen[0]:
            assert_array_equal(seen[0][key], seen[1][key])
        seen = [
            episodes.step(last_option(observation))[0]
            for episodes, observation in zip((ended, fresh), seen, strict=True)
        ]
    assert_same(ended.records(), fresh.records())


def test_a_fork_made_before_goes_on() -> None:
    for name, engine in ENGINES:
        episodes, action = played(name, engine, 5)
        fork = episodes.engine.fork()
        episodes.records()
        assert np.isfinite(fork.step(action)).all()
