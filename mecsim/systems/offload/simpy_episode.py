"""An episode of the SimPy engine: users, dispatch queue, servers and devices, from decision to decision.

Rewards are differences of futures, which are played out event by event, as their definition says. Where a sum over
pairs of tasks comes to the same (`Server.added_delay_s`), that is taken.
"""

import heapq
from collections.abc import Sequence
from itertools import islice
from math import nextafter
from typing import Any, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.core.engine import ABSENT, Observation
from mecsim.core.histogram import histogram_bin
from mecsim.core.rating import TOP_RATING
from mecsim.physics.energy import execution_energy_j, power_curves_w, upload_energy_j
from mecsim.systems.offload.edges import edges_of, prices_of
from mecsim.systems.offload.layout import (
    CONTEXT_SIZE,
    CPU_GHZ,
    EDGES,
    EXECUTING,
    HISTOGRAM,
    QUEUED_MBIT,
    QUEUED_TASKS,
    RATE_MBIT_PER_S,
    REMAINING,
    SIZE_MBIT,
    TO_GHZ,
    TO_MBIT,
    UPLOADING,
    OffloadSpec,
)
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.simpy_processor import INFINITY, Finished, Task
from mecsim.systems.offload.simpy_server import Outlook, Server, above_idle_j
from mecsim.systems.offload.tape import OffloadTapes


class Costs(NamedTuple):
    """What a dispatch adds to what is ahead of everything in the system; nothing for a step that dispatches nothing."""

    delay_s: float = 0.0
    radio_j: float = 0.0
    execution_j: float = 0.0
    shortfall: float = 0.0
    misses: float = 0.0
    price: float = 0.0


