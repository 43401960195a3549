"""What every offloading engine shares: the fixed numbers of a scenario, the observation's layout, its records.

An observation is `options` (A, F), `mask` (A,) and `context` (G,): a row per server, of which the first
`num_servers` exist, then one for the user's own device, if tasks can run there; rows of absent options are −1.
Units are chosen so that typical values are near one.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.compiled import compiled
from mecsim.engines.tape import Tapes
from mecsim.errors import InputError
from mecsim.scenario import Scenario

ABSENT = -1.0  # every entry of a row whose option does not exist in this episode

# Columns of an option's row, before the histogram.
SIZE_MBIT, RATE_MBIT_PER_S, CPU_GHZ, EXECUTING, UPLOADING, EDGES = range(6)
HISTOGRAM = 6  # its first column

TO_MBIT = 1e-6
TO_GHZ = 1e-9

# Entries of the context.
QUEUED_TASKS, QUEUED_MBIT, REMAINING = range(3)
CONTEXT_SIZE = 3

# Columns of costs and rewards inside the engines, whatever the scenario's objectives are. The last one is there only
# where delays are rated.
DELAY, ENERGY, SATISFACTION = range(3)
OBJECTIVES = ("delay", "energy", "satisfaction")

_EDGE_SLACK = 1e-9  # see histogram_bin


class System(NamedTuple):
    """The numbers of a scenario that the dynamics need; a tuple, so that compiled code can take it."""

    steps: int
    step_s: float
    cycles_per_bit: float
    tx_power_w: float
    capacitance: float
    device_capacitance: float
    clouds: int
    max_servers: int
    device: bool  # whether tasks can run where they arose
    deadlines: bool  # whether tasks have them
    classes: bool  # whether tasks differ in priority
    waiting_in_delay: bool
    rated: bool  # whether users rate the delays of their tasks
    logistic: bool  # by the logistic form rather than by zones
    slope_below: float
    slope_above: float
    contended: bool  # whether servers follow `contended_server` rather than plain processor sharing
    interference: bool
    cqi: bool
    bandwidth_hz: float
    preemptive: bool
    power_curve: bool
    bins: int
    bins_per_bit: float
    cost_features: bool

    @property
    def max_options(self) -> int:
        """A: the number of rows of an observation."""
        return self.max_servers + self.device

    @property
    def num_costs(self) -> int:
        """Q: the number of cost columns."""
        return len(OBJECTIVES) if self.rated else SATISFACTION

    @property
    def option_width(self) -> int:
        """F: the number of columns of an option's row."""
        return self.extra_column + self.device + self.deadlines + self.classes + 2 * self.rated

    @property
    def extra_column(self) -> int:
        """The first of the columns that only some scenarios have, in this order.

        1 for the user's device, else 0, where tasks can run there; the time until the deadline in s (0 without a task),
        where tasks have deadlines; the priority class, where tasks have classes; the two numbers that rate the delay of
        the task (`Tapes.patience`; 0 without a task), where delays are rated.
        """
        return HISTOGRAM + self.bins + self.num_costs * self.cost_features


def system_of(scenario: Scenario) -> System:
    """The part of a scenario that an engine needs beside a tape."""
    channel, servers, satisfaction = scenario.channel, scenario.servers, scenario.satisfaction
    preemptive = servers.scheduling == "priority"
    power_curve = scenario.energy.model == "power-curve"
    return System(
        steps=scenario.episode.steps,
        step_s=scenario.episode.step_s,
        cycles_per_bit=scenario.tasks.cycles_per_bit,
        tx_power_w=channel.tx_power_w,
        capacitance=scenario.energy.capacitance,
        device_capacitance=servers.device.capacitance if servers.device else 0.0,
        clouds=servers.cloud.count,
        max_servers=scenario.max_servers,
        device=servers.device is not None,
        deadlines=scenario.has_deadlines,
        classes=scenario.has_classes,
        waiting_in_delay=scenario.dispatch.waiting_in_delay,
        rated=satisfaction is not None,
        logistic=satisfaction is not None and satisfaction.form == "logistic",
        slope_below=satisfaction.slope_below if satisfaction else 1.0,
        slope_above=satisfaction.slope_above if satisfaction else 1.0,
        contended=channel.interference or preemptive or power_curve or satisfaction is not None,
        interference=channel.interference,
        cqi=channel.adaptation == "cqi",
        bandwidth_hz=channel.bandwidth_hz,
        preemptive=preemptive,
        power_curve=power_curve,
        bins=scenario.observation.histogram.bins,
        bins_per_bit=1.0 / scenario.observation.histogram.width_bit,
        cost_features=scenario.observation.cost_features,
    )


