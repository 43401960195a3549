"""Random scenarios with whatever is optional, and random actions in them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import (
    OffloadSpec,
    offload_spec,
)
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.systems.offload.offloading import (
    ENGINES,
    Played,
    bunched,
    optional_scenarios,
    play,
    random_actions,
)
from tests.systems.offload.oracles import (
    cpu_hz,
    curve_w,
    waiting_tasks,
)

EPISODES = 2


@dataclass(frozen=True, repr=False)
class Case:
    """Two episodes of a random scenario with random options, and random actions."""

    scenario: OffloadScenario
    tapes: OffloadTapes
    actions: NDArray[np.int64]  # (T, N)
    engine: str
    seed: int

    def __repr__(self) -> str:
        return f"Case({self.engine}, seed {self.seed}, {self.scenario!r})"

    @property
    def spec(self) -> OffloadSpec:
        return offload_spec(self.scenario)

    def play(self) -> Played:
        return play(self.engine, self.scenario, self.tapes, self.actions)

    def records_after(self, actions: NDArray[np.int64]) -> OffloadRecords:
        """What becomes of the tasks that these actions dispatched, if nothing came after them."""
        engine = ENGINES[self.engine](self.scenario)
        engine.begin(self.tapes)
        for action in actions:
            engine.step(action)
        return engine.records()

    def counted(self, n: int) -> tuple[int, int]:
        """The tasks of an episode that misses are a share of, and those of them that wait in vain until its end."""
        waiting = waiting_tasks(self.scenario, self.tapes, n)
        end_s = self.tapes.decision_s[n, -1]
        left = [task.arrival_s + self.tapes.deadline_s[n, task.index] for task in waiting[-1]]
        expired = sum(bool(deadline_s < end_s) for deadline_s in left)
        return sum(bool(queue) for queue in waiting[:-1]) + expired, expired

    def idle_j(self, n: int) -> float:
        """What the servers of an episode take in a step if they do nothing."""
        if self.scenario.energy.model == "dynamic":
            return 0.0
        servers = range(self.tapes.num_servers[n])
        return sum(curve_w(self.scenario, e)[0] for e in servers) * self.scenario.episode.step_s


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scenario = draw(optional_scenarios())
    seed = draw(st.integers(0, 2**32))
    engine = draw(st.sampled_from(sorted(ENGINES)))
    tapes = draw_tapes(scenario, seed, 0, EPISODES)
    if scenario.per_task and draw(st.booleans()):
        tapes = bunched(scenario, tapes)
    return Case(scenario, tapes, random_actions(tapes, seed, draw(st.sampled_from([0.6, 0.0, 1.0]))), engine, seed)


def each_server(case: Case, records: OffloadRecords) -> Iterator[tuple[int, int, NDArray[np.bool_], float]]:
    """Episode, server or device, which steps sent a task there, and its speed in Hz."""
    for n in range(EPISODES):
        for server in np.unique(records.server[n, records.dispatched[n]]).tolist():
            here = records.dispatched[n] & (records.server[n] == server)
            yield n, server, here, cpu_hz(case.scenario, case.tapes, n, server)
