"""Degrees to metres against great-circle distances."""

import numpy as np
import pytest

from mecsim.physics.geography import EARTH_RADIUS_M, middle, to_plane_m


def great_circle_m(one: np.ndarray, other: np.ndarray) -> float:
    """By the haversine formula, for (longitude, latitude) in degrees."""
    (a_lon, a_lat), (b_lon, b_lat) = np.radians(one), np.radians(other)
    half = np.sin((b_lat - a_lat) / 2) ** 2 + np.cos(a_lat) * np.cos(b_lat) * np.sin((b_lon - a_lon) / 2) ** 2
    return float(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half)))


def test_a_degree_of_latitude_and_of_longitude() -> None:
    east, north = to_plane_m(np.array([[14.0, 60.0], [13.0, 61.0]]), np.array([13.0, 60.0]))
    np.testing.assert_allclose(east, [111_195.08 / 2, 0.0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(north, [0.0, 111_195.08], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("latitude", [-37.8, 0.0, 31.2, 52.5, 64.1])
def test_distances_within_a_city(latitude: float) -> None:
    """Within 10 km of the origin the error is at most that of the meridians' convergence: 0.2 % at 52°."""
    rng = np.random.default_rng(5)
    places = np.array([121.5, latitude]) + rng.uniform(-0.09, 0.09, (50, 2)) / [np.cos(np.radians(latitude)), 1.0]
    plane_m = to_plane_m(places, middle(places))
    bound = 1e-5 + np.radians(0.09) * np.tan(np.radians(abs(latitude)))
    for i in range(1, 50):
        exact_m = great_circle_m(places[0], places[i])
        assert np.hypot(*(plane_m[i] - plane_m[0])) == pytest.approx(exact_m, rel=bound)


def test_the_middle_is_that_of_the_bounding_box() -> None:
    np.testing.assert_array_equal(middle(np.array([[0.0, 1.0], [1.0, 5.0], [4.0, 2.0]])), [2.0, 3.0])
