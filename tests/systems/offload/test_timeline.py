"""What an episode of offloading looks like adds up to what its records and its tape tell."""

import numpy as np
import pytest
from hypothesis import given, settings

from mecsim.core.seeds import Stream, reel_size
from mecsim.core.timeline import Bars, Dots, Lines, Timeline
from mecsim.physics.dispatch import dispatched_tasks
from mecsim.scenario import with_context
from mecsim.systems.offload.draw.places import positions_m
from mecsim.systems.offload.draw.reel import Reel
from mecsim.systems.offload.draw.servers import draw_servers
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.draw.tasks import draw_tasks
from mecsim.systems.offload.layout import ENERGY
from mecsim.systems.offload.quantities import recorded_objectives
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.timeline import timeline
from tests.one_system import offload_scenario
from tests.systems.offload.option_cases import Case, cases

E6 = offload_scenario("gmorl-e6")


def lines_of(shown: Timeline, title: str) -> Lines:
    [found] = [part for part in shown.parts if part.title == title]
    assert isinstance(found, Lines)
    return found


def integral(lines: Lines) -> float:
    return float((lines.values.sum(axis=0) * np.diff(lines.edges_s)).sum())


@settings(max_examples=40, deadline=None)
@given(cases())
def test_power_adds_up_to_energy_and_tasks_to_delays(case: Case) -> None:
    records = case.play().records
    for row in range(len(case.tapes)):
        shown = timeline(records, case.tapes, case.scenario, row, case.seed)
        energy_j = recorded_objectives(records, case.tapes, case.scenario)[row, ENERGY]
        assert integral(lines_of(shown, "Power")) == pytest.approx(energy_j, rel=1e-6, abs=1e-9)
        dispatched = records.dispatched[row]
        there_s = (records.finish_s - records.dispatch_s)[row][dispatched].sum()
        assert integral(lines_of(shown, "Tasks on servers, uploads included")) == pytest.approx(there_s, rel=1e-6)
        queue = lines_of(shown, "Tasks that wait for their dispatch").values[0]
        left = case.tapes.arrivals[row].sum() - dispatched.sum()
        assert queue[-1] == pytest.approx(left, abs=1e-6)
        bars = shown.parts[0]
        assert isinstance(bars, Bars)
        assert (bars.kind == 1).sum() == dispatched.sum()
        assert (bars.end_s >= bars.start_s).all()


@pytest.mark.parametrize("mobility", ["fixed", "waypoint"])
def test_places_are_those_that_the_tape_was_drawn_with(mobility: str) -> None:
    scenario = with_context(E6, {"users.mobility.model": mobility})
    assert isinstance(scenario, OffloadScenario)
    tapes, episode = draw_tapes(scenario, 3, 0, 2), 1
    reel = Reel(scenario, 3, Stream.EVALUATION, 0, reel_size(scenario.tape_byte))
    tasks = draw_tasks(reel, draw_servers(reel)[1])
    order = dispatched_tasks("fifo", tapes.arrivals, tapes.decision_s, tapes.priority, tapes.deadline_s)[episode]
    step = np.flatnonzero(order >= 0)
    found = positions_m(reel, tasks, episode, np.multiply(step, scenario.episode.step_s, dtype=np.float64))
    assert found is not None
    sites_m, users_m = found
    task = order[step]
    place_m = users_m[tapes.user[episode, task], np.arange(len(step))]
    expected_m = tapes.distance_m[episode, tapes.link[episode, task], scenario.servers.cloud.count :]
    distance_m = np.linalg.norm(place_m[:, None] - sites_m, axis=2)
    np.testing.assert_allclose(distance_m, expected_m, rtol=1e-9)


def test_a_map_where_there_are_places() -> None:
    def parts_of(scenario: OffloadScenario) -> Timeline:
        case = Case(scenario, draw_tapes(scenario, 0, 0, 1), np.zeros((scenario.steps, 1), np.int64), "batched", 0)
        return timeline(case.play().records, case.tapes, scenario, 0, 0)

    assert not any(isinstance(part, Dots) for part in parts_of(E6).parts)
    for mobility, groups in (("fixed", 2), ("waypoint", 3)):
        walking = with_context(E6, {"users.mobility.model": mobility})
        assert isinstance(walking, OffloadScenario)
        shown = parts_of(walking).parts[-1]
        assert isinstance(shown, Dots)
        assert len(shown.groups) == groups
        assert shown.groups[0].words == tuple(f"edge 0{index}" for index in range(1, 7))
        assert len(shown.groups[1].x) == walking.users.count
