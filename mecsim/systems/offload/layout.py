"""What every offloading engine shares: the fixed numbers of a scenario, and the layout of observations and rewards.

An observation is `options` (A, F), `mask` (A,) and `context` (G,): a row per server, of which the first
`num_servers` exist, then one for the user's own device, if tasks can run there; rows of absent options are −1.
Units are chosen so that typical values are near one.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import ABSENT
from mecsim.core.episodes import Layout
from mecsim.physics.delay_forms.base import Kernel
from mecsim.systems.offload.edges import server_names
from mecsim.systems.offload.objectives import OBJECTIVES
from mecsim.systems.offload.scenario import OffloadScenario

# Columns of an option's row, before the histogram.
SIZE_MBIT, RATE_MBIT_PER_S, CPU_GHZ, EXECUTING, UPLOADING, EDGES = range(6)
HISTOGRAM = 6  # its first column

TO_MBIT = 1e-6
TO_GHZ = 1e-9

# Entries of the context.
QUEUED_TASKS, QUEUED_MBIT, REMAINING = range(3)
CONTEXT_SIZE = 3  # and two entries for each upcoming task: whether there is one, and its size in Mbit

# What a decision costs, whatever the objectives of a scenario are, in the order of OBJECTIVES. The last three are among
# the rewards only where delays are rated, late tasks counted, and servers have prices (`OffloadSpec.told`).
DELAY, ENERGY, SHORTFALL, MISSES, PRICE = range(5)

BYTE_MOST = 255


class OffloadSpec(NamedTuple):
    """The numbers of a scenario that the dynamics need; a tuple, so that compiled code can take it.

    Its type says how servers work, so that nothing is compiled that a scenario does not need: by plain processor
    sharing, or (`ContendedSpec`) as `contended_server` has it.
    """

    steps: int
    step_s: float
    cycles_per_bit: float
    tx_power_w: float
    rx_power_w: float
    capacitance: float
    device_capacitance: float
    clouds: int
    max_servers: int
    device: bool  # whether tasks can run where they arose
    deadlines: bool  # whether tasks have them
    classes: bool  # whether tasks differ in priority
    work: bool  # whether they differ in the cycles of a bit
    output: bool  # whether they have results
    per_task: bool  # whether each task is decided when it arrives
    span_s: float  # of an episode of such decisions; infinite where it has a number of tasks instead
    waiting_in_delay: bool
    rated: bool  # whether users rate the delays of their tasks
    missed: bool  # whether late tasks count
    priced: bool  # whether servers have prices
    logistic: bool  # by the logistic form rather than by zones
    slope_below: float
    slope_above: float
    interference: bool
    cqi: bool
    bandwidth_hz: float
    preemptive: bool
    power_curve: bool
    bins: int
    bins_per_bit: float
    cost_features: bool
    upcoming: int  # tasks behind the head of the dispatch queue that are shown

    @property
    def contended(self) -> bool:
        """Whether servers follow `contended_server` rather than plain processor sharing."""
        return isinstance(self, ContendedSpec)

    @property
    def max_options(self) -> int:
        """A: the number of rows of an observation."""
        return self.max_servers + self.device

    @property
    def num_rewards(self) -> int:
        """Q: the number of rewards."""
        return len(self.told)

    @property
    def told(self) -> tuple[int, ...]:
        """Which of OBJECTIVES the rewards are, (Q,)."""
        there = {SHORTFALL: self.rated, MISSES: self.missed, PRICE: self.priced}
        return tuple(column for column in range(len(OBJECTIVES)) if there.get(column, True))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(A, F, G) of an observation."""
        return self.max_options, self.option_width, self.elapsed_entry + self.per_task

    @property
    def elapsed_entry(self) -> int:
        """The entry of the context that tells the time since the last decision (s), where each task is decided."""
        return CONTEXT_SIZE + 2 * self.upcoming

    @property
    def option_width(self) -> int:
        """F: the number of columns of an option's row."""
        more = self.device + self.deadlines + self.classes + self.work + self.output
        return self.extra_column + more + 2 * self.rated

    @property
    def extra_column(self) -> int:
        """The first of the columns that only some scenarios have, in this order.

        1 for the user's device, else 0, where tasks can run there; the time until the deadline in s (0 without a task),
        where tasks have deadlines; the priority class, where tasks have classes; its gigacycles, where tasks differ in
        the cycles of a bit; the Mbit of its result, where tasks have results; the two numbers that rate the delay of
        the task (`OffloadTapes.patience`; 0 without a task), where delays are rated.
        """
        return HISTOGRAM + self.bins + self.num_rewards * self.cost_features


class ContendedSpec(OffloadSpec):
    """Of a scenario whose servers follow `contended_server`."""

    __slots__ = ()


