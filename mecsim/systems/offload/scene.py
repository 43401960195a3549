"""What there is to see of offloading at a moment: the queue, the servers with their work, and where everybody is."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scene import Bar, Bars, Drawn, Scene, Spots, fullest
from mecsim.core.seeds import reel_size
from mecsim.systems.offload.draw.places import positions_m
from mecsim.systems.offload.draw.reel import Reel
from mecsim.systems.offload.draw.servers import draw_servers
from mecsim.systems.offload.draw.tasks import draw_tasks
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.layout import TO_MBIT
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

Array = NDArray[np.float64]


def scene(episodes: OffloadEpisodes, tapes: OffloadTapes, drawn: Drawn | None) -> Scene:
    """The decision at hand of the first episode; without a map where it is not known which episode it is."""
    scenario, step = episodes.scenario, episodes.step_index
    now_s = float(tapes.decision_s[0, step])
    records = episodes.engine.fork().records()
    waiting = _waiting(records, tapes, scenario, step)
    head = waiting[0] if waiting and step < episodes.steps else None
    size_mbit = tapes.size_bit[0] * TO_MBIT
    told = f"{now_s:g} s"
    if head is not None:
        told += f"; to dispatch: {size_mbit[head]:.3g} Mbit of user {tapes.user[0, head]}"
    first = [] if head is None else [head]
    amounts = tuple(float(size_mbit[tasks].sum()) for tasks in (first, waiting[len(first) :]))
    queue = Bar("queue", amounts, f"tasks: {len(waiting)}")
    panels = (
        Bars("Dispatch queue", "Mbit", ("next", "behind it"), (queue,)),
        _servers(episodes, tapes, records, now_s),
    )
    if drawn is None or not scenario.users.mobility.law.HAS_PLACES:
        return Scene(told, panels)
    sites_m, users_m = _places(scenario, drawn)
    edges = int(tapes.num_servers[0]) - scenario.servers.cloud.count
    places_m = users_m[:, min(step, users_m.shape[1] - 1)]
    names = tuple(_shown(name) for name in episodes.layout.option_names[scenario.servers.cloud.count :][:edges])
    spots = [Spots("edges", sites_m[:edges], names), Spots("users", places_m)]
    if head is not None:
        spots.append(Spots("user of the next task", places_m[tapes.user[0, head]][None]))
    everywhere = np.concatenate([sites_m[:edges], users_m.reshape(-1, 2)])
    (west, south), (east, north) = everywhere.min(axis=0).tolist(), everywhere.max(axis=0).tolist()
    return Scene(told, panels, tuple(spots), (west, east, south, north))


def _waiting(records: OffloadRecords, tapes: OffloadTapes, scenario: OffloadScenario, step: int) -> list[int]:
    """The tasks in the dispatch queue, by their position in the order of arrival, the next one first."""
    arrived = int(tapes.arrivals[0, : step + 1].sum())
    gone = set(records.task[0, :step].tolist())
    tasks = [task for task in range(arrived) if task not in gone]
    arrival_s = np.repeat(tapes.decision_s[0, :-1], tapes.arrivals[0])
    urgency = {
        "fifo": np.zeros(arrived),
        "priority": tapes.priority[0].astype(np.float64),
        "edf": arrival_s + tapes.deadline_s[0, : len(arrival_s)],
    }[scenario.dispatch.queue]
    return sorted(tasks, key=lambda task: (urgency[task], task))


def _servers(episodes: OffloadEpisodes, tapes: OffloadTapes, records: OffloadRecords, now_s: float) -> Bars:
    """How long each server needs for what is on it and on its way."""
    backlog_s = episodes.engine.backlog_s()[0]
    on_way = records.dispatched[0] & (records.upload_end_s[0] > now_s)
    there = records.dispatched[0] & ~on_way & (records.finish_s[0] > now_s)
    bars = []
    for server in range(int(tapes.num_servers[0])):
        sent, works = on_way & (records.server[0] == server), there & (records.server[0] == server)
        coming_s = float(records.cycles[0][sent].sum() / tapes.cpu_hz[0, server])
        name = _shown(episodes.layout.option_names[server])
        note = f"{works.sum()} executing, {sent.sum()} uploading"
        bars.append(Bar(name, (max(0.0, float(backlog_s[server]) - coming_s), coming_s), note))
    if episodes.spec.device:
        on_devices = there & (records.server[0] >= episodes.spec.max_servers)
        device_s = float(backlog_s[int(tapes.num_servers[0])])
        bars.append(Bar("device", (device_s, 0.0), f"of this user; {on_devices.sum()} executing on all devices"))
    title, shown = fullest(bars, "Work left")
    return Bars(title, "s", ("executing", "uploading"), shown)


def _shown(name: str) -> str:
    return name.replace("_", " ")


@lru_cache(maxsize=2)
def _places(scenario: OffloadScenario, drawn: Drawn) -> tuple[Array, Array]:
    """Where the edges stand, (E, 2), and the users at each step, (U, T, 2)."""
    size = reel_size(scenario.tape_byte)
    reel = Reel(scenario, drawn.seed, drawn.stream, drawn.number // size, size)
    _, cpu_hz = draw_servers(reel)
    tasks, row = draw_tasks(reel, cpu_hz), drawn.number % size
    times_s = tasks.moments.decision_s[row, : scenario.steps if scenario.users_move else 1]
    found = positions_m(reel, tasks, row, times_s)
    assert found is not None  # asked for only where users have places
    return found
