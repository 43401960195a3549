"""Edges one by one: by their names in a scenario, or by a table of sites. Both say the same, and engines agree."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mecsim.errors import ScenarioError
from mecsim.scenario import parse_scenario, scenario_to_yaml, with_context
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.edges import edges_of, server_names, server_powers
from mecsim.systems.offload.layout import CPU_GHZ, layout_of
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import offload_scenario, parse_offload
from tests.systems.offload.offloading import assert_same_play, play, random_actions

Write = Callable[[str], Path]

HEAD = (
    "mecsim: 1\nkind: offload\nepisode: {steps: 30}\n"
    "users: {count: 4, arrival_rate: 0.3 /s, mobility: {model: waypoint, width: 500 m, height: 400 m}}\n"
    "energy: {model: power-curve}\ntasks: {size: {mean: 5 Mbit}}\n"
)
NAMED = HEAD + (
    "servers:\n  cloud: {count: 0}\n  edges:\n"
    "    library: {cpu: 1.5 GHz, at: [120, 80] m, power: [20 W, 45 W]}\n"
    "    gate: {cpu: 3 GHz, at: [400, -31.5] m, power: [30 W, 90 W]}\n"
    "    lab: {cpu: 2 GHz, at: [40, 300] m, power: [20 W, 45 W]}\n"
)
TABLE = "name,x_m,y_m,cpu_ghz,idle_w,full_w\nlibrary,120,80,1.5,20,45\ngate,400,-31.5,3,30,90\nlab,40,300,2,20,45\n"
SITED = HEAD + "servers: {cloud: {count: 0}, edge: {sites: sites.csv}}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes sites.csv; gives its folder."""

    def write(text: str) -> Path:
        (tmp_path / "sites.csv").write_text(text)
        return tmp_path

    return write


def sited(folder: Path, text: str = SITED) -> OffloadScenario:
    scenario = parse_scenario(text, "f.yaml", folder)
    assert isinstance(scenario, OffloadScenario)
    return scenario


def problems(text: str, folder: Path | str = "") -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "f.yaml", folder)
    return caught.value.problems


def test_names_and_table_say_the_same(write: Write) -> None:
    named, table = parse_offload(NAMED), sited(write(TABLE))
    assert edges_of(named) == edges_of(table)
    assert server_names(named) == layout_of(named).option_names == ("library", "gate", "lab")
    one, other = (draw_tapes(scenario, 3, 0, 4) for scenario in (named, table))
    for name in ("cpu_hz", "distance_m", "rate_bit_per_s", "size_bit"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.cpu_hz == [1.5e9, 3e9, 2e9]).all()


def test_engines_agree_and_observations_tell_each_speed(write: Write) -> None:
    scenario = sited(write(TABLE))
    tapes = draw_tapes(scenario, 0, 0, 3)
    actions = random_actions(tapes, 1)
    simpy, batched = (play(name, scenario, tapes, actions) for name in ("simpy", "batched"))
    assert_same_play(simpy, batched)
    assert_allclose(batched.options[..., CPU_GHZ], np.broadcast_to([1.5, 3.0, 2.0], batched.options.shape[:3]))


def test_curves_are_stored_once_and_idle_power_is_that_of_each() -> None:
    powers = server_powers(parse_offload(NAMED))
    assert powers.row.tolist() == [0, 1, 0]
    assert powers.power_w.tolist() == [[20.0, 45.0], [30.0, 90.0]]
    assert powers.idle_w(np.array([3, 1])).tolist() == [70.0, 20.0]


def test_ranges_are_drawn_per_edge() -> None:
    scenario = parse_offload(NAMED.replace("cpu: 1.5 GHz", "cpu: [1, 2] GHz"))
    cpu_hz = draw_tapes(scenario, 0, 0, 64).cpu_hz
    assert (cpu_hz[:, 1:] == [3e9, 2e9]).all()
    assert 1e9 <= cpu_hz[:, 0].min() < 1.2e9 < 1.8e9 < cpu_hz[:, 0].max() <= 2e9


def test_distances_are_drawn_per_edge_where_there_are_no_places() -> None:
    text = "mecsim: 1\nkind: offload\nservers: {edges: {near: {distance: 20 m}, far: {distance: [400, 500] m}}}\n"
    distance_m = draw_tapes(parse_offload(text), 0, 0, 8).distance_m
    assert (distance_m[..., 1] == 20.0).all()
    assert ((distance_m[..., 2] >= 400.0) & (distance_m[..., 2] <= 500.0)).all()