def offload_spec(scenario: OffloadScenario) -> OffloadSpec:
    """The part of a scenario that an engine needs beside a tape."""
    channel, servers, satisfaction = scenario.channel, scenario.servers, scenario.satisfaction
    preemptive = servers.scheduling == "priority"
    power_curve = scenario.energy.model == "power-curve"
    form = satisfaction.law.kernel if satisfaction else Kernel(logistic=False)
    missed = "misses" in scenario.objectives
    contended = channel.interference or preemptive or power_curve or satisfaction is not None or missed
    return (ContendedSpec if contended else OffloadSpec)(
        steps=scenario.steps,
        step_s=scenario.episode.step_s,
        cycles_per_bit=scenario.tasks.cycles_per_bit,
        tx_power_w=channel.tx_power_w,
        rx_power_w=channel.rx_power_w,
        capacitance=scenario.energy.capacitance,
        device_capacitance=servers.device.capacitance if servers.device else 0.0,
        clouds=servers.cloud.count,
        max_servers=scenario.max_servers,
        device=servers.device is not None,
        deadlines=scenario.has_deadlines,
        classes=scenario.has_classes,
        work=scenario.has_work,
        output=scenario.has_output,
        per_task=scenario.per_task,
        span_s=inf if scenario.episode.span_s is None else scenario.episode.span_s,
        waiting_in_delay=scenario.dispatch.waiting_in_delay,
        rated=satisfaction is not None,
        missed=missed,
        priced=servers.priced,
        logistic=form.logistic,
        slope_below=form.slope_below,
        slope_above=form.slope_above,
        interference=channel.interference,
        cqi=channel.adaptation == "cqi",
        bandwidth_hz=channel.bandwidth_hz,
        preemptive=preemptive,
        power_curve=power_curve,
        bins=scenario.observation.histogram.bins,
        bins_per_bit=1.0 / scenario.observation.histogram.width_bit,
        cost_features=scenario.observation.cost_features,
        upcoming=scenario.observation.upcoming,
    )


def objective_columns(scenario: OffloadScenario) -> list[int]:
    """Which of OBJECTIVES the scenario's are, in its order."""
    names = [objective.name for objective in OBJECTIVES]
    return [names.index(name) for name in scenario.objectives]


def column_weights(scenario: OffloadScenario, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of all OBJECTIVES, (N, 5), from those of the scenario's, (N, objectives)."""
    columns = np.zeros((len(weight), len(OBJECTIVES)))
    columns[:, objective_columns(scenario)] = weight
    return columns


def layout_of(scenario: OffloadScenario) -> Layout:
    """What observations, actions and rewards of a scenario hold."""
    spec = offload_spec(scenario)
    objectives = tuple(OBJECTIVES[column] for column in spec.told)
    first_cost = HISTOGRAM + spec.bins
    # Energy is a matter of link and processor, unless uploads disturb each other or power depends on the load.
    separable = (PRICE,) if spec.interference or spec.power_curve else (ENERGY, PRICE)
    # A task costs something, unless tasks contend: with interference and priorities, say, an upload may hold up an
    # urgent task and so spare the others more than it takes itself.
    high = inf if spec.contended else 0.0
    return Layout(
        steps=spec.steps,
        objectives=objectives,
        option_names=(*server_names(scenario), *("device",) * spec.device),
        option_columns=option_columns(spec),
        context_columns=context_columns(spec),
        # Below zero: the time until a deadline that has passed, and a cost where tasks contend.
        lowest_feature=-inf if spec.deadlines or spec.contended else ABSENT,
        reward_low=(-inf,) * len(objectives),
        reward_high=tuple(0.0 if column == PRICE else high for column in spec.told),
        cost_columns=tuple(range(first_cost, first_cost + len(objectives))) if spec.cost_features else None,
        separable=tuple(OBJECTIVES[column].name for column in spec.told if column in separable),
        # A byte holds the tasks on a server, unless it may have more.
        count_columns=(HISTOGRAM, first_cost) if spec.steps <= BYTE_MOST else None,
        seen=_seen(scenario, spec),
        elapsed_entry=spec.elapsed_entry if spec.per_task else None,
        discount_per_s=scenario.dispatch.discount_per_s,
    )


def _seen(scenario: OffloadScenario, spec: OffloadSpec) -> str:
    histogram, costs = scenario.observation.histogram, "with" if spec.cost_features else "without"
    more = option_columns(spec)[spec.extra_column :] + context_columns(spec)[CONTEXT_SIZE:]
    return "; ".join([f"{histogram.bins} bins of {histogram.width_bit / 1e6:g} Mbit, {costs} cost_features", *more])


CONTEXT_COLUMNS = ("queued_tasks", "queued_mbit", "remaining_share")


def context_columns(spec: OffloadSpec) -> tuple[str, ...]:
    """A name for each entry of the context, (G,)."""
    upcoming = range(1, spec.upcoming + 1)
    shown = tuple(name for i in upcoming for name in (f"upcoming_{i}", f"upcoming_{i}_mbit"))
    return CONTEXT_COLUMNS + shown + ("elapsed_s",) * spec.per_task


_COSTS = ("delay_s", "energy_j", "satisfaction_shortfall", "misses", "price")
_ALWAYS = ("size_mbit", "rate_mbit_per_s", "cpu_ghz", "executing_tasks", "uploading_tasks", "edges")


def option_columns(spec: OffloadSpec) -> tuple[str, ...]:
    """A name for each column of an option's row, (F,).

    `residual_LOW_HIGH_mbit` counts the executing tasks of which LOW to HIGH Mbit are left; the last bin is open.
    """
    width_mbit = TO_MBIT / spec.bins_per_bit
    edges = [f"{index * width_mbit:.6g}" for index in range(spec.bins)]
    bins = [f"residual_{low}_{high}_mbit" for low, high in zip(edges, [*edges[1:], "inf"], strict=True)]
    costs = tuple(_COSTS[column] for column in spec.told) if spec.cost_features else ()
    some = {"device": spec.device, "deadline_s": spec.deadlines, "class": spec.classes}
    some |= {"gigacycles": spec.work, "output_mbit": spec.output}
    levels = ("centre_s", "steepness_per_s") if spec.logistic else ("adequate_s", "desired_s")
    extras = (*(name for name, there in some.items() if there), *(levels if spec.rated else ()))
    return (*_ALWAYS, *bins, *costs, *extras)