def cost_columns(system: System) -> tuple[int, ...] | None:
    """Columns of an option's row with its immediate costs, Q of them, where the scenario shows them."""
    first = HISTOGRAM + system.bins
    return tuple(range(first, first + system.num_costs)) if system.cost_features else None


def checked_action(
    action: NDArray[np.int64], num_options: NDArray[np.int64], step: int, steps: int
) -> NDArray[np.int64]:
    """The actions (N,) of a step, once they are known to be options that exist.

    Raises:
        InputError: they are not, or the episodes are over.
    """
    if step >= steps:
        raise InputError("the episode is over: begin a new one")
    valid = np.ascontiguousarray(action, np.int64)
    if valid.shape != num_options.shape:
        raise InputError(f"one action per episode is expected, {num_options.shape}, got {valid.shape}")
    wrong = (valid < 0) | (valid >= num_options)
    if wrong.any():
        n = int(wrong.argmax())
        raise InputError(f"action {valid[n]} names no server: episode {n} has {num_options[n]}")
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


def empty_observation(system: System, episodes: int, dtype: type[np.floating] = np.float32) -> Observation:
    """Arrays for an engine to write into."""
    return Observation(
        options=np.empty((episodes, system.max_options, system.option_width), dtype),
        mask=np.empty((episodes, system.max_options), np.int8),
        context=np.empty((episodes, CONTEXT_SIZE), dtype),
    )


@dataclass(frozen=True, slots=True)
class Records:
    """What happened to the tasks of N episodes, one slot per step. Absolute times within the episode.

    `task` is the position in the order of arrival, −1 where the step had nothing to dispatch; the other
    entries of such a slot are zero. `server` counts the servers of the scenario; the device of user u is
    max_servers + u. `rate_bit_per_s` is the mean over the upload, 0 where there was none.
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
    energy_j: NDArray[np.float64]  # radio and processor; what idle servers take belongs to no task
    reward_delay_s: NDArray[np.float64]
    deadline_s: NDArray[np.float64]  # absolute; infinite where the task has none
    satisfaction: NDArray[np.float64]  # of the task's user with its delay, 0 to 5; 0 where delays are not rated

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
        """Immediate costs (see `step`) of each option for the task at the head of the queue, (N, A, Q).

        Where the queue is empty only what the step costs anyway; infinite for options that do not exist.
        """

    def backlog_s(self) -> NDArray[np.float64]:
        """How long each option's server needs for all that is on it and on its way to it, (N, A).

        Infinite for options that do not exist; zero for the device where no task waits, as no user is concerned.
        """

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Dispatch the heads of the queues and go to the next step; costs (N, Q), new at each call.

        The columns are delay (s) and energy (J) and, where delays are rated, satisfaction (by how much it falls short).
        The delay of a dispatch is by how much it raises the total remaining delay of everything in the system, with the
        task's wait in the dispatch queue, if the scenario counts that. Its energy is by how much it raises what
        everything in the system will take, if nothing else ever came; where servers have power curves, each step costs
        their idle power in addition. Its satisfaction is by how much it raises the sum of 5 − rating over everything in
        the system, likewise, over the number of tasks that the episode dispatches: an episode comes to 5 minus the mean
        rating of these.
        """

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        """`step`, then `observe`; an engine may do both at once."""

    def records(self) -> Records:
        """Let the servers drain after the last step, and tell what happened to every dispatched task."""
