"""What a simulation of cells is reported by, against values by hand."""

import numpy as np
import pytest

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.policies.policy import Actions, Preferences
from mecsim.systems.cells.quantities import episode_quantities, jain_index
from tests.one_system import play_cells
from tests.systems.cells.cells import fitting, hand_made


def test_quantities_of_two_cells_by_hand() -> None:
    """Three requests at two cells of 4 blocks, each alone for its 10 s: one is served low, one high, one rejected."""
    tapes = hand_made([0.0, 20.0, 40.0], [10.0, 10.0, 10.0], [[1, 4]] * 3)
    scenario = fitting(tapes, 4, cells=2)
    policy = Fixed([1, 2, 0])
    played = play_cells(policy, scenario, tapes, np.array([0.5, 0.5]))
    found = episode_quantities(played, tapes, scenario)
    assert found["satisfaction"].item() == pytest.approx((1.0 + 5.0 + 0.0) / 3.0)
    assert found["saved_resources"].item() == pytest.approx((30.0 + 0.0 + 40.0) / 120.0)
    assert found["served_share"].item() == pytest.approx(2.0 / 3.0)
    assert found["blocked_share"].item() == 0.0
    assert found["adequate_share"].item() == pytest.approx(1.0 / 3.0)
    until_s = played.records.end_s.max()
    assert found["utilisation"].item() == pytest.approx((10.0 + 40.0) / (until_s * 2 * 4))


class Fixed:
    """Takes these options, whatever it sees."""

    looks = False

    def __init__(self, options: list[int]) -> None:
        self.options = iter(options)

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The next one."""
        return np.array([next(self.options)])


def test_fairness_is_among_the_users_that_asked() -> None:
    """Mean ratings 4 and 2 of two users: (4 + 2)²/(2·(16 + 4)) = 0.9, however many others did not ask."""
    rating, user = np.array([[5.0, 3.0, 2.0]]), np.array([[0, 0, 7]])
    for users in (8, 100):
        assert jain_index(rating, user, users).item() == pytest.approx(0.9)


def test_fairness_at_its_ends() -> None:
    """1 where all are satisfied alike or nobody is, 1/n where one is; each episode by itself."""
    rating = np.array([[3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0], [1.0, 5.0, 0.0, 0.0]])
    user = np.array([[0, 1, 2, 2], [0, 1, 2, 2], [0, 1, 2, 3], [0, 0, 1, 1]])
    np.testing.assert_allclose(jain_index(rating, user, 4), [1.0, 1.0, 0.25, 0.5])
