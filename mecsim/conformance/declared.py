"""Checks of what a system declares: names, places, scenarios, tapes."""

import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal

from mecsim.conformance.subject import Subject
from mecsim.core.plugins import Reference
from mecsim.core.seeds import Stream
from mecsim.core.tape import Tapes
from mecsim.scenario import parse_scenario, scenario_to_yaml


def _assert_same(one: Tapes, other: Tapes) -> None:
    for field in fields(one):
        assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def _assert_same_but_for_padding(one: Tapes, other: Tapes) -> None:
    """Arrays are as long as the longest episode that was drawn with them; what one has more of holds one value only."""
    for field in fields(one):
        arrays = [np.asarray(getattr(tapes, field.name)) for tapes in (one, other)]
        common = tuple(slice(min(lengths)) for lengths in zip(*(array.shape for array in arrays), strict=True))
        assert_array_equal(arrays[0][common], arrays[1][common], err_msg=field.name)
        for array in arrays:
            beyond = np.ones(array.shape, np.bool_)
            beyond[common] = False
            assert len(np.unique(array[beyond])) <= 1, f"{field.name}: depends on which episodes were drawn with it"


def names_and_places_are_there(subject: Subject) -> None:
    """Every part of a system can be imported; objectives have names of their own, one of which each scenario asks."""
    system = subject.system
    parts = [getattr(system, field.name) for field in fields(system)]
    for part in (*parts, *system.engines.values()):
        if isinstance(part, Reference):
            part.load()
    names = [objective.name for objective in system.objectives]
    assert len(set(names)) == len(names), names
    assert set(subject.scenario.objectives) <= set(names), subject.scenario.objectives
    assert subject.scenario.kind == system.name


def layout_is_consistent(subject: Subject) -> None:
    """Objectives are the first of the system's; columns have names of their own, and those of costs are there."""
    layout = subject.system.layout.load()(subject.scenario)
    count = len(layout.objectives)
    assert layout.objectives == subject.system.objectives[:count]
    assert len(layout.reward_low) == len(layout.reward_high) == count
    for names in (layout.option_columns, layout.context_columns):
        assert len(set(names)) == len(names), names
    assert layout.cost_columns is None or len(layout.cost_columns) == count
    assert set(layout.separable) <= {objective.name for objective in layout.objectives}
    assert layout.steps == subject.scenario.steps


def scenarios_are_written_and_read(subject: Subject) -> None:
    """What is written of a scenario, all values in it, reads back to an equal one."""
    assert parse_scenario(scenario_to_yaml(subject.scenario)) == subject.scenario


def episodes_depend_on_their_number_alone(subject: Subject) -> None:
    """Episode i of a seed is the same however many are asked for; seeds and streams differ."""
    draw, scenario = subject.system.draw.load(), subject.scenario
    several = draw(scenario, 3, 0, 4, Stream.EVALUATION)
    _assert_same_but_for_padding(several.select(slice(2, 3)), draw(scenario, 3, 2, 1, Stream.EVALUATION))
    _assert_same(several, draw(scenario, 3, 0, 4, Stream.EVALUATION))
    far = draw(scenario, 3, 62, 4, Stream.EVALUATION)  # across the end of a reel
    _assert_same_but_for_padding(far.select(slice(2, 4)), draw(scenario, 3, 64, 2, Stream.EVALUATION))
    for other in (draw(scenario, 4, 0, 4, Stream.EVALUATION), draw(scenario, 3, 0, 4, Stream.TRAINING)):
        assert any(
            getattr(several, field.name).shape != getattr(other, field.name).shape
            or (getattr(several, field.name) != getattr(other, field.name)).any()
            for field in fields(several)
        ), "another seed or stream gave the same episodes"


def tapes_are_stored_and_shared_safely(subject: Subject) -> None:
    """A tape is read as it was written; whoever writes to one that was drawn fails, or changes a copy of its own."""
    draw, scenario = subject.system.draw.load(), subject.scenario
    tapes = draw(scenario, 5, 0, 2, Stream.EVALUATION)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape.npz"
        tapes.save(path)
        _assert_same(type(tapes).load(path), tapes)
    for field in fields(tapes):
        values = getattr(tapes, field.name)
        if values.flags.writeable:
            values[...] = np.ones((), values.dtype)
    fresh, again = draw(scenario, 5, 0, 2, Stream.EVALUATION), draw(scenario, 5, 0, 1, Stream.EVALUATION)
    _assert_same(fresh.select(slice(0, 1)), again)
    if not any(getattr(tapes, field.name).flags.writeable for field in fields(tapes)):
        _assert_same(tapes, fresh)
