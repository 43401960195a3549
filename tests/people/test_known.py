"""People of a file: what is read, what is refused, and how the users of cells are drawn from it."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from mecsim.errors import InputError, ScenarioError
from mecsim.people.known import read_people, true_people, write_people
from mecsim.people.people import People, draw_people_of
from mecsim.people.population import Population
from mecsim.people.satisfaction import Satisfaction
from mecsim.scenario import parse_scenario, scenario_to_yaml, with_context
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.users import people_of
from tests.one_system import draw_cells

HEAD = "mecsim: 1\nkind: cells\nepisode: {requests: 40}\n"
POPULATION = Population()
TRUE = draw_people_of(POPULATION, Satisfaction(), 8, 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_people(tmp_path / "people.csv", true_people(TRUE, POPULATION))
    return tmp_path


def scenario_of(folder: Path, users: str = "from: people.csv", more: str = "") -> CellsScenario:
    scenario = parse_scenario(f"{HEAD}users: {{{users}}}\n{more}", folder=folder)
    assert isinstance(scenario, CellsScenario)
    return scenario


def test_true_people_come_back(folder: Path) -> None:
    people = read_people(str(folder / "people.csv"))
    assert people.ids == tuple("01234567")
    found = people.people(POPULATION)
    for field in fields(People):
        np.testing.assert_allclose(getattr(found, field.name), getattr(TRUE, field.name), rtol=1e-12)


def test_a_scenario_of_them_is_that_of_their_seed(folder: Path) -> None:
    """The same people, whether a seed or a file tells of them, meet the same episodes."""
    of_file, of_seed = scenario_of(folder), scenario_of(folder, "count: 8, seed: 5")
    assert of_file.users.count == 8
    first, second = draw_cells(of_file, 3, 0, 4), draw_cells(of_seed, 3, 0, 4)
    np.testing.assert_array_equal(first.user, second.user)
    np.testing.assert_allclose(first.satisfaction, second.satisfaction, atol=1e-9)
    again = parse_scenario(scenario_to_yaml(of_file))
    assert again == of_file


def test_fewer_of_them(folder: Path) -> None:
    first = scenario_of(folder, "from: people.csv, count: 3")
    people = people_of(first, 2, np.random.default_rng(0))
    np.testing.assert_allclose(people.adequate, np.tile(TRUE.adequate[:3], 2), rtol=1e-12)


def test_uncertain_levels_are_drawn_for_each_episode(folder: Path) -> None:
    """With their deviations and correlation; whoever is certain stays as is."""
    columns = true_people(replace(TRUE, adequate=np.full(8, 0.2), desired=np.full(8, 0.7)), POPULATION)
    deviation = np.where(np.arange(8) == 0, 0.0, 0.05)
    columns |= {"adequate_deviation": deviation, "desired_deviation": 2 * deviation, "correlation": np.full(8, 0.6)}
    write_people(folder / "people.csv", columns)
    drawn = people_of(scenario_of(folder), 4000, np.random.default_rng(0))
    adequate, desired = drawn.adequate.reshape(-1, 8), drawn.desired.reshape(-1, 8)
    assert (adequate[:, 0] == 0.2).all()
    np.testing.assert_allclose(adequate[:, 1:].std(axis=0), 0.05, rtol=0.05)
    np.testing.assert_allclose(desired[:, 1:].std(axis=0), 0.1, rtol=0.05)
    np.testing.assert_allclose(desired.mean(axis=0), 0.7, atol=0.01)
    assert np.corrcoef(adequate[:, 3], desired[:, 3])[0, 1] == pytest.approx(0.6, abs=0.05)
    assert abs(np.corrcoef(adequate[:, 3], adequate[:, 4])[0, 1]) < 0.06


def test_a_changed_file_changes_episodes(folder: Path) -> None:
    scenario = scenario_of(folder)
    before = draw_cells(scenario, 0, 0, 1)
    write_people(folder / "people.csv", true_people(replace(TRUE, adequate=0.5 * TRUE.adequate), POPULATION))
    assert not np.array_equal(draw_cells(scenario, 0, 0, 1).satisfaction, before.satisfaction)
    write_people(folder / "people.csv", true_people(TRUE.select(np.arange(3)), POPULATION))
    with pytest.raises(InputError, match="3 people, expected 8 as before"):
        draw_cells(scenario, 0, 0, 1)


@pytest.mark.parametrize(
    ("users", "more", "part"),
    [
        ("from: people.csv, seed: 1", "", "users.seed: has no meaning here, expected no users.from or the default"),
        ("from: people.csv, count: 9", "", "users.count: expected at most as many as there are in"),
        ("from: people.csv", "satisfaction: {spread: 0.3}", "satisfaction.spread: has no meaning here"),
        ("from: people.csv", "population: {request_spread: 0.1}", "population.request_spread: has no meaning here"),
        ("from: people.csv", "population: {schedule_spread: 1 s}", "population.schedule_spread: has no meaning here"),
        ("from: people.csv", "population: {personas: {clerk: {}}}", "unknown persona '"),
        ("from: other.csv", "", "no such file, expected a table of people; mecsim fit LOG writes one"),
    ],
)
def test_what_does_not_go_with_them(folder: Path, users: str, more: str, part: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario_of(folder, users, more)
    assert len(caught.value.problems) == 1
    assert part in caught.value.problems[0]


def test_only_a_file_with_all_forms_goes_with_other_forms(folder: Path) -> None:
    power = "satisfaction: {form: power}"
    assert scenario_of(folder, more=power).users.count == 8
    columns = true_people(TRUE, POPULATION)
    del columns["exponent"]
    write_people(folder / "people.csv", columns)
    with pytest.raises(ScenarioError, match=r"satisfaction\.form: expected zone, the only one that"):
        scenario_of(folder, more=power)


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        ("user", "1", "user '1' has several rows, expected one: one id, one person"),
        ("requests_per_day", 0.0, "people.csv:2: requests_per_day: expected a number above 0, got 0"),
        ("desired", 0.01, "people.csv:2: desired: expected a position above the adequate, got 0.01"),
        ("adequate", 11.0, "people.csv:2: adequate: expected a position from -10 to 10, got 11"),
        ("exponent", -1.0, "people.csv:2: exponent: expected a number above 0, got -1"),
    ],
)
def test_people_that_cannot_be(folder: Path, column: str, value: object, part: str) -> None:
    columns = {name: list(values) for name, values in true_people(TRUE, POPULATION).items()}  # type: ignore[call-overload]
    columns[column][0] = value
    write_people(folder / "people.csv", columns)
    with pytest.raises(InputError) as caught:
        read_people(str(folder / "people.csv"))
    assert part in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_log_is_no_table_of_people(folder: Path) -> None:
    (folder / "log.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"is no table of people; mecsim fit LOG writes one"):
        read_people(str(folder / "log.parquet"))
    (folder / "log.csv").write_text("user,date\n1,2024-01-01\n")
    with pytest.raises(InputError, match="date: is no column of this table"):
        read_people(str(folder / "log.csv"))


def test_contexts_of_own_places(tmp_path: Path) -> None:
    """Own places, and shares of several in a schedule: as often as they say, with the activities of the place."""
    text = (
        f"{HEAD}population:\n  places: {{office: {{standing: 1}}, hall: {{walking: 1}}}}\n"
        "  personas: {clerk: {weekday: {0: {office: 0.25, hall: 0.75}}, shifts: {office: 0.1}}}\n"
    )
    scenario = parse_scenario(text)
    assert isinstance(scenario, CellsScenario)
    assert parse_scenario(scenario_to_yaml(scenario)) == scenario
    tapes = draw_cells(scenario, 0, 0, 60)
    names = np.array(scenario.population.place_names)[tapes.place]
    assert set(np.unique(names)) == {"office", "hall"}
    assert (names == "office").mean() == pytest.approx(0.25, abs=0.03)
    np.testing.assert_array_equal(tapes.activity[names == "office"], 2)
    assert (tapes.speed_m_per_s[names == "hall"] > 0.0).all()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("places: {home: {sitting: 1}}", "population.places.home: is the name of another context"),
        ("places: {office: {siting: 1}}", "population.places.office.siting: unknown activity, did you mean 'sitting'?"),
        ("places: {office: {sitting: 0.5}}", "population.places.office: expected shares that sum to 1"),
        ("places: {'an office': {sitting: 1}}", "population.places: expected a mapping from names of places"),
        ("places: {gym: {sitting: 1}}, personas: {a: {weekday: {8: gmy}}}", "unknown place 'gmy', did you mean 'gym'?"),
        ("personas: {a: {weekday: {8: {home: 0.5, wrk: 0.5}}}}", "unknown place 'wrk', did you mean 'work'?"),
        ("personas: {a: {weekday: {8: {home: 0.5}}}}", "weekday.8: expected shares that sum to 1, got a sum of 0.5"),
    ],
)
def test_places_that_cannot_be(text: str, part: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"{HEAD}population: {{{text}}}")
    assert len(caught.value.problems) == 1
    assert part in caught.value.problems[0]


def test_a_context_may_name_them(folder: Path) -> None:
    changed = with_context(parse_scenario(HEAD), {"users.from": str(folder / "people.csv"), "users.count": "5"})
    assert isinstance(changed, CellsScenario)
    assert changed.users.count == 5
    assert changed.known_people is not None
