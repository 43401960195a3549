"""The draws of a reel that concern places: how far users are from servers, and how far they have come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.mobility.paths import Paths, recorded_paths, uniform_places_m
from mecsim.systems.offload.area import plane_m
from mecsim.systems.offload.draw.reel import Phenomenon, Reel
from mecsim.systems.offload.draw.tasks import Dispatches, DrawnTasks
from mecsim.systems.offload.edges import edges_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Places:
    """Distances of links whose K rows are users, or tasks at the step of their dispatch."""

    distance_m: Array  # (N, K, A) on the ground
    travelled_m: Array | None  # (N, M) by the task's user until its dispatch; None where nobody moves


def draw_places(reel: Reel, tasks: DrawnTasks, dispatches: Dispatches) -> Places:
    """The distances of a reel.

    Those to the cloud, and where nobody has a position all of them, are drawn from the servers' ranges.
    """
    scenario = reel.scenario
    cloud, users = scenario.servers.cloud, scenario.users.count
    rng = reel.generator(Phenomenon.POSITIONS)
    cloud_m = rng.uniform(cloud.distance_m.low, cloud.distance_m.high, (reel.size, users, cloud.count))
    per_task = np.arange(reel.size)[:, None], tasks.user
    if not scenario.users.mobility.law.HAS_PLACES:
        low_m, high_m = np.array([edge.distance_m for edge in edges_of(scenario)]).T
        edge_m = rng.uniform(low_m, high_m, (reel.size, users, len(low_m)))
        distance_m = np.concatenate([cloud_m, edge_m], axis=2)
        return Places(distance_m[per_task] if scenario.link_per_task else distance_m, None)
    sites_m = _draw_sites_m(reel)
    if not scenario.users_move:
        users_m = _draw_paths(reel, 0.0).place_m.reshape(reel.size, users, 2)
        distance_m = np.concatenate([cloud_m, _distances_m(users_m, sites_m)], axis=2)
        return Places(distance_m[per_task] if scenario.link_per_task else distance_m, None)
    tasks_m, travelled_m = _follow_users(reel, tasks, dispatches)
    return Places(np.concatenate([cloud_m[per_task], _distances_m(tasks_m, sites_m)], axis=2), travelled_m)


def positions_m(reel: Reel, tasks: DrawnTasks, episode: int, time_s: Array) -> tuple[Array, Array] | None:
    """Where an episode's edges stand, (E, 2), and its users at some times, (U, P, 2); None where nobody has a place."""
    if not reel.scenario.users.mobility.law.HAS_PLACES:
        return None
    users, times = reel.scenario.users.count, len(time_s)
    paths, first, start_s = _walks(reel, tasks)
    path = first[episode] + np.repeat(np.arange(users), times)
    place_m, _ = paths.at(path, start_s[episode] + np.tile(time_s, users))
    return _draw_sites_m(reel)[episode], place_m.reshape(users, times, 2)


def _follow_users(reel: Reel, tasks: DrawnTasks, dispatches: Dispatches) -> tuple[Array, Array]:
    """Where users are when their tasks are dispatched, (N, M, 2), and how far they have come by then, (N, M)."""
    paths, first, start_s = _walks(reel, tasks)
    time_s = start_s[:, None] + dispatches.time_s
    place_m, travelled_m = paths.at((tasks.user + first[:, None]).reshape(-1), time_s.reshape(-1))
    return place_m.reshape(*tasks.user.shape, 2), travelled_m.reshape(tasks.user.shape)


def _walks(reel: Reel, tasks: DrawnTasks) -> tuple[Paths, NDArray[np.int64], Array]:
    """Paths, and which of them is that of each episode's first user, (N,), and its time as the episode begins, (N,)."""
    trace, users = reel.scenario.mobility_trace, reel.scenario.users.count
    if trace is None:
        paths = _draw_paths(reel, float(tasks.moments.decision_s.max()))
        return paths, users * np.arange(reel.size), np.zeros(reel.size)
    # Recorded tasks and positions have one clock; alone, positions begin with the episode.
    start_s = np.full(reel.size, trace.time_s.min()) if tasks.start_s is None else tasks.start_s
    paths = recorded_paths(trace.user, trace.time_s, plane_m(reel.scenario, trace.positions), users)
    return paths, np.zeros(reel.size, np.int64), start_s


def _draw_paths(reel: Reel, until_s: float) -> Paths:
    """The path of each user of each episode up to a time, N·U of them."""
    scenario, rng = reel.scenario, reel.generator(Phenomenon.PLACES)
    walkers = reel.size * scenario.users.count
    return scenario.users.mobility.law.draw_paths(rng, walkers, until_s, scenario.users.mobility.area_m)


def _draw_sites_m(reel: Reel) -> Array:
    """Where the edges stand, (N, E, 2): on the given sites in their order, or anywhere.

    Episodes with fewer edges than sites have a random choice of the sites. Rows of absent edges have no meaning.
    """
    sites, edges, rng = reel.scenario.sites, reel.scenario.servers.edge_count, reel.generator(Phenomenon.SITES)
    if sites is None:
        return uniform_places_m(rng, (reel.size, edges.high), reel.scenario.users.mobility.area_m)
    sites_m = plane_m(reel.scenario, sites)
    if edges.low == edges.high == len(sites_m):
        return np.broadcast_to(sites_m, (reel.size, *sites_m.shape))
    return sites_m[[rng.permutation(len(sites_m))[: edges.high] for _ in range(reel.size)]]


def _distances_m(places_m: Array, sites_m: Array) -> Array:
    """Distances of places, (N, K, 2), to sites, (N, E, 2): (N, K, E)."""
    x_m = places_m[:, :, None, 0] - sites_m[:, None, :, 0]
    y_m = places_m[:, :, None, 1] - sites_m[:, None, :, 1]
    return np.hypot(x_m, y_m)
