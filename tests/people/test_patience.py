"""How users of offloading differ in what delays satisfy them."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.people.patience import draw_patience
from mecsim.physics.delay_satisfaction import DelaySatisfaction


def drawn(satisfaction: DelaySatisfaction, seed: int = 0) -> np.ndarray:
    return draw_patience(satisfaction, 400, 50, np.random.default_rng(seed))


def test_zones_move_by_a_log_normal_factor_and_keep_their_width() -> None:
    found = drawn(DelaySatisfaction(adequate_s=30.0, desired_s=6.0, spread=0.8))
    assert found.shape == (400, 50, 2)
    assert_allclose(found[..., 0] / found[..., 1], 5.0)
    logarithm = np.log(found[..., 0] / 30.0)
    assert abs(logarithm.mean()) < 0.03
    assert abs(logarithm.std() - 0.8) < 0.02


def test_without_spread_all_are_typical() -> None:
    found = drawn(DelaySatisfaction(adequate_s=30.0, desired_s=6.0, spread=0.0))
    assert_array_equal(found, np.broadcast_to([30.0, 6.0], found.shape))
    alike = DelaySatisfaction(form="logistic", centre_s=3.0, steepness_per_s=2.0, delay_spread="log-normal", spread=0.0)
    assert_array_equal(drawn(alike), np.broadcast_to([3.0, 2.0], found.shape))


def test_measured_people_have_the_quantiles_of_the_study() -> None:
    found = drawn(DelaySatisfaction(form="logistic", centre_s=0.55, steepness_per_s=1.72))
    shares = [0.1, 0.25, 0.5, 0.75, 0.9]
    assert_allclose(np.quantile(found[..., 0], shares), [0.27, 0.39, 0.55, 1.24, 3.95], rtol=0.1)
    assert_allclose(np.quantile(found[..., 1], shares), [0.31, 0.96, 1.72, 3.43, 4.43], rtol=0.1)
    logarithm = np.log(found).reshape(-1, 2).T
    assert np.corrcoef(logarithm)[0, 1] < -0.6  # who waits long rates it down slowly


def test_the_same_generator_gives_the_same_users() -> None:
    satisfaction = DelaySatisfaction()
    assert_array_equal(drawn(satisfaction), drawn(satisfaction))
    assert (drawn(satisfaction) != drawn(satisfaction, seed=1)).all()
