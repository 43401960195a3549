"""The draws of a reel that concern processors: how many servers there are, and how fast everything computes."""

import numpy as np
from numpy.typing import NDArray

from mecsim.systems.offload.draw.reel import Phenomenon, Reel
from mecsim.systems.offload.edges import edges_of


def draw_servers(reel: Reel) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The number of servers, (N,), and their CPU frequencies in Hz, (N, A)."""
    scenario, rng = reel.scenario, reel.generator(Phenomenon.SERVERS)
    cloud, count = scenario.servers.cloud, scenario.servers.edge_count
    edges = rng.integers(count.low, count.high, size=reel.size, endpoint=True)
    num_servers = cloud.count + edges
    cloud_hz = rng.uniform(cloud.cpu_hz.low, cloud.cpu_hz.high, (reel.size, cloud.count))
    low_hz, high_hz = np.array([edge.cpu_hz for edge in edges_of(scenario)]).T
    edge_hz = rng.uniform(low_hz, high_hz, (reel.size, count.high))
    present = np.arange(scenario.max_servers) < num_servers[:, None]
    return num_servers, np.where(present, np.concatenate([cloud_hz, edge_hz], axis=1), 0.0)


def draw_devices_hz(reel: Reel) -> NDArray[np.float64]:
    """CPU frequencies of the users' devices in Hz, (N, U), or (N, 0) without them."""
    device = reel.scenario.servers.device
    if device is None:
        return np.zeros((reel.size, 0))
    rng = reel.generator(Phenomenon.DEVICES)
    return rng.uniform(device.cpu_hz.low, device.cpu_hz.high, (reel.size, reel.scenario.users.count))
