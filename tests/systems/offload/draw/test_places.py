"""Where users and servers are: distances follow positions at the step of the dispatch."""

from pathlib import Path

import numpy as np
import pytest

from mecsim.physics.dispatch import dispatched_tasks
from mecsim.scenario import with_context
from mecsim.systems.offload.draw.tapes import draw_tapes
from tests.one_system import offload_scenario

E6 = offload_scenario("gmorl-e6")


def test_users_who_stand_anywhere() -> None:
    """Distances between uniform places of the area; those to the cloud stay as they are without positions."""
    context = {"users.mobility.model": "fixed", "users.mobility.width": "2000 m", "users.mobility.height": "2000 m"}
    tapes, without = draw_tapes(with_context(E6, context), 0, 0, 512), draw_tapes(E6, 0, 0, 512)
    assert tapes.distance_m.shape == (512, 10, 7)
    assert tapes.distance_m[..., 1:].mean() == pytest.approx(2000.0 * 0.5214, rel=0.01)
    np.testing.assert_array_equal(tapes.distance_m[..., 0], without.distance_m[..., 0])


def test_distances_belong_to_a_plane() -> None:
    """All distances of an episode fit one map: four users and an edge cannot be anyhow (Cayley-Menger)."""
    tapes = draw_tapes(with_context(E6, {"users.mobility.model": "fixed"}), 0, 0, 64)
    squares = tapes.distance_m[:, :, 1:] ** 2
    centred = squares - squares.mean(axis=1, keepdims=True) - squares.mean(axis=2, keepdims=True)
    values = np.linalg.svd(centred + squares.mean(axis=(1, 2), keepdims=True), compute_uv=False)
    assert (values[:, 2] < 1e-9 * values[:, 0]).all()  # rank 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sites.csv").write_text("name,x_m,y_m\nA,0,0\nB,300,400\n")
    (tmp_path / "globe.csv").write_text("latitude,longitude\n52.0,13.0\n52.01,13.02\n")
    return tmp_path


def test_recorded_paths_to_given_sites(folder: Path) -> None:
    """One user walks east at 3 m/s from time 0; tasks every second are dispatched as they arrive."""
    (folder / "walks.csv").write_text("user,time_s,x_m,y_m\n0,0,0,400\n0,100,300,400\n")
    (folder / "tasks.csv").write_text("time_s,user,size_bit\n" + "".join(f"{k},0,1e6\n" for k in range(50)))
    context = {
        "users.count": "1", "users.mobility.model": "trace", "users.mobility.file": str(folder / "walks.csv"),
        "servers.edge.sites": str(folder / "sites.csv"), "tasks.trace.file": str(folder / "tasks.csv"),
        "episode.steps": "25",
    }  # fmt: skip
    tapes = draw_tapes(with_context(E6, context), 0, 0, 2)
    x_m = 3.0 * np.arange(50).reshape(2, 25)  # the second episode goes on where the first has ended
    np.testing.assert_allclose(tapes.distance_m[..., 1], np.hypot(x_m, 400.0), rtol=1e-12)
    np.testing.assert_allclose(tapes.distance_m[..., 2], 300.0 - x_m, rtol=1e-12)
    np.testing.assert_array_equal(tapes.link, np.broadcast_to(np.arange(25), (2, 25)))
    assert (np.ptp(tapes.distance_m[..., 0], axis=1) == 0.0).all()  # the cloud has no place


def test_positions_hold_for_the_dispatch_and_not_the_arrival(folder: Path) -> None:
    (folder / "walks.csv").write_text("user,time_s,x_m,y_m\n0,0,0,0\n0,100,100,0\n")
    (folder / "tasks.csv").write_text("time_s,user,size_bit\n" + "0,0,1e6\n" * 5)
    context = {
        "users.count": "1", "users.mobility.model": "trace", "users.mobility.file": str(folder / "walks.csv"),
        "servers.edge.sites": str(folder / "sites.csv"), "tasks.trace.file": str(folder / "tasks.csv"),
    }  # fmt: skip
    tapes = draw_tapes(with_context(E6, context), 0, 0, 1)
    np.testing.assert_allclose(tapes.distance_m[0, :, 1], [0, 1, 2, 3, 4], atol=1e-12)


