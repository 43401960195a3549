"""What an episode of offloading looks like: uploads and executions, queues, power, and where everybody is."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mecsim.core.seeds import Stream, reel_size
from mecsim.core.timeline import (
    MOST_BARS,
    MOST_DOTS,
    MOST_LANES,
    MOST_LINES,
    Bars,
    Dots,
    Group,
    Lines,
    Part,
    Timeline,
    bins_s,
    fullest,
    mean_active,
    merged,
)
from mecsim.systems.offload.draw.places import positions_m
from mecsim.systems.offload.draw.reel import Reel
from mecsim.systems.offload.draw.servers import draw_servers
from mecsim.systems.offload.draw.tasks import draw_tasks
from mecsim.systems.offload.layout import ENERGY, layout_of
from mecsim.systems.offload.quantities import recorded_objectives
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

Array = NDArray[np.float64]

PLACES_OF_USER = 40  # along the path of one who moves


def timeline(records: OffloadRecords, tapes: OffloadTapes, scenario: OffloadScenario, row: int, seed: int) -> Timeline:
    """The episode in a row of records and tapes, which is the first of the evaluation stream of `seed`."""
    seen = _Episode(records, tapes, scenario, row)
    parts: list[Part] = [seen.gantt(), seen.waiting(), seen.on_servers(), seen.power()]
    return Timeline(float(seen.edges_s[-1]), (*parts, *_map(scenario, seed, int(tapes.num_servers[row]))))


@dataclass(frozen=True)
class _Episode:
    """The tasks of one episode in the order of their dispatch, (I,)."""

    records: OffloadRecords
    tapes: OffloadTapes
    scenario: OffloadScenario
    row: int

    def of(self, name: str) -> NDArray[np.float64]:
        """A column of the records."""
        return np.asarray(getattr(self.records, name)[self.row][self.records.dispatched[self.row]])

    @cached_property
    def lane(self) -> NDArray[np.int64]:
        """The option that each task took: a server, or its user's device."""
        return np.minimum(self.of("server").astype(np.int64), self.scenario.max_servers)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the options."""
        return tuple(name.replace("_", " ") for name in layout_of(self.scenario).option_names)

    @cached_property
    def edges_s(self) -> Array:
        """Bins from the beginning until the last task is finished, or the episode is over."""
        episode_s = float(self.tapes.decision_s[self.row, -1])
        return bins_s(max(episode_s, self.of("result_s").max(initial=0.0)))

    def shown(self, most: int) -> NDArray[np.int64]:
        """The options that most tasks took."""
        return fullest(np.bincount(self.lane, minlength=len(self.names)), most)

    def gantt(self) -> Bars:
        """Upload and execution of each task, by server."""
        shown = self.shown(MOST_LANES)
        row = np.full(len(self.names), -1)
        row[shown] = np.arange(len(shown))
        task = np.flatnonzero(row[self.lane] >= 0)
        title = "Uploads and executions" if 2 * len(task) <= MOST_BARS else f"The first {MOST_BARS // 2} tasks"
        task = task[: MOST_BARS // 2]
        dispatch_s, upload_s, finish_s = (self.of(name)[task] for name in ("dispatch_s", "upload_end_s", "finish_s"))
        uploads = upload_s > dispatch_s
        return Bars(
            title,
            tuple(self.names[index] for index in shown),
            ("upload", "execution"),
            np.concatenate([row[self.lane[task]][uploads], row[self.lane[task]]]),
            np.repeat([0, 1], [uploads.sum(), len(task)]),
            np.concatenate([dispatch_s[uploads], upload_s]),
            np.concatenate([upload_s[uploads], finish_s]),
        )

    def waiting(self) -> Lines:
        """The dispatch queue after each dispatch, until the last step."""
        decision_s, dispatched = self.tapes.decision_s[self.row], self.records.dispatched[self.row]
        length = np.cumsum(self.tapes.arrivals[self.row]) - np.cumsum(dispatched)
        edges_s = bins_s(float(decision_s[-1]), len(length))
        values = mean_active(decision_s[:-1], decision_s[1:], edges_s, length.astype(np.float64))
        return Lines("Tasks that wait for their dispatch", "tasks", ("dispatch queue",), edges_s, values[None])

    def on_servers(self) -> Lines:
        """Tasks on their way to a server and on it."""
        shown, dispatch_s, finish_s = self.shown(MOST_LINES), self.of("dispatch_s"), self.of("finish_s")
        values = [mean_active(dispatch_s[on], finish_s[on], self.edges_s) for on in self.lane == shown[:, None]]
        names = tuple(self.names[index] for index in shown)
        title = "Tasks on servers, uploads included"
        return Lines(title, "tasks", names, self.edges_s, np.reshape(values, (len(shown), len(self.edges_s) - 1)))

    def power(self) -> Lines:
        """What radios and processors draw, and idle servers where these count; it adds up to the episode's energy.

        A processor draws the mean of its working time whenever it works: with the dynamic model, what it really does.
        """
        dispatch_s, upload_s, finish_s = (self.of(name) for name in ("dispatch_s", "upload_end_s", "finish_s"))
        sent_w, received_w = self.scenario.channel.tx_power_w, self.scenario.channel.rx_power_w
        back_s = self.of("result_s")
        execution_j = self.of("energy_j") - sent_w * (upload_s - dispatch_s) - received_w * (back_s - finish_s)
        radios_w = mean_active(dispatch_s, upload_s, self.edges_s, sent_w)
        radios_w += mean_active(finish_s, back_s, self.edges_s, received_w)
        processors_w, processor = np.zeros(len(self.edges_s) - 1), self.of("server")
        for one in np.unique(processor):
            own = processor == one
            start_s, end_s = merged(upload_s[own], finish_s[own])
            mean_w = execution_j[own].sum() / (end_s - start_s).sum()
            processors_w += mean_active(start_s, end_s, self.edges_s, mean_w)
        lines = {"radios": radios_w, "processors": processors_w}
        if self.scenario.energy.model == "power-curve":
            all_j = recorded_objectives(self.records, self.tapes, self.scenario)[self.row, ENERGY]
            idle_j = all_j - self.of("energy_j").sum()
            episode_s = self.tapes.decision_s[self.row, -1:]
            lines["idle servers"] = mean_active(np.zeros(1), episode_s, self.edges_s, idle_j / episode_s)
        return Lines("Power", "W", tuple(lines), self.edges_s, np.stack(list(lines.values())))


def _map(scenario: OffloadScenario, seed: int, servers: int) -> list[Dots]:
    """Where the edges and the users of the first episode are, if anybody has a place."""
    reel = Reel(scenario, seed, Stream.EVALUATION, 0, reel_size(scenario.tape_byte))
    _, cpu_hz = draw_servers(reel)
    tasks = draw_tasks(reel, cpu_hz)
    until_s = tasks.moments.decision_s[0, -1] if scenario.users_move else 0.0
    times_s = np.linspace(0.0, until_s, PLACES_OF_USER if scenario.users_move else 1)
    found = positions_m(reel, tasks, 0, times_s)
    if found is None:
        return []
    sites_m, users_m = found
    users_m = users_m[: MOST_DOTS // (10 if scenario.users_move else 1)]
    clouds = scenario.servers.cloud.count
    sites_m, names = sites_m[: servers - clouds], layout_of(scenario).option_names[clouds:servers]
    users = tuple(f"user {index}" for index in range(len(users_m)))
    groups = [
        Group.at("edges", sites_m, tuple(name.replace("_", " ") for name in names)),
        Group.at("users", users_m[:, 0], users),
    ]
    if scenario.users_move:
        apart = np.pad(users_m, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan).reshape(-1, 2)
        groups.append(Group.at("paths of users", apart, joined=True))
    return [Dots("Map", "east (m)", "north (m)", tuple(groups), map=True)]