class OffloadSimulation:
    """One episode: users, dispatch queue, servers and devices, driven one step at a time."""

    def __init__(self, scenario: OffloadScenario, spec: OffloadSpec, tapes: OffloadTapes, episode: int) -> None:
        self.spec = spec
        self.cpu_hz: list[float] = tapes.server_hz[episode].tolist()
        self.num_servers = int(tapes.num_servers[episode])
        self.num_options = self.num_servers + int(spec.device)
        self.env = simpy.Environment()
        existing = [*range(self.num_servers), *range(spec.max_servers, len(self.cpu_hz))]
        self.servers = {e: Server(self.env, spec, self.cpu_hz[e] / spec.cycles_per_bit) for e in existing}
        self.dispatched: list[tuple[int, Task]] = []  # (step, task)
        self.current_step = 0
        self._queue_kind = scenario.dispatch.queue
        self._queue: list[tuple[float, int, Task]] = []  # a heap: (rank, order of arrival, task)
        self._rate_bit_per_s: list[list[float]] = tapes.rate_bit_per_s[episode].tolist()
        self._snr: list[list[float]] = tapes.snr[episode].tolist()
        clouds = [scenario.energy.cloud_power_w] * spec.clouds
        power_w, points = power_curves_w([*clouds, *(edge.power_w for edge in edges_of(scenario))])
        self._curves_w: list[list[float]] = [row[:count].tolist() for row, count in zip(power_w, points, strict=True)]
        self._execution_j_per_bit = {e: self._alone_j_per_bit(e) for e in existing}
        # What the servers take in a step if they do nothing; zero where only work takes energy.
        idle_w = sum(self._curves_w[e][0] for e in range(self.num_servers))
        self._idle_j = idle_w * spec.step_s if spec.power_curve else 0.0
        self._extra_column = spec.extra_column
        self._decision_s: list[float] = tapes.decision_s[episode].tolist()
        self._arrivals: list[int] = tapes.arrivals[episode].tolist()
        self._satisfaction = scenario.satisfaction
        self._patience = tapes.patience[episode]
        self._prices: list[list[float]] = prices_of(scenario).tolist()
        work_bit = tapes.size_bit * (tapes.cycles_per_bit / spec.cycles_per_bit)
        columns = (
            tapes.user, tapes.link, tapes.size_bit, work_bit, tapes.output_bit, tapes.priority, tapes.deadline_s
        )  # fmt: skip
        told = list(zip(*(column[episode].tolist() for column in columns), strict=True))
        self._dispatches, self._expired = self._outcome(told)
        self._tasks = iter(told)
        self._arrived = 0
        self._queued_bit = 0.0
        self._costs: dict[int, Costs] = {}  # of those options of the decision at hand that were asked for
        self._run_until(self._decision_s[0])
        self._arrive()

    def _arrive(self) -> None:
        """The tasks of this step join the dispatch queue."""
        now_s = self.env.now
        for _ in range(self._arrivals[self.current_step]):
            user, link, size_bit, work_bit, output_bit, priority, deadline_s = next(self._tasks)
            task = Task(self._arrived, user, link, size_bit, priority, now_s, now_s + deadline_s)
            task.work_bit, task.output_bit = work_bit, output_bit
            heapq.heappush(self._queue, (self._rank(priority, task.deadline_s), self._arrived, task))
            self._arrived += 1
            self._queued_bit += size_bit

    def _rank(self, priority: int, deadline_s: float) -> float:
        """What the dispatch queue is sorted by; of equals the older goes first."""
        return {"fifo": 0.0, "priority": float(priority), "edf": deadline_s}[self._queue_kind]

    def _outcome(self, told: Sequence[tuple[Any, ...]]) -> tuple[int, int]:
        """How many tasks will be dispatched, whatever the actions, and how many of the others are late at the end."""
        waiting: list[tuple[float, int, float]] = []
        arrived = dispatched = 0
        for now_s, count in zip(self._decision_s, self._arrivals, strict=False):
            for *_, priority, deadline_s in told[arrived : arrived + count]:
                heapq.heappush(waiting, (self._rank(priority, now_s + deadline_s), arrived, now_s + deadline_s))
                arrived += 1
            if waiting:
                heapq.heappop(waiting)
                dispatched += 1
        return dispatched, sum(deadline_s < self._decision_s[-1] for _, _, deadline_s in waiting)

    def head(self) -> Task | None:
        """The task that this step dispatches; none after the last step."""
        return self._queue[0][2] if self._queue and self.current_step < self.spec.steps else None

    def server_of(self, task: Task | None, option: int) -> int:
        """The server that an option means: its own number, or the device of the task's user."""
        if option < self.num_servers or task is None:
            return option
        return self.spec.max_servers + task.user

    def rate_bit_per_s(self, task: Task, option: int) -> float:
        """C_{u,e} without interference; 0 for the device, to which nothing is sent."""
        return self._rate_bit_per_s[task.link][option] if option < self.num_servers else 0.0

    def upload_s(self, task: Task, option: int) -> float:
        """T_off = L / C_{u,e}."""
        return task.size_bit / self.rate_bit_per_s(task, option) if option < self.num_servers else 0.0

    def way_back_s(self, task: Task, option: int) -> float:
        """How long the result is on its way back, at the same rate; a device has it where it is wanted."""
        return task.output_bit / self.rate_bit_per_s(task, option) if option < self.num_servers else 0.0

    def _received(self, task: Task, option: int) -> float:
        """SNR of the task's user, where that matters."""
        return self._snr[task.link][option] if self._snr and option < self.num_servers else 0.0

    def _alone_j_per_bit(self, server: int) -> float:
        """What the execution of a bit takes, where that does not depend on how busy the server is."""
        on_radio = server < self.spec.max_servers
        capacitance = self.spec.capacitance if on_radio else self.spec.device_capacitance
        return execution_energy_j(capacitance, self.spec.cycles_per_bit, self.cpu_hz[server], 1.0)

    def _waits_since_s(self, task: Task) -> float:
        """From when on the delay of a task counts: its arrival or its dispatch, which is now if it still waits."""
        if self.spec.waiting_in_delay:
            return task.arrival_s
        return self.env.now if task.server < 0 else task.dispatch_s

    def ratings(self, finished: Finished) -> NDArray[np.float64]:
        """How satisfied users are with tasks that are done at some time, 0 to 5; 0 where delays are not rated."""
        if self._satisfaction is None or not finished:
            return np.zeros(len(finished))
        delay_s = np.array([finish_s - self._waits_since_s(task) for task, finish_s in finished])
        return self._satisfaction.law.ratings(delay_s, self._patience[[task.user for task, _ in finished]])

    def results(self) -> Finished:
        """The dispatched tasks, all of which have finished, and when their results are back."""
        return [(task, task.finish_s + task.way_back_s) for _, task in self.dispatched]

    def costs(self, options: Sequence[int]) -> list[Costs]:
        """What sending the head of the queue to each option adds; worked out once in a decision.

        No server but that of the option is affected.
        """
        task = self.head()
        if task is None:
            return [Costs()] * len(options)
        if unknown := [option for option in options if option not in self._costs]:
            added = self._contended_costs(task, unknown) if self.spec.contended else self._plain_costs(task, unknown)
            self._costs.update(zip(unknown, added, strict=True))
        return [self._costs[option] for option in options]

    def _plain_costs(self, task: Task, options: Sequence[int]) -> list[Costs]:
        """Where a task takes its energy whatever else is there, and nobody rates."""
        costs, waited_s = [], self._waited_s(task)
        for option in options:
            e, upload_s, back_s = (
                self.server_of(task, option),
                self.upload_s(task, option),
                self.way_back_s(task, option),
            )
            delay_s = self.servers[e].added_delay_s(task, upload_s) + waited_s + back_s
            radio_j = upload_energy_j(self.spec.tx_power_w, upload_s) + self.spec.rx_power_w * back_s
            execution_j = self._execution_j_per_bit[e] * task.work_bit
            costs.append(Costs(delay_s, radio_j, execution_j, price=self._price(task, option)))
        return costs

    def _contended_costs(self, task: Task, options: Sequence[int]) -> list[Costs]:
        """The differences of what is ahead of a server with and without the task."""
        spec, costs, waited_s, outlooks, results = self.spec, [], self._waited_s(task), [], []
        for option in options:
            server, upload_s = self.servers[self.server_of(task, option)], self.upload_s(task, option)
            outlooks.append((server.outlook(), server.outlook(task, upload_s, self._received(task, option))))
            results.append([_results(outlook, task, self.way_back_s(task, option)) for outlook in outlooks[-1]])
        shortfalls, lates = self._shortfalls(results), [[self._late(one) for one in pair] for pair in results]
        for option, (without, with_it), shortfall, late in zip(options, outlooks, shortfalls, lates, strict=True):
            e, upload_s, back_s = (
                self.server_of(task, option),
                self.upload_s(task, option),
                self.way_back_s(task, option),
            )
            if spec.interference:  # others' uploads take longer as well
                upload_s = with_it.upload_s - without.upload_s
            if spec.power_curve and option < self.num_servers:
                curve_w = self._curves_w[e]
                execution_j = above_idle_j(with_it, curve_w, spec.step_s) - above_idle_j(without, curve_w, spec.step_s)
            else:
                execution_j = self._execution_j_per_bit[e] * task.work_bit
            delay_s = with_it.system_s - without.system_s + waited_s + back_s
            radio_j = upload_energy_j(spec.tx_power_w, upload_s) + spec.rx_power_w * back_s
            costs.append(Costs(delay_s, radio_j, execution_j, shortfall, late[1] - late[0], self._price(task, option)))
        return costs

    def _price(self, task: Task, option: int) -> float:
        """What an option asks for a task: for its cycles and its bits."""
        per_cycle, per_bit = self._prices[self.server_of(task, option)]
        return per_cycle * self.spec.cycles_per_bit * task.work_bit + per_bit * task.size_bit

    def _late(self, results: Finished) -> float:
        """The share of an episode's tasks whose results are back that late."""
        return sum(back_s > task.deadline_s for task, back_s in results) / max(1, self._dispatches + self._expired)

    def _shortfalls(self, results: Sequence[Sequence[Finished]]) -> list[float]:
        """What the second of each pair adds to the shortfall. Arrays want all to be rated at once."""
        if not self.spec.rated:
            return [0.0] * len(results)
        ratings = self.ratings([entry for pair in results for one in pair for entry in one])
        missing = iter((TOP_RATING - ratings).tolist())
        totals = [[sum(islice(missing, len(one))) for one in pair] for pair in results]
        return [(with_it - without) / self._dispatches for without, with_it in totals]

    def _waited_s(self, task: Task) -> float:
        """The wait in the dispatch queue, where it counts."""
        return self.env.now - task.arrival_s if self.spec.waiting_in_delay else 0.0

    def cost_row(self, costs: Costs) -> list[float]:
        """Costs (Q,) as observations show them, with what the servers take anyway."""
        expired = self._expired / (self.spec.steps * max(1, self._dispatches + self._expired))
        energy_j = costs.radio_j + costs.execution_j + self._idle_j
        row = [costs.delay_s, energy_j, costs.shortfall, costs.misses + expired, costs.price]
        return [row[column] for column in self.spec.told]

    def step(self, action: int) -> list[float]:
        """Dispatch the head of the queue and let time pass until the next decision; its costs (Q,)."""
        task, (costs,) = self.head(), self.costs([action])
        if task is not None:
            heapq.heappop(self._queue)
            self._queued_bit = self._queued_bit - task.size_bit if self._queue else 0.0
            task.way_back_s = self.way_back_s(task, action)
            task.server, task.dispatch_s, task.price = self.server_of(task, action), self.env.now, costs.price
            task.reward_delay_s, task.radio_j, task.execution_j = -costs.delay_s, costs.radio_j, costs.execution_j
            self.servers[task.server].send(task, self.upload_s(task, action), self._received(task, action))
            self.dispatched.append((self.current_step, task))
        self._costs = {}
        self.current_step += 1
        self._run_until(self._decision_s[self.current_step])
        if self.current_step < self.spec.steps:
            self._arrive()
        return self.cost_row(costs)

    def _run_until(self, end_s: float) -> None:
        """Let time pass. What happens at the very end is part of it: a decision finds the effects of its instant."""
        wait_s = end_s - self.env.now
        while self.env.now + wait_s > end_s:  # by rounding
            wait_s = nextafter(wait_s, 0.0)
        self.env.timeout(wait_s)  # the end comes whatever else happens
        while self.env.peek() <= end_s:
            self.env.step()

    def drain(self) -> None:
        """Let everything that was dispatched finish."""
        self.env.run()

    def backlog_s(self, option: int) -> float:
        """How long an option's server needs for all that is on it and on its way."""
        task = self.head()
        if option >= self.num_servers and task is None:
            return 0.0
        server = self.servers[self.server_of(task, option)]
        return server.work_bit() / server.speed_bit_per_s

    def observe(self, out: Observation, n: int) -> None:
        """Write the observation of the current step into row `n`."""
        spec, task, first_cost = self.spec, self.head(), HISTOGRAM + self.spec.bins
        out.mask[n, : self.num_options] = 1
        out.mask[n, self.num_options :] = 0
        out.options[n, self.num_options :] = ABSENT
        rows = out.options[n, : self.num_options]
        rows[:] = 0.0
        rows[:, EDGES] = self.num_servers - spec.clouds
        concerned = self.num_options if task else self.num_servers  # without a task it is nobody's device
        numbers = [self.server_of(task, option) for option in range(concerned)]
        servers = [self.servers[e] for e in numbers]
        rows[:concerned, CPU_GHZ] = [self.cpu_hz[e] * TO_GHZ for e in numbers]
        residuals_bit = [server.residuals_bit() for server in servers]
        rows[:concerned, EXECUTING] = [len(present) for present in residuals_bit]
        rows[:concerned, UPLOADING] = [server.uploading() for server in servers]
        for option, present in enumerate(residuals_bit):
            for residual_bit in present:
                rows[option, HISTOGRAM + histogram_bin(residual_bit, spec.bins_per_bit, spec.bins)] += 1.0
        if task is not None:
            options = range(self.num_options)
            rows[:, SIZE_MBIT] = task.size_bit * TO_MBIT
            rows[:, RATE_MBIT_PER_S] = [self.rate_bit_per_s(task, option) * TO_MBIT for option in options]
            if spec.cost_features:
                rows[:, first_cost : self._extra_column] = [self.cost_row(costs) for costs in self.costs(options)]
        if self._extra_column < spec.option_width:
            rows[:, self._extra_column :] = self._extras(task)
        context = out.context[n]
        context[QUEUED_TASKS] = len(self._queue)
        context[QUEUED_MBIT] = self._queued_bit * TO_MBIT
        context[REMAINING] = self._remaining()
        context[CONTEXT_SIZE:] = 0.0
        if spec.per_task:
            before_s = self._decision_s[self.current_step - 1] if self.current_step else 0.0
            context[spec.elapsed_entry] = self.env.now - before_s
        shown = min(spec.upcoming, spec.steps - self.current_step - 1)  # to the others no step is left
        behind = heapq.nsmallest(1 + shown, self._queue)[1:] if shown > 0 else []
        for place, (_, _, waiting) in enumerate(behind):
            context[CONTEXT_SIZE + 2 * place :][:2] = 1.0, waiting.size_bit * TO_MBIT

    def _remaining(self) -> float:
        """The share of the episode that remains: of its time, where it has a span, else of its decisions."""
        spec = self.spec
        if spec.span_s < INFINITY:
            return (spec.span_s - self.env.now) / spec.span_s
        return (spec.steps - self.current_step) / spec.steps

    def _extras(self, task: Task | None) -> list[list[float]]:
        """For each option the columns that only some scenarios have, see `OffloadSpec.extra_column`."""
        same: list[float] = []  # for all options
        if self.spec.deadlines:
            left_s = task.deadline_s - self.env.now if task else 0.0
            same.append(left_s if left_s < INFINITY else 0.0)
        if self.spec.classes:
            same.append(float(task.priority) if task else 0.0)
        if self.spec.work:
            same.append(self.spec.cycles_per_bit * task.work_bit * TO_GHZ if task else 0.0)
        if self.spec.output:
            same.append(task.output_bit * TO_MBIT if task else 0.0)
        if self.spec.rated:
            same.extend(self._patience[task.user].tolist() if task else (0.0, 0.0))
        if not self.spec.device:
            return [same] * self.num_options
        return [[0.0, *same]] * self.num_servers + [[1.0, *same]]


def _results(outlook: Outlook, extra: Task, back_s: float) -> Finished:
    """When the results of all tasks of an outlook are back; that of `extra` takes `back_s` for it."""
    return [(task, finish_s + (back_s if task is extra else task.way_back_s)) for task, finish_s in outlook.finished]
