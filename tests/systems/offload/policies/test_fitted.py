"""What holds for every policy that is fitted: valid actions, repeatable fits, nothing left behind."""

import logging
import random
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.policies import named_policy
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import OffloadPolicy
from tests.one_system import play_offload as play
from tests.systems.offload.fitted import SCENARIOS, SMALL, SMALL_BUDGETS, forget_fits

NAMES = [name for name in SMALL_BUDGETS if name != "maskable-ppo" or find_spec("sb3_contrib")]


class Checked:
    """Plays a policy and keeps what it did."""

    def __init__(self, policy: OffloadPolicy) -> None:
        self.policy = policy
        self.actions: list[tuple[NDArray[np.int8], NDArray[np.int64]]] = []

    def act(self, episodes: Any, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        action = self.policy.act(episodes, observation, preference)
        self.actions.append((observation["mask"], action))
        return action


def three_preferences(scenario: OffloadScenario, episodes: int) -> NDArray[np.float64]:
    """Rows of three different preferences in turn."""
    objectives = len(scenario.objectives)
    rows = [np.eye(objectives)[0], np.eye(objectives)[-1], np.full(objectives, 1.0 / objectives)]
    return np.stack([rows[n % 3] for n in range(episodes)])


def actions_of(
    policy: OffloadPolicy, scenario: OffloadScenario, preference: NDArray[np.float64], episodes: int = 9
) -> NDArray[np.int64]:
    checked = Checked(policy)
    play(checked, scenario, draw_tapes(scenario, 1, 0, episodes), preference)
    return np.stack([action for _, action in checked.actions])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_only_servers_that_exist_are_chosen(name: str, scenario: OffloadScenario) -> None:
    checked = Checked(SMALL_BUDGETS[name](scenario))
    tapes = draw_tapes(scenario, 1, 0, 24)
    play(checked, scenario, tapes, three_preferences(scenario, 24))
    assert len(checked.actions) == scenario.steps
    for mask, action in checked.actions:
        assert action.shape == (24,)
        assert action.dtype == np.int64
        assert mask[np.arange(24), action].all()


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_repeats_itself_and_leaves_global_generators_alone(name: str) -> None:
    preference = three_preferences(SMALL, 9)
    forget_fits()
    first = actions_of(SMALL_BUDGETS[name](SMALL), SMALL, preference)
    forget_fits()
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    again = actions_of(SMALL_BUDGETS[name](SMALL), SMALL, preference)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
    assert_array_equal(first, again)


@pytest.mark.parametrize("name", NAMES)
def test_a_preference_is_the_same_alone_and_among_others(name: str) -> None:
    policy = SMALL_BUDGETS[name](SMALL)
    preference = three_preferences(SMALL, 9)
    together = actions_of(policy, SMALL, preference)
    for row in range(3):
        alone = actions_of(policy, SMALL, np.tile(preference[row], (9, 1)))
        assert_array_equal(alone[:, row::3], together[:, row::3])


@pytest.mark.parametrize("name", NAMES)
def test_the_fit_is_remembered_and_its_progress_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    forget_fits()
    with caplog.at_level(logging.INFO, "mecsim.policies"):
        actions_of(SMALL_BUDGETS[name](SMALL), SMALL, np.array([0.5, 0.5]))
        said = [record.message for record in caplog.records]
        assert 1 <= len(said) <= 12
        assert said[-1].startswith(name)
        number, total = said[-1].split(": ")[1].split(" of ")
        assert number == total
        actions_of(SMALL_BUDGETS[name](SMALL), SMALL, np.array([0.5, 0.5]))
        assert len(caplog.records) == len(said)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_makes_the_policy_without_fitting_it(name: str) -> None:
    made = named_policy(name, SMALL)(0)
    assert type(made) is type(SMALL_BUDGETS[name](SMALL))


def test_the_names_alone_import_neither_torch_nor_pymoo() -> None:
    code = (
        "import mecsim; from mecsim.policies import named_policy; s = mecsim.load_scenario('quickstart')\n"
        "for name in ('linucb', 'annealing', 'nsga2', 'pareto-q'): named_policy(name, s)(0)\n"
        "import sys; print([m for m in ('torch', 'stable_baselines3', 'pymoo') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
