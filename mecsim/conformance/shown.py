"""Checks of what a system shows of its episodes beyond their costs, as far as it shows anything."""

from typing import cast

import numpy as np
from numpy.testing import assert_allclose

from mecsim.conformance.subject import EPISODES, SEED, Subject
from mecsim.core.episodes import EngineName, Play
from mecsim.core.scenario import Scenario
from mecsim.core.scene import Drawn, Scene
from mecsim.core.seeds import Stream
from mecsim.core.tape import Tapes
from mecsim.core.timeline import Timeline
from mecsim.policies import named_policy, play


def _played(subject: Subject) -> Play[Scenario, Tapes, object]:
    even = np.full(len(subject.scenario.objectives), 1.0 / len(subject.scenario.objectives))
    engine = cast(EngineName, subject.engine)
    return play(named_policy("greedy", subject.scenario)(0), subject.scenario, subject.tapes, even, engine)


def units_are_told(subject: Subject) -> None:
    """What tasks or requests came to is told by the names that are declared, a row per episode."""
    system = subject.system
    if system.unit_values is None:
        assert not system.units, "units are declared without unit_values, which tells them"
        return
    found = system.unit_values.load()(_played(subject), subject.tapes, subject.scenario)
    assert set(found) <= set(system.units), f"unit_values tells {sorted(found)}, of which units names {[*system.units]}"
    for name, values in found.items():
        assert values.ndim == 2, f"{name}: expected (N, M)"
        assert len(values) == EPISODES, name


def shares_of_options_sum_to_one(subject: Subject) -> None:
    """What each option had is told by a number per option, `share` among them."""
    if subject.system.option_quantities is None:
        return
    found = subject.system.option_quantities.load()(_played(subject), subject.tapes, subject.scenario)
    options = len(subject.system.layout.load()(subject.scenario).option_names)
    assert "share" in found, f"option_quantities tells {sorted(found)} without share"
    for name, values in found.items():
        assert values.shape == (EPISODES, options), f"{name}: expected {(EPISODES, options)}, got {values.shape}"
    total = found["share"].sum(axis=1)
    assert_allclose(total[total > 0.0], 1.0, rtol=1e-9, err_msg="share")


def episodes_are_shown(subject: Subject) -> None:
    """A timeline holds something to see, and so does a scene, whether or not it is known which episode it is."""
    system = subject.system
    if system.timeline is not None:
        told = system.timeline.load()(_played(subject).records, subject.tapes, subject.scenario, 0, SEED)
        assert isinstance(told, Timeline), "timeline returns no Timeline"
        assert told.parts, "the timeline is empty"
        assert told.until_s >= 0.0
    if system.scene is not None:
        episodes, _ = subject.begun()
        for drawn in (None, Drawn(SEED, Stream.EVALUATION, 0)):
            seen = system.scene.load()(episodes, subject.tapes, drawn)
            assert isinstance(seen, Scene), "scene returns no Scene"
            assert seen.now.strip(), "the scene does not say what is now"
