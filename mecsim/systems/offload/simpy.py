"""The SimPy engine: the offloading system as a discrete-event simulation, to be read as its definition.

A dispatcher takes one task per step from a queue and starts its upload; the server does the rest (`simpy_server`).
Where tasks can run on their users' devices, these are servers without an upload.

Nothing here is shared with the batched engine but the layout of an observation and the formulas of energy and rate. How
delays are rated is one definition in two forms: for arrays, used here, and for compiled code.
Rewards are computed by playing the future out, event by event, as their definition says.
"""

import heapq

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.core.engine import ABSENT, Observation, Replayed, checked_actions
from mecsim.core.histogram import histogram_bin
from mecsim.core.rating import TOP_RATING
from mecsim.errors import InputError
from mecsim.physics.energy import execution_energy_j, power_curves_w, upload_energy_j
from mecsim.systems.offload.engine import check_options
from mecsim.systems.offload.futures import Futures, play_rollouts
from mecsim.systems.offload.layout import (
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
    offload_spec,
)
from mecsim.systems.offload.records import OffloadRecords, empty_records
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.simpy_server import INFINITY, Outlook, Server, Task, above_idle_j
from mecsim.systems.offload.tape import OffloadTapes

NOTHING = (0.0, 0.0, 0.0, 0.0)  # costs of a step that dispatches nothing


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
        power_w, points = power_curves_w([scenario.energy.cloud_power_w, scenario.energy.edge_power_w])
        self._curves_w: list[list[float]] = [row[:count].tolist() for row, count in zip(power_w, points, strict=True)]
        self._arrivals: list[int] = tapes.arrivals[episode].tolist()
        self._satisfaction = scenario.satisfaction
        self._patience = tapes.patience[episode]
        self._rated_tasks = _dispatches(self._arrivals)
        columns = (tapes.user, tapes.link, tapes.size_bit, tapes.priority, tapes.deadline_s)
        self._tasks = zip(*(column[episode].tolist() for column in columns), strict=True)
        self._arrived = 0
        self._arrive()

    def _arrive(self) -> None:
        """The tasks of this step join the dispatch queue."""
        now_s = self.env.now
        for _ in range(self._arrivals[self.current_step]):
            user, link, size_bit, priority, deadline_s = next(self._tasks)
            task = Task(self._arrived, user, link, size_bit, priority, now_s, now_s + deadline_s)
            rank = {"fifo": 0.0, "priority": float(priority), "edf": task.deadline_s}[self._queue_kind]
            heapq.heappush(self._queue, (rank, self._arrived, task))
            self._arrived += 1

    def head(self) -> Task | None:
        """The task that this step dispatches; none after the last step."""
        return self._queue[0][2] if self._queue and self.current_step < self.spec.steps else None

    def server_of(self, task: Task, option: int) -> int:
        """The server that an option means: its own number, or the device of the task's user."""
        return option if option < self.num_servers else self.spec.max_servers + task.user

    def rate_bit_per_s(self, task: Task, option: int) -> float:
        """C_{u,e} without interference; 0 for the device, to which nothing is sent."""
        return self._rate_bit_per_s[task.link][option] if option < self.num_servers else 0.0

    def upload_s(self, task: Task, option: int) -> float:
        """T_off = L / C_{u,e}."""
        return task.size_bit / self.rate_bit_per_s(task, option) if option < self.num_servers else 0.0

    def _received(self, task: Task, option: int) -> float:
        """SNR of the task's user, where that matters."""
        return self._snr[task.link][option] if self._snr and option < self.num_servers else 0.0

    def _curve_w(self, server: int) -> list[float]:
        return self._curves_w[0 if server < self.spec.clouds else 1]

    def idle_j(self) -> float:
        """What the servers take in a step if they do nothing; zero where only work takes energy."""
        if not self.spec.power_curve:
            return 0.0
        return sum(self._curve_w(e)[0] for e in range(self.num_servers)) * self.spec.step_s

    def _waits_since_s(self, task: Task) -> float:
        """From when on the delay of a task counts: its arrival or its dispatch, which is now if it still waits."""
        if self.spec.waiting_in_delay:
            return task.arrival_s
        return self.env.now if task.server < 0 else task.dispatch_s

    def ratings(self, finished: list[tuple[Task, float]]) -> NDArray[np.float64]:
        """How satisfied users are with tasks that are done at some time, 0 to 5; 0 where delays are not rated."""
        if self._satisfaction is None or not finished:
            return np.zeros(len(finished))
        delay_s = np.array([finish_s - self._waits_since_s(task) for task, finish_s in finished])
        return self._satisfaction.law.ratings(delay_s, self._patience[[task.user for task, _ in finished]])

    def _shortfall(self, outlook: Outlook) -> float:
        """By how much tasks fall short of the top rating, summed."""
        return float((TOP_RATING - self.ratings(outlook.finished)).sum())

    def costs(self, task: Task, option: int) -> tuple[float, float, float, float]:
        """What sending the task to an option adds: delay (s), radio and execution energy (J), shortfall.

        The differences of what is ahead of its server with and without the task; no other server is affected.
        """
        spec, e = self.spec, self.server_of(task, option)
        server = self.servers[e]
        without = server.outlook()
        with_it = server.outlook(task, self.upload_s(task, option), self._received(task, option))
        delay_s = with_it.system_s - without.system_s
        if spec.waiting_in_delay:
            delay_s += self.env.now - task.arrival_s
        shortfall = 0.0
        if spec.rated:
            shortfall = (self._shortfall(with_it) - self._shortfall(without)) / self._rated_tasks
        upload_s = self.upload_s(task, option)
        if spec.interference:  # others' uploads take longer as well
            upload_s = with_it.upload_s - without.upload_s
        radio_j = upload_energy_j(spec.tx_power_w, upload_s)
        if spec.power_curve and option < self.num_servers:
            curve_w = self._curve_w(e)
            execution_j = above_idle_j(spec, with_it, curve_w) - above_idle_j(spec, without, curve_w)
        else:
            capacitance = spec.capacitance if option < self.num_servers else spec.device_capacitance
            execution_j = execution_energy_j(capacitance, spec.cycles_per_bit, self.cpu_hz[e], task.size_bit)
        return delay_s, radio_j, execution_j, shortfall

    def cost_row(self, costs: tuple[float, float, float, float]) -> list[float]:
        """Costs (Q,) as observations show them, with what the servers take anyway."""
        delay_s, radio_j, execution_j, shortfall = costs
        return [delay_s, radio_j + execution_j + self.idle_j(), shortfall][: self.spec.num_rewards]

    def step(self, action: int) -> list[float]:
        """Dispatch the head of the queue and let a step pass; its costs (Q,)."""
        costs = NOTHING
        task = self.head()
        if task is not None:
            heapq.heappop(self._queue)
            costs = self.costs(task, action)
            delay_s, radio_j, execution_j, _ = costs
            task.server, task.dispatch_s = self.server_of(task, action), self.env.now
            task.reward_delay_s, task.radio_j, task.execution_j = -delay_s, radio_j, execution_j
            self.servers[task.server].send(task, self.upload_s(task, action), self._received(task, action))
            self.dispatched.append((self.current_step, task))
        self.current_step += 1
        self._run_until(self.current_step * self.spec.step_s)
        if self.current_step < self.spec.steps:
            self._arrive()
        return self.cost_row(costs)

    def _run_until(self, end_s: float) -> None:
        """Let time pass. What happens at the very end is part of it: a decision finds the effects of its instant."""
        while self.env.peek() <= end_s:
            self.env.step()
        if self.env.now < end_s:
            self.env.run(until=end_s)

    def drain(self) -> None:
        """Let everything that was dispatched finish."""
        self.env.run()

    def backlog_s(self, option: int) -> float:
        """How long an option's server needs for all that is on it and on its way."""
        task = self.head()
        if option >= self.num_servers and task is None:
            return 0.0
        server = self.servers[self.server_of(task, option) if task else option]
        return server.work_bit() / server.speed_bit_per_s

    def observe(self, out: Observation, n: int) -> None:
        """Write the observation of the current step into row `n`."""
        spec, options = self.spec, out.options[n]
        task, first_cost, extra = self.head(), HISTOGRAM + spec.bins, spec.extra_column
        options[self.num_options :] = ABSENT
        options[: self.num_options] = 0.0
        out.mask[n, : self.num_options] = 1
        out.mask[n, self.num_options :] = 0
        for option in range(self.num_options):
            row, on_radio = options[option], option < self.num_servers
            if task is not None or on_radio:
                e = self.server_of(task, option) if task else option
                server = self.servers[e]
                row[CPU_GHZ] = self.cpu_hz[e] * TO_GHZ
                row[EXECUTING] = server.executing()
                row[UPLOADING] = server.uploading()
                for residual_bit in server.residuals_bit():
                    row[HISTOGRAM + histogram_bin(residual_bit, spec.bins_per_bit, spec.bins)] += 1.0
            row[EDGES] = self.num_servers - spec.clouds
            if task is not None:
                row[SIZE_MBIT] = task.size_bit * TO_MBIT
                row[RATE_MBIT_PER_S] = self.rate_bit_per_s(task, option) * TO_MBIT
                if spec.cost_features:
                    row[first_cost:extra] = self.cost_row(self.costs(task, option))
            row[extra:] = self._extras(task, on_radio)
        context = out.context[n]
        context[QUEUED_TASKS] = len(self._queue)
        context[QUEUED_MBIT] = sum(waiting.size_bit for _, _, waiting in self._queue) * TO_MBIT
        context[REMAINING] = (spec.steps - self.current_step) / spec.steps

    def _extras(self, task: Task | None, on_radio: bool) -> list[float]:
        """The columns that only some scenarios have, see `OffloadSpec.extra_column`."""
        extras = []
        if self.spec.device:
            extras.append(0.0 if on_radio else 1.0)
        if self.spec.deadlines:
            left_s = task.deadline_s - self.env.now if task else 0.0
            extras.append(left_s if left_s < INFINITY else 0.0)
        if self.spec.classes:
            extras.append(float(task.priority) if task else 0.0)
        if self.spec.rated:
            extras.extend(self._patience[task.user].tolist() if task else (0.0, 0.0))
        return extras


