"""One id, one person: a learnt predictor is asked for those whom its log had, and refuses others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mecsim.errors import InputError
from mecsim.people.dataset import write_dataset
from mecsim.people.known import read_people, true_people, write_people
from mecsim.people.people import draw_people_of
from mecsim.people.population import Population
from mecsim.people.satisfaction import Satisfaction
from mecsim.predictor import fit as predictor_fit
from mecsim.predictor.fit import fit_predictor
from mecsim.predictor.predictor import Predictor
from mecsim.predictor.read import read_log
from mecsim.scenario import parse_scenario
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.users import numbers_in_log, unknown_users
from tests.one_system import draw_cells

POPULATION, SATISFACTION = Population(), Satisfaction()
NAMES = ("zoe", "ann", "bob", "cy", "dan", "eve", "flo", "gus")

MakeScenario = Callable[[str], CellsScenario]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of the people of seed 5, called by names that sort otherwise, and one of those of seed 6, by number."""
    folder = tmp_path_factory.mktemp("own")
    people = true_people(draw_people_of(POPULATION, SATISFACTION, len(NAMES), 5), POPULATION)
    write_people(folder / "people.csv", people | {"user": list(NAMES)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictor_fit, "TREES", 10)
        for name, users in (("named", read_people(str(folder / "people.csv"))), ("numbered", 8)):
            write_dataset(folder / f"{name}.csv", POPULATION, SATISFACTION, users=users, days=6, seed=6, levels=5)
            log = read_log(folder / f"{name}.csv")
            fit_predictor(log, np.random.default_rng(0), 1).save(folder / f"{name}.safetensors")
    return folder


@pytest.fixture
def scenario_of(folder: Path) -> MakeScenario:
    def made(text: str) -> CellsScenario:
        scenario = parse_scenario(f"mecsim: 1\nkind: cells\nepisode: {{requests: 30}}\n{text}", folder=folder)
        assert isinstance(scenario, CellsScenario)
        return scenario

    return made


def test_users_are_asked_for_by_their_ids(folder: Path, scenario_of: MakeScenario) -> None:
    scenario = scenario_of("users: {from: people.csv}\nsatisfaction: {predictor: named.safetensors}")
    numbers = numbers_in_log(scenario)
    assert numbers is not None
    predictor = Predictor.load(folder / "named.safetensors")
    assert [predictor.users.ids[number] for number in numbers] == list(NAMES)
    assert numbers[0] == 7  # zoe is the last by name
    tapes = draw_cells(scenario, 0, 0, 4)
    forgotten = replace(predictor.users, ids=tuple("nobody" if one == "ann" else one for one in predictor.users.ids))
    replace(predictor, users=forgotten).save(folder / "without.safetensors")
    other = draw_cells(
        scenario_of("users: {from: people.csv}\nsatisfaction: {predictor: without.safetensors}"), 0, 0, 4
    )
    ann = tapes.user == NAMES.index("ann")
    assert ann.any()
    assert (tapes.predicted != other.predicted)[ann].any(axis=1).all()
    np.testing.assert_array_equal(tapes.predicted[~ann], other.predicted[~ann])


def test_people_of_a_seed_are_known_by_number(scenario_of: MakeScenario) -> None:
    scenario = scenario_of("users: {count: 9, seed: 6}\nsatisfaction: {predictor: numbered.safetensors}")
    numbers = numbers_in_log(scenario)
    assert numbers is not None
    assert numbers.tolist() == [*range(8), -1]
    assert unknown_users(scenario) == 1
    assert scenario.check_needs() == []
    assert scenario.remarks() == ["1 of 9 users are unknown to the predictor: taken for strangers"]


@pytest.mark.parametrize("predictor", ["oracle", "typical"])
def test_without_a_file_nobody_is_asked_for(scenario_of: MakeScenario, predictor: str) -> None:
    scenario = scenario_of(f"users: {{count: 9}}\nsatisfaction: {{predictor: {predictor}}}")
    assert numbers_in_log(scenario) is None
    assert (scenario.check_needs(), scenario.remarks()) == ([], [])


@pytest.mark.parametrize(
    ("users", "predictor", "part"),
    [
        ("count: 8", "numbered", "knows none of the users, who are new people in each episode; name those of its log"),
        ("count: 8, seed: 6", "named", "knows none of the 8 users by their ids; name those of its log with users.from"),
        ("count: 8, seed: 9", "numbered", "of the 8 users as people of another persona: these are not the people of"),
        ("from: people.csv", "numbered", "knows none of the 8 users by their ids"),
    ],
)
def test_other_people_are_refused(scenario_of: MakeScenario, users: str, predictor: str, part: str) -> None:
    """Before, user 7 of the log stood for user 7 of the simulation, whoever that was."""
    scenario = scenario_of(f"users: {{{users}}}\nsatisfaction: {{predictor: {predictor}.safetensors}}")
    [(key, found)] = scenario.check_needs()
    assert key == "satisfaction.predictor"
    with pytest.raises(InputError) as caught:
        draw_cells(scenario, 0, 0, 1)
    assert part in str(caught.value) == found
    assert len(found.splitlines()) == 1


def test_a_predictor_that_is_fitted_again_is_read_again(folder: Path, scenario_of: MakeScenario) -> None:
    scenario = scenario_of("users: {from: people.csv}\nsatisfaction: {predictor: other.safetensors}")
    predictor = Predictor.load(folder / "named.safetensors")
    predictor.save(folder / "other.safetensors")
    assert unknown_users(scenario) == 0
    users = replace(predictor.users, ids=("ann", "bob", *"cdefgh"))
    replace(predictor, users=users).save(folder / "other.safetensors")
    assert unknown_users(scenario) == 6
