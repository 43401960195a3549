"""The draws of a block that concern processors: how many servers there are, and how fast everything computes."""

import numpy as np
from numpy.typing import NDArray

from mecsim.engines.block import Block, Phenomenon


def draw_servers(block: Block) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The number of servers, (N,), and their CPU frequencies in Hz, (N, A)."""
    scenario, rng = block.scenario, block.generator(Phenomenon.SERVERS)
    cloud, edge = scenario.servers.cloud, scenario.servers.edge
    edges = rng.integers(edge.count.low, edge.count.high, size=block.size, endpoint=True)
    num_servers = cloud.count + edges
    cloud_hz = rng.uniform(cloud.cpu_hz.low, cloud.cpu_hz.high, (block.size, cloud.count))
    edge_hz = rng.uniform(edge.cpu_hz.low, edge.cpu_hz.high, (block.size, edge.count.high))
    present = np.arange(scenario.max_servers) < num_servers[:, None]
    return num_servers, np.where(present, np.concatenate([cloud_hz, edge_hz], axis=1), 0.0)


def draw_devices_hz(block: Block) -> NDArray[np.float64]:
    """CPU frequencies of the users' devices in Hz, (N, U), or (N, 0) without them."""
    device = block.scenario.servers.device
    if device is None:
        return np.zeros((block.size, 0))
    rng = block.generator(Phenomenon.DEVICES)
    return rng.uniform(device.cpu_hz.low, device.cpu_hz.high, (block.size, block.scenario.users.count))