def _dispatches(arrivals: list[int]) -> int:
    """How many tasks an episode dispatches, one a step while any waits."""
    waiting = dispatched = 0
    for count in arrivals:
        waiting += count
        if waiting:
            waiting -= 1
            dispatched += 1
    return dispatched


class SimpyOffloadEngine(Replayed[OffloadScenario, OffloadTapes, OffloadRecords]):
    """Implements `OffloadEngine` with one simulation per episode. See there for the meaning of each method."""

    xp = np

    def __init__(self, scenario: OffloadScenario) -> None:
        super().__init__(scenario)
        self.spec = offload_spec(scenario)
        self._simulations: list[OffloadSimulation] = []

    @property
    def steps(self) -> int:
        return self.spec.steps

    @property
    def step_index(self) -> int:
        return self._simulations[0].current_step if self._simulations else 0

    def begin(self, tapes: OffloadTapes) -> None:
        tapes.check_fits(self.scenario)
        super().begin(tapes)
        self._num_options = tapes.num_servers + int(self.spec.device)
        self._simulations = [OffloadSimulation(self.scenario, self.spec, tapes, n) for n in range(len(tapes))]

    def observe(self, out: Observation) -> None:
        for n, simulation in enumerate(self._simulations):
            simulation.observe(out, n)

    def option_rewards(self) -> NDArray[np.float64]:
        reward = np.full((len(self._simulations), self.spec.max_options, self.spec.num_rewards), -np.inf)
        for n, simulation in enumerate(self._simulations):
            task = simulation.head()
            for option in range(simulation.num_options):
                costs = simulation.costs(task, option) if task else NOTHING
                reward[n, option] = np.negative(simulation.cost_row(costs))
        return reward

    def backlog_s(self) -> NDArray[np.float64]:
        backlog = np.full((len(self._simulations), self.spec.max_options), np.inf)
        for n, simulation in enumerate(self._simulations):
            for option in range(simulation.num_options):
                backlog[n, option] = simulation.backlog_s(option)
        return backlog

    def rollouts(self, futures: Futures, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._tapes is None:
            raise InputError("no episode has begun")
        return play_rollouts(type(self), self.scenario, self._tapes, self._actions, futures, weight)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        valid = checked_actions(action, len(self._simulations), self._ended or self.step_index >= self.steps)
        check_options(valid, self._num_options)
        self._actions.append(valid)
        return -np.array([simulation.step(int(valid[n])) for n, simulation in enumerate(self._simulations)])

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        reward = self.step(action)
        self.observe(out)
        return reward

    def records(self) -> OffloadRecords:
        self._ended = True
        records = empty_records(len(self._simulations), self.spec.steps)
        for n, simulation in enumerate(self._simulations):
            simulation.drain()
            for step, task in simulation.dispatched:
                records.satisfaction[n, step] = simulation.ratings([(task, task.finish_s)])[0]
                upload_s = task.upload_end_s - task.dispatch_s
                on_radio = task.server < self.spec.max_servers
                rate = simulation.rate_bit_per_s(task, task.server) if on_radio else 0.0
                if self.spec.interference:  # what it came to in the end, whoever came later
                    rate = task.size_bit / upload_s if upload_s > 0.0 else 0.0
                    task.radio_j = upload_energy_j(self.spec.tx_power_w, upload_s)
                records.task[n, step] = task.index
                records.user[n, step] = task.user
                records.size_bit[n, step] = task.size_bit
                records.server[n, step] = task.server
                records.rate_bit_per_s[n, step] = rate
                records.arrival_s[n, step] = task.arrival_s
                records.dispatch_s[n, step] = task.dispatch_s
                records.upload_end_s[n, step] = task.upload_end_s
                records.finish_s[n, step] = task.finish_s
                records.energy_j[n, step] = task.radio_j + task.execution_j
                records.reward_delay_s[n, step] = task.reward_delay_s
                records.deadline_s[n, step] = task.deadline_s
        return records