def test_a_scenario_comes_back_from_its_yaml() -> None:
    scenario = parse_offload(NAMED)
    again = parse_scenario(scenario_to_yaml(scenario))
    assert again == scenario
    assert hash(again) == hash(scenario)
    assert "edge:" not in scenario_to_yaml(scenario)


def test_context_takes_edges_as_a_whole() -> None:
    changed = with_context(offload_scenario("gmorl-e6"), {"servers.edges": "{one: {cpu: 1 GHz}, two: {}}"})
    assert server_names(changed) == ("cloud", "one", "two")
    with pytest.raises(ScenarioError, match=r"servers\.edge\.count: has no meaning here, expected servers\.edges: {}"):
        with_context(changed, {"edges": "3"})


@pytest.mark.parametrize(
    ("servers", "problem"),
    [
        ("edge: {cpu: 1 GHz}, edges: {a: {}}", "servers.edge.cpu: has no meaning here, expected servers.edges: {}"),
        (
            "edges: {a: {at: [0, 0] m}, b: {}}",
            "servers.edges.b.at: missing, expected a place for all edges or",
        ),
        ("edges: {cloud: {}}", "servers.edges.cloud: is taken, expected another name"),
        ("edges: {a: {cpu: 1 m}}", "servers.edges.a.cpu: expected a frequency such as '16.6 MHz', got '1 m'"),
        (
            "edges: {a: {at: 3 m}}",
            "servers.edges.a.at: expected a place such as [120, 80] m, east and north",
        ),
        ("edges: {a: {ghz: 1}}", "servers.edges.a.ghz: unknown key"),
        ("edges: {a: {distance: 9 m}}", "servers.edges.a.distance: has no meaning here, expected users.mobility.model"),
        ("edge: {distance: 9 m}", "servers.edge.distance: has no meaning here, expected users.mobility.model: none"),
    ],
)
def test_what_is_wrong_with_edges_is_told(servers: str, problem: str) -> None:
    found = problems(HEAD + f"servers: {{{servers}}}\n")
    assert len(found) == 1
    assert found[0].startswith(f"f.yaml:7: {problem}")


def test_powers_need_the_model_that_reads_them() -> None:
    text = NAMED.replace("energy: {model: power-curve}\n", "")
    assert [line.partition(": ")[2] for line in problems(text)] == [
        f"servers.edges.{name}.power: has no meaning here, expected energy.model: power-curve or the default"
        for name in ("library", "gate", "lab")
    ]


@pytest.mark.parametrize(
    ("table", "text", "problem"),
    [
        (TABLE.replace("gate", "lab"), SITED, "sites.csv:4: name: 'lab' is taken, expected a name of its own"),
        (TABLE.replace("gate", "cloud"), SITED, "sites.csv:3: name: 'cloud' is taken"),
        (TABLE.replace("gate", " "), SITED, "sites.csv:3: name: expected a name of 1 to 40 characters"),
        (TABLE.replace("30,90", "30,20"), SITED, "sites.csv:3: full_w lies below idle_w, expected at least that"),
        (TABLE.replace(",idle_w", ",y_m"), SITED, "sites.csv:1: column 'y_m' is there twice"),
        ("x_m,y_m,idle_w\n0,0,1\n", SITED, "sites.csv:1: one of idle_w and full_w, expected both or none"),
        (TABLE, SITED.replace("sites.csv}", "sites.csv, count: 2}"), "expected 3, an edge on each site, as the file"),
        (TABLE, SITED.replace("sites.csv}", "sites.csv, cpu: 1 GHz}"), "servers.edge.cpu: has no meaning here"),
        (TABLE, SITED.replace("power-curve}", "power-curve, edge_power: [1 W, 2 W]}"), "energy.edge_power: has no"),
        (TABLE, SITED.replace("energy: {model: power-curve}\n", ""), "idle_w and full_w have no meaning here"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(write: Write, table: str, text: str, problem: str) -> None:
    found = problems(text, write(table))
    assert len(found) == 1
    assert problem in found[0]


def test_names_of_sites_that_are_chosen_from_are_not_read(write: Write) -> None:
    folder = write("name,x_m,y_m\nsame,0,0\nsame,9,9\nsame,5,5\n")
    assert server_names(sited(folder, SITED.replace("sites.csv}", "sites.csv, count: 2}"))) == ("edge_01", "edge_02")
