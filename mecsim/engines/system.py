"""What every offloading engine shares: the fixed numbers of a scenario, the observation's layout, its records.

An observation is `options` (A, F), `mask` (A,) and `context` (G,): a row per server, of which the first
`num_servers` exist; rows of absent servers are −1. Units are chosen so that typical values are near one.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.compiled import compiled
from mecsim.engines.tape import Tapes
from mecsim.errors import InputError
from mecsim.scenario import Scenario

ABSENT = -1.0  # every entry of a row whose server does not exist in this episode

# Columns of an option's row, before the histogram.
SIZE_MBIT, RATE_MBIT_PER_S, CPU_GHZ, EXECUTING, UPLOADING, EDGES = range(6)
HISTOGRAM = 6  # its first column

TO_MBIT = 1e-6
TO_GHZ = 1e-9

# Entries of the context.
QUEUED_TASKS, QUEUED_MBIT, REMAINING = range(3)
CONTEXT_SIZE = 3

# Columns of costs and rewards inside the engines, whatever the scenario's objectives are.
DELAY, ENERGY = range(2)
OBJECTIVES = ("delay", "energy")
OBJECTIVE_UNITS = {"delay": "s", "energy": "J"}

_EDGE_SLACK = 1e-9  # see histogram_bin


class System(NamedTuple):
    """The numbers of a scenario that the dynamics need; a tuple, so that compiled code can take it."""

    steps: int
    step_s: float
    cycles_per_bit: float
    tx_power_w: float
    capacitance: float
    clouds: int
    bins: int
    bins_per_bit: float
    cost_features: bool


def system_of(scenario: Scenario) -> System:
    """The part of a scenario that an engine needs beside a tape."""
    return System(
        steps=scenario.episode.steps,
        step_s=scenario.episode.step_s,
        cycles_per_bit=scenario.tasks.cycles_per_bit,
        tx_power_w=scenario.channel.tx_power_w,
        capacitance=scenario.energy.capacitance,
        clouds=scenario.servers.cloud.count,
        bins=scenario.observation.histogram.bins,
        bins_per_bit=1.0 / scenario.observation.histogram.width_bit,
        cost_features=scenario.observation.cost_features,
    )


def option_width(system: System) -> int:
    """F: the number of columns of an option's row."""
    return HISTOGRAM + system.bins + (2 if system.cost_features else 0)


def cost_columns(system: System) -> tuple[int, int] | None:
    """Columns of an option's row with its immediate delay (s) and energy (J) cost, where the scenario shows them."""
    first = HISTOGRAM + system.bins
    return (first + DELAY, first + ENERGY) if system.cost_features else None


def checked_action(
    action: NDArray[np.int64], num_servers: NDArray[np.int64], step: int, steps: int
) -> NDArray[np.int64]:
    """The actions (N,) of a step, once they are known to be servers that exist.

    Raises:
        InputError: they are not, or the episodes are over.
    """
    if step >= steps:
        raise InputError("the episode is over: begin a new one")
    valid = np.ascontiguousarray(action, np.int64)
    if valid.shape != num_servers.shape:
        raise InputError(f"one action per episode is expected, {num_servers.shape}, got {valid.shape}")
    wrong = (valid < 0) | (valid >= num_servers)
    if wrong.any():
        n = int(wrong.argmax())
        raise InputError(f"action {valid[n]} names no server: episode {n} has {num_servers[n]}")
    return valid


@compiled
def histogram_bin(residual_bit: float, bins_per_bit: float, bins: int) -> int:
    """Bin of a residual execution size: bin i holds [i, i+1) widths, the last one everything above.

    Edges lie a billionth lower than that, so that a round size does not sit on an edge, where the last digit of
    a floating-point result would decide.
    """
    return min(int(residual_bit * bins_per_bit + _EDGE_SLACK), bins - 1)


@dataclass(frozen=True, slots=True)
class Observation:
    """Observations of N episodes. Engines write in place, in whatever floating-point type the arrays have."""

    options: NDArray[np.floating]  # (N, A, F)
    mask: NDArray[np.int8]  # (N, A)
    context: NDArray[np.floating]  # (N, G)


def empty_observation(
    system: System, episodes: int, servers: int, dtype: type[np.floating] = np.float32
) -> Observation:
    """Arrays for an engine to write into."""
    return Observation(
        options=np.empty((episodes, servers, option_width(system)), dtype),
        mask=np.empty((episodes, servers), np.int8),
        context=np.empty((episodes, CONTEXT_SIZE), dtype),
    )


@dataclass(frozen=True, slots=True)
class Records:
    """What happened to the tasks of N episodes, one slot per step. Absolute times within the episode.

    `task` is the position in the order of arrival, −1 where the step had nothing to dispatch; the other
    entries of such a slot are zero.
    """

    task: NDArray[np.int64]  # (N, T)
    user: NDArray[np.int64]
    size_bit: NDArray[np.float64]
    server: NDArray[np.int64]
    rate_bit_per_s: NDArray[np.float64]
    arrival_s: NDArray[np.float64]
    dispatch_s: NDArray[np.float64]
    upload_end_s: NDArray[np.float64]
    finish_s: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    reward_delay_s: NDArray[np.float64]

    @property
    def dispatched(self) -> NDArray[np.bool_]:
        """Whether the step dispatched a task, (N, T)."""
        return self.task >= 0

    @property
    def delay_s(self) -> NDArray[np.float64]:
        """T = T_off + T_exe of each task, (N, T). Waiting in the dispatch queue is `queued_s`."""
        return self.finish_s - self.dispatch_s

    @property
    def queued_s(self) -> NDArray[np.float64]:
        """Time from arrival to dispatch, (N, T)."""
        return self.dispatch_s - self.arrival_s


def empty_records(episodes: int, steps: int) -> Records:
    """Records of N episodes in which nothing has been dispatched."""
    columns = {field.name: np.zeros((episodes, steps)) for field in fields(Records)}
    integers = {name: np.zeros((episodes, steps), np.int64) for name in ("user", "server")}
    return Records(**{**columns, **integers, "task": np.full((episodes, steps), -1, np.int64)})  # type: ignore[arg-type]


class OffloadEngine(Protocol):
    """N episodes side by side, all at the same step.

    `begin`, then at each of T steps `observe` and `step`, then `records`. An engine owns no randomness.
    """

    def begin(self, tapes: Tapes) -> None:
        """Start the episodes of `tapes`: the first tasks have arrived, nothing is dispatched.

        Raises InputError for tapes of a scenario with other steps or servers.
        """

    def observe(self, out: Observation) -> None:
        """Write the observation of the current step."""

    def option_costs(self) -> NDArray[np.float64]:
        """Immediate delay (s) and energy (J) of each option for the task at the head of the queue, (N, A, 2).

        Zero where the queue is empty, infinite for servers that do not exist.
        """

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Dispatch the heads of the queues and go to the next step; (N, 2) costs in s and J, new at each call."""

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        """`step`, then `observe`; an engine may do both at once."""

    def records(self) -> Records:
        """Let the servers drain after the last step, and tell what happened to every dispatched task."""
