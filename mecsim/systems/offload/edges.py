"""The edges of a scenario one by one, however it tells of them: by ranges, by a file of sites, or by their names."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.energy import power_curves_w
from mecsim.schema.units import Uniform
from mecsim.systems.offload.network import Price
from mecsim.systems.offload.scenario import OffloadScenario

Curve = str | tuple[float, ...]


@dataclass(frozen=True)
class EdgeServer:
    """An edge; ranges are drawn from."""

    name: str
    cpu_hz: Uniform
    distance_m: Uniform  # to a user, where users have no places
    power_w: Curve
    price: Price


def edges_of(scenario: OffloadScenario) -> list[EdgeServer]:
    """All edges that there can be, E of them, in their order."""
    servers, default_w = scenario.servers, scenario.energy.edge_power_w
    if servers.edges:
        return [
            EdgeServer(
                name, edge.cpu_hz, edge.distance_m, default_w if edge.power_w is None else edge.power_w, edge.price
            )
            for name, edge in servers.edges.items()
        ]
    edge, sites = servers.edge, scenario.own_sites
    names = (sites.names if sites else None) or [f"edge_{index + 1:02d}" for index in range(edge.count.high)]
    speeds = [edge.cpu_hz] * edge.count.high
    if sites and sites.cpu_hz is not None:
        speeds = [Uniform(cpu_hz, cpu_hz) for cpu_hz in sites.cpu_hz.tolist()]
    curves: list[Curve] = [default_w] * edge.count.high
    if sites and sites.power_w is not None:
        curves = [tuple(power_w) for power_w in sites.power_w.tolist()]
    every = zip(names, speeds, curves, strict=True)
    return [EdgeServer(name, cpu_hz, edge.distance_m, power_w, edge.price) for name, cpu_hz, power_w in every]


def server_names(scenario: OffloadScenario) -> tuple[str, ...]:
    """A name for each server that there can be, A of them."""
    return ("cloud",) * scenario.servers.cloud.count + tuple(edge.name for edge in edges_of(scenario))


def prices_of(scenario: OffloadScenario) -> NDArray[np.float64]:
    """What each server asks for a cycle and for a bit, (A, 2), and after these (U more rows) each user's device."""
    servers = scenario.servers
    prices = [servers.cloud.price] * servers.cloud.count + [edge.price for edge in edges_of(scenario)]
    if servers.device is not None:
        prices += [servers.device.price] * scenario.users.count
    return 1e-9 * np.array([(price.per_gigacycle, price.per_gigabit) for price in prices])


@dataclass(frozen=True)
class ServerPowers:
    """What the servers of a scenario draw: A of them, and P points of the longest of their R different curves."""

    power_w: NDArray[np.float64]  # (R, P), see `power_curves_w`
    points: NDArray[np.int64]  # (R,)
    row: NDArray[np.int64]  # (A,) of each server

    def idle_w(self, num_servers: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the first `num_servers`, (N,), of the servers draw together if they do nothing, (N,)."""
        count = np.cumsum(self.row[:, None] == np.arange(len(self.points)), axis=0)[num_servers - 1]
        return np.asarray((count * self.power_w[:, 0]).sum(axis=1))


def server_powers(scenario: OffloadScenario) -> ServerPowers:
    """By the power curves of cloud and edges, whether or not the scenario's energy follows them."""
    clouds: list[Curve] = [scenario.energy.cloud_power_w] * scenario.servers.cloud.count
    curves = [*clouds, *(edge.power_w for edge in edges_of(scenario))]
    rows = {curve: row for row, curve in enumerate(dict.fromkeys(curves))}
    power_w, points = power_curves_w(list(rows))
    return ServerPowers(power_w, points, np.array([rows[curve] for curve in curves]))
