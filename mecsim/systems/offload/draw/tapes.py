"""Episodes of offloading, drawn reel by reel."""

from collections.abc import Hashable
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.seeds import Stream, reel_size, reels_of
from mecsim.errors import InputError
from mecsim.people.patience import draw_patience
from mecsim.physics.channel.cqi import rate_bit_per_s
from mecsim.systems.offload.draw.links import draw_snr, link_rows, links_of
from mecsim.systems.offload.draw.places import draw_places
from mecsim.systems.offload.draw.reel import Phenomenon, Reel
from mecsim.systems.offload.draw.servers import draw_devices_hz, draw_servers
from mecsim.systems.offload.draw.tasks import dispatches_of, draw_tasks
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes


def draw_tapes(
    scenario: OffloadScenario, seed: int, first: int, count: int, stream: Stream = Stream.EVALUATION
) -> OffloadTapes:
    """Episodes `first` .. `first + count − 1` of a seed."""
    reels, within = reels_of(first, count, reel_size(scenario.tape_byte))
    return _joined([_draw_reel(scenario, scenario.data, seed, stream, reel) for reel in reels]).select(within)


def _joined(reels: list[OffloadTapes]) -> OffloadTapes:
    """All episodes of some reels. One reel may have more room for tasks than another."""
    if len(reels) == 1:
        return reels[0]
    columns = {}
    for field in fields(OffloadTapes):
        arrays = [getattr(reel, field.name) for reel in reels]
        if arrays[0].ndim > 1:
            width = max(array.shape[1] for array in arrays)
            arrays = [_widened(array, width) for array in arrays]
        columns[field.name] = np.concatenate(arrays)
    return OffloadTapes(**columns)


def _widened(array: NDArray[Any], width: int) -> NDArray[Any]:
    """An array with more columns, for tasks that do not exist: zeros, or repeated links, which stay usable."""
    missing = [(0, 0), (0, width - array.shape[1]), (0, 0)][: array.ndim]
    return np.pad(array, missing, "edge" if array.ndim > 2 and array.shape[1] else "constant")


@lru_cache(maxsize=2)  # a single environment asks for one episode of a reel after the other
def _draw_reel(scenario: OffloadScenario, _: Hashable, seed: int, stream: Stream, number: int) -> OffloadTapes:
    """A reel; the second argument are the scenario's data from outside, so that changed files count as changed."""
    reel = Reel(scenario, seed, stream, number, reel_size(scenario.tape_byte))
    num_servers, cpu_hz = draw_servers(reel)
    tasks = draw_tasks(reel, cpu_hz)
    dispatches = dispatches_of(reel, tasks)
    places = draw_places(reel, tasks, dispatches)
    present = (cpu_hz > 0.0)[:, None, :]
    with np.errstate(all="ignore"):  # what comes of it is checked
        snr = np.where(present, draw_snr(reel, links_of(reel, tasks, dispatches, places)), 0.0)
        rate = rate_bit_per_s(snr, scenario.channel.bandwidth_hz, scenario.channel.adaptation)
    tapes = OffloadTapes(
        num_servers=num_servers,
        cpu_hz=cpu_hz,
        decision_s=tasks.moments.decision_s,
        arrivals=tasks.moments.arrivals,
        user=tasks.user,
        size_bit=tasks.size_bit,
        deadline_s=tasks.deadline_s,
        priority=tasks.priority,
        cycles_per_bit=tasks.cycles_per_bit,
        output_bit=tasks.output_bit,
        link=link_rows(reel, tasks),
        distance_m=np.where(present, places.distance_m, 0.0),
        snr=snr if scenario.channel.interference else np.zeros((reel.size, 0, 0)),
        rate_bit_per_s=rate,
        device_hz=draw_devices_hz(reel),
        patience=_draw_patience(reel),
    )
    if not tapes._links_usable(cpu_hz > 0.0):
        raise InputError("links without a finite rate above 0: the channel's path loss or distances are too extreme")
    for field in fields(tapes):  # reels are shared by all who ask for them
        getattr(tapes, field.name).setflags(write=False)
    return tapes


def _draw_patience(reel: Reel) -> NDArray[np.float64]:
    """What rates the delays of each user, (N, U, 2); (N, 0, 2) where delays are not rated."""
    satisfaction, users = reel.scenario.satisfaction, reel.scenario.users.count
    if satisfaction is None:
        return np.zeros((reel.size, 0, 2))
    return draw_patience(satisfaction, reel.size, users, reel.generator(Phenomenon.PATIENCE))
