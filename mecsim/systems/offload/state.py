"""The state of many episodes in the batched engine, as arrays of records."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import read_only
from mecsim.core.target import Host, each
from mecsim.physics.contended_server import unsent_jobs
from mecsim.physics.processor_sharing import Desk, idle_servers, new_desk, unsent_tasks
from mecsim.systems.offload.edges import prices_of, server_powers
from mecsim.systems.offload.layout import OffloadSpec
from mecsim.systems.offload.misses import counted_of
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY, turns_of, upcoming_of

RecordArray = NDArray[Any]  # of the record type that a comment names

DISPATCH = np.dtype(
    [
        ("server", np.int64),
        ("delay_s", np.float64),
        ("energy_j", np.float64),
        ("execution_j", np.float64),
        ("price", np.float64),
    ]
)


class State(NamedTuple):
    """All episodes, as arrays of records. S counts the servers, then the users' devices."""

    num_servers: NDArray[np.int64]  # (N,)
    turns: RecordArray  # (N, T + 1) of TURN
    upcoming_bit: NDArray[np.float64]  # (N, T + 1, spec.upcoming), see `upcoming_of`
    servers: RecordArray  # (N, S) of SERVER
    tasks: RecordArray  # (N, T) of TASK, a slot per step: a step dispatches at most one task
    jobs: RecordArray  # (N, T) of JOB, used instead of tasks where servers are contended; else (N, 0)
    log: RecordArray  # (N, T) of DISPATCH, the same slots
    cpu_hz: NDArray[np.float64]  # (N, S)
    rate_bit_per_s: NDArray[np.float64]  # (N, K, A)
    snr: NDArray[np.float64]  # (N, K, A), or (N, 0, 0)
    power_w: NDArray[np.float64]  # (R, P) power curves
    power_points: NDArray[np.int64]  # (R,)
    power_row: NDArray[np.int64]  # (S,) the curve of each server; 0 of devices, which follow none
    idle_w: NDArray[np.float64]  # (N,) what all servers of an episode draw if they do nothing
    patience: NDArray[np.float64]  # (N, U, 2) as in `OffloadTapes`
    task_share: NDArray[np.float64]  # (N,) what a task counts in the mean over those that the episode dispatches
    miss_share: NDArray[np.float64]  # (N,) what a late task counts, see `misses`
    expired: NDArray[np.float64]  # (N,) misses of each step that no decision has an influence on, likewise
    price: NDArray[np.float64]  # (S, 2) of a cycle and of a bit
    desk: Desk  # of tasks
    work: RecordArray  # (N, T + 1) of JOB, or (N, 0)


WRITTEN = ("servers", "tasks", "jobs", "log", "desk", "work")
"""Fields of the state that steps write to."""


def initial_state(scenario: OffloadScenario, spec: OffloadSpec, tapes: OffloadTapes) -> State:
    """The episodes of `tapes` before their first step."""
    count, steps = tapes.arrivals.shape
    cpu_hz = tapes.server_hz
    powers, devices = server_powers(scenario), tapes.device_hz.shape[1]
    turns = turns_of(scenario, tapes)
    counted = counted_of(tapes, turns["task"][:, :-1])
    tasks = 0 if spec.contended else steps
    return State(
        num_servers=read_only(tapes.num_servers),
        turns=turns,
        upcoming_bit=upcoming_of(scenario, tapes, spec.upcoming),
        servers=idle_servers(cpu_hz / spec.cycles_per_bit),
        tasks=unsent_tasks(count, tasks),
        jobs=unsent_jobs(count, steps if spec.contended else 0),
        log=np.zeros((count, steps), DISPATCH),
        cpu_hz=read_only(cpu_hz),
        rate_bit_per_s=read_only(tapes.rate_bit_per_s),
        snr=read_only(tapes.snr),
        power_w=powers.power_w,
        power_points=powers.points,
        power_row=np.pad(powers.row, (0, devices)),
        idle_w=powers.idle_w(tapes.num_servers),
        patience=read_only(tapes.patience),
        miss_share=1.0 / np.maximum(1, counted.tasks),
        expired=counted.expired / (steps * np.maximum(1, counted.tasks)),
        price=read_only(prices_of(scenario)),
        task_share=1.0 / np.maximum(1, (turns["task"] != NOBODY).sum(axis=1)),
        desk=new_desk(count, tasks, cpu_hz.shape[1]),
        work=unsent_jobs(count, steps + 1 if spec.contended else 0),
    )


def spare_state(state: State) -> State:
    """A state of its own for the same episodes, to play what might be; its links have a row per step."""
    count, steps = state.log.shape
    links = (count, steps + 1, state.rate_bit_per_s.shape[2])
    return state._replace(
        **{name: each(Host().copy, getattr(state, name)) for name in WRITTEN},
        turns=state.turns.copy(),
        rate_bit_per_s=np.zeros(links),
        snr=np.zeros(links if state.snr.size else (count, 0, 0)),
    )
