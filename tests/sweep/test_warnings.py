"""What is said of results that tell less than they seem to."""

import numpy as np
import pytest

from mecsim.policies import Calibration
from mecsim.scenario import parse_scenario
from mecsim.sweep import Front, beyond_reference, concerns, foreseen
from tests.one_system import parse_offload

HEAD = "mecsim: 1\nkind: offload\nepisode: {steps: 50}\nservers: {edge: {count: 2}}\n"


@pytest.mark.parametrize("rate", ["0.05", "0.1"])
def test_a_queue_that_keeps_up_is_no_concern(rate: str) -> None:
    """Ten users send a task a step at most: what waits at the end is a matter of chance."""
    assert foreseen(parse_offload(HEAD + f"users: {{arrival_rate: {rate} /s}}\n"), 0) == []


def test_an_overloaded_queue_is_told_with_its_share() -> None:
    (line,) = foreseen(parse_offload(HEAD + "users: {arrival_rate: 0.4 /s}\n"), 0)
    share, _, rest = line.partition("%")
    assert int(share) == pytest.approx(75, abs=2)  # four tasks a step arrive, and one is dispatched
    assert "an episode) are never dispatched" in rest
    assert "lower users.arrival_rate or episode.step" in rest


def test_energy_of_idle_servers_is_told_with_its_share() -> None:
    curves = "energy: {model: power-curve, cloud_power: [300 W, 301 W], edge_power: [100 W, 101 W]}\n"
    (line,) = foreseen(parse_offload(HEAD + curves), 0)
    assert "25,000 of 25,119 J" in line  # (300 + 2·100) W over 50 s
    assert "policies differ in the other 0." in line
    assert foreseen(parse_offload(HEAD + curves.replace("300 W,", "0 W,").replace("100 W,", "0 W,")), 0) == []


def test_quantities_decide() -> None:
    scenario = parse_offload(HEAD)
    found = {"tasks": np.full(3, 50.0), "tasks_left_in_queue": np.array([0.0, 2.0, 4.0])}
    assert concerns(found, scenario) == []
    assert len(concerns(found | {"tasks_left_in_queue": np.full(3, 30.0)}, scenario)) == 1


def test_a_system_without_concerns_has_none() -> None:
    assert foreseen(parse_scenario("mecsim: 1\nkind: cells\nepisode: {requests: 5}\n"), 0) == []


def test_points_beyond_the_reference_are_counted() -> None:
    calibration = Calibration(np.ones(2), np.array([10.0, 10.0]), "given")
    grid = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])

    def front(name: str, *points: tuple[float, float]) -> Front:
        return Front(name, grid, np.array(points)[:, None, :])

    within, some = front("within", (1, 9), (2, 2), (9, 1)), front("some", (1, 10), (2, 2), (9, 1))
    every = front("every", (1, 11), (12, 2), (11, 11))
    assert beyond_reference([within, some, every], calibration) == [
        "some: 1 of 3 points lie beyond the reference point of the hypervolume and add nothing to it",
        "every: 3 of 3 points lie beyond the reference point of the hypervolume and add nothing to it, so it is 0",
    ]