def test_recorded_paths_alone_begin_with_the_episode(folder: Path) -> None:
    (folder / "walks.csv").write_text("user,time_s,x_m,y_m\n0,1.7e9,0,0\n0,1700001000,1000,0\n")
    context = {
        "users.count": "1", "users.arrival_rate": "0.5 /s", "users.mobility.model": "trace",
        "users.mobility.file": str(folder / "walks.csv"), "servers.edge.sites": str(folder / "sites.csv"),
    }  # fmt: skip
    tapes = draw_tapes(with_context(E6, context), 0, 0, 8)
    taken = dispatched_tasks("fifo", tapes.arrivals, tapes.decision_s, tapes.priority, tapes.deadline_s)
    for n, step in np.argwhere(taken >= 0):
        assert tapes.distance_m[n, taken[n, step], 1] == pytest.approx(step, abs=1e-6)


def test_degrees_lie_around_the_middle_of_the_area(folder: Path) -> None:
    """Sites and paths are projected about the same origin: a user at a site is at distance 0 from it."""
    rows = ["user,time_s,latitude,longitude", "0,0,52.0,13.0", "1,0,52.01,13.02"]
    (folder / "walks.csv").write_text("\n".join(rows))
    context = {
        "users.count": "2", "users.mobility.model": "trace", "users.mobility.file": str(folder / "walks.csv"),
        "servers.edge.sites": str(folder / "globe.csv"),
    }  # fmt: skip
    tapes = draw_tapes(with_context(E6, context), 0, 0, 1)
    apart_m = np.hypot(0.01 * 111_195.08, 0.02 * 111_195.08 * np.cos(np.radians(52.005)))
    for user, expected in ((0, [0.0, apart_m]), (1, [apart_m, 0.0])):
        distances = tapes.distance_m[0, tapes.user[0] == user, 1:]
        np.testing.assert_allclose(distances, np.broadcast_to(expected, distances.shape), rtol=1e-6, atol=1e-6)
    fixed = {**context, "users.mobility.model": "fixed", "users.mobility.file": "null"}
    spread = draw_tapes(with_context(E6, fixed), 0, 0, 512).distance_m[..., 1:]
    from_middle_m = 0.5 * apart_m
    # E|user − site|² = half the sites' distance² + the area's (width² + height²)/12
    assert (spread**2).mean() == pytest.approx(from_middle_m**2 + 2e6 / 12.0, rel=0.02)


def test_fewer_edges_than_sites_are_a_random_choice(folder: Path) -> None:
    (folder / "many.csv").write_text("x_m,y_m\n" + "".join(f"{1000 * k},0\n" for k in range(5)))
    (folder / "walks.csv").write_text("user,time_s,x_m,y_m\n0,0,0,0\n")
    context = {
        "users.count": "1", "users.mobility.model": "trace", "users.mobility.file": str(folder / "walks.csv"),
        "servers.edge.sites": str(folder / "many.csv"),
    }  # fmt: skip
    some = draw_tapes(with_context(E6, {**context, "edges": "[1, 3]"}), 0, 0, 300)
    chosen = some.distance_m[:, 0, 1:] / 1000.0
    shares = np.zeros(5)
    for n, servers in enumerate(some.num_servers):
        sites = chosen[n, : servers - 1].round(9).astype(int)
        assert len(set(sites.tolist())) == servers - 1
        shares[sites] += 1.0 / (servers - 1) / 300
    np.testing.assert_allclose(shares, 0.2, atol=0.06)
    all_sites = draw_tapes(with_context(E6, context), 0, 0, 2).distance_m[:, 0, 1:]
    np.testing.assert_allclose(all_sites, [[0, 1000, 2000, 3000, 4000]] * 2)


def test_walkers_keep_their_speed() -> None:
    """Between two dispatches nobody gets nearer or farther than the speed allows, and over time they do move."""
    context = {"users.mobility.model": "waypoint", "users.mobility.speed": "2 m/s", "users.count": "1"}
    scenario = with_context(E6, {**context, "users.arrival_rate": "0.9 /s"})
    tapes = draw_tapes(scenario, 0, 0, 32)
    taken = dispatched_tasks("fifo", tapes.arrivals, tapes.decision_s, tapes.priority, tapes.deadline_s)
    for n in range(32):
        steps = np.flatnonzero(taken[n] >= 0)
        moved_m = np.abs(np.diff(tapes.distance_m[n, taken[n, steps], 1:], axis=0))
        assert (moved_m <= 2.0 * np.diff(steps)[:, None] + 1e-9).all()
        assert moved_m.sum() > 10.0
