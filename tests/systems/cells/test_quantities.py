"""What a simulation of cells is reported by, against values by hand."""

import numpy as np
import pytest

from mecsim.systems.cells.quantities import jain_index


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
