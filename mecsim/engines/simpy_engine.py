"""The SimPy engine: the offloading system as a discrete-event simulation, to be read as its definition.

A dispatcher takes one task per step from a FIFO queue and starts its upload. An upload is a process that lasts
size/rate and then hands the task to its server. A server is a processor-sharing resource: a process that waits for the
next completion among the tasks present, and plans anew whenever a task arrives or departs.

Nothing here is shared with the batched engine but the layout of an observation and the energy formulas. Rewards are
computed by playing the future out, event by event, as their definition says.
"""

from collections import deque
from collections.abc import Generator
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.engines.system import (
    ABSENT,
    CPU_GHZ,
    DELAY,
    EDGES,
    ENERGY,
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
    Observation,
    Records,
    System,
    checked_action,
    empty_records,
    histogram_bin,
    system_of,
)
from mecsim.engines.tape import Tapes
from mecsim.physics.energy import execution_energy_j, upload_energy_j
from mecsim.scenario import Scenario

Events = Generator[simpy.Event, Any, None]
INFINITY = float("inf")


class Task:
    """A task on its way through the system. Sizes in bit, absolute times in s."""

    __slots__ = (
        "arrival_s", "dispatch_s", "energy_j", "finish_s", "index", "reward_delay_s", "server", "size_bit",
        "upload_end_s", "user",
    )  # fmt: skip

    def __init__(self, index: int, user: int, size_bit: float, arrival_s: float) -> None:
        self.index = index
        self.user = user
        self.size_bit = size_bit
        self.arrival_s = arrival_s
        self.server = -1
        self.dispatch_s = self.upload_end_s = self.finish_s = float("nan")
        self.energy_j = self.reward_delay_s = 0.0


class ProcessorSharingServer:
    """A server on which the n tasks present each run at speed/n bit/s."""

    def __init__(self, env: simpy.Environment, speed_bit_per_s: float) -> None:
        self.env = env
        self.speed_bit_per_s = speed_bit_per_s
        self.uploading: list[Task] = []  # on their way here
        self._present: list[tuple[float, Task]] = []  # (residual bit when last served, task), smallest residual first
        self._served_until_s = 0.0
        self._service = env.process(self._serve())

    def executing(self) -> int:
        """The number of tasks that share the server."""
        return len(self._present)

    def residuals_bit(self) -> list[float]:
        """What is left of each task present now, smallest first."""
        served_bit = self._served_bit()
        return [residual_bit - served_bit for residual_bit, _ in self._present]

    def accept(self, task: Task) -> None:
        """A task starts to execute; the server plans its next completion anew."""
        self._account()
        at = len(self._present)
        while at > 0 and self._present[at - 1][0] > task.size_bit:
            at -= 1
        self._present.insert(at, (task.size_bit, task))
        self._service.interrupt()

    def _served_bit(self) -> float:
        """What each task present has received since `_served_until_s`."""
        if not self._present:
            return 0.0
        return (self.env.now - self._served_until_s) * self.speed_bit_per_s / len(self._present)

    def _account(self) -> None:
        """Take what the tasks present have received off their residuals."""
        served_bit = self._served_bit()
        self._present = [(residual_bit - served_bit, task) for residual_bit, task in self._present]
        self._served_until_s = self.env.now

    def _serve(self) -> Events:
        """Complete the task with the smallest residual, unless another arrives before, again and again."""
        while True:
            try:
                if not self._present:
                    yield self.env.event()  # nothing to do until a task arrives
                residual_bit, task = self._present[0]
                yield self.env.timeout(max(0.0, residual_bit) * len(self._present) / self.speed_bit_per_s)
            except simpy.Interrupt:
                continue  # a task has arrived: plan anew
            self._account()
            self._present.pop(0)
            task.finish_s = self.env.now

    def remaining_delay_s(self, extra: Task | None = None, extra_end_s: float = INFINITY) -> float:
        """Total delay still ahead of all tasks here and on their way here, if nothing else ever came (D).

        `extra`, if given, counts as on its way, to arrive at `extra_end_s`.
        """
        coming = [(task.upload_end_s, task.size_bit) for task in self.uploading]
        if extra is not None:
            coming.append((extra_end_s, extra.size_bit))
        coming.sort(reverse=True)  # the next to arrive is last
        residuals_bit = self.residuals_bit()
        now_s, total_s = self.env.now, 0.0
        while residuals_bit or coming:
            present = len(residuals_bit)
            completion_s = now_s + residuals_bit[0] * present / self.speed_bit_per_s if present else INFINITY
            arrival_s = coming[-1][0] if coming else INFINITY
            event_s = min(completion_s, arrival_s)
            total_s += (event_s - now_s) * (present + len(coming))
            if present:
                served_bit = (event_s - now_s) * self.speed_bit_per_s / present
                residuals_bit = [residual_bit - served_bit for residual_bit in residuals_bit]
            if completion_s <= arrival_s:
                residuals_bit.pop(0)
            else:
                residuals_bit.append(coming.pop()[1])
                residuals_bit.sort()
            now_s = event_s
        return total_s


class OffloadSimulation:
    """One episode: users, dispatch queue, uploads and servers, driven one step at a time."""

    def __init__(self, system: System, tapes: Tapes, episode: int) -> None:
        self.system = system
        self.cpu_hz: list[float] = tapes.cpu_hz[episode, : tapes.num_servers[episode]].tolist()
        self.rate_bit_per_s: list[list[float]] = tapes.rate_bit_per_s[episode].tolist()
        self.env = simpy.Environment()
        self.servers = [ProcessorSharingServer(self.env, cpu_hz / system.cycles_per_bit) for cpu_hz in self.cpu_hz]
        self.queue: deque[Task] = deque()
        self.dispatched: list[tuple[int, Task]] = []  # (step, task)
        self.current_step = 0
        self._arrivals: list[int] = tapes.arrivals[episode].tolist()
        self._tasks = zip(tapes.user[episode].tolist(), tapes.size_bit[episode].tolist(), strict=True)
        self._arrived = 0
        self._arrive()

    def _arrive(self) -> None:
        """The tasks of this step join the dispatch queue."""
        for _ in range(self._arrivals[self.current_step]):
            user, size_bit = next(self._tasks)
            self.queue.append(Task(self._arrived, user, size_bit, self.env.now))
            self._arrived += 1

    def upload_s(self, task: Task, server: int) -> float:
        """T_off = L / C_{u,e}."""
        return task.size_bit / self.rate_bit_per_s[task.user][server]

    def energy_j(self, task: Task, server: int) -> float:
        """E_off + E_exe, if the task went to this server."""
        system = self.system
        return upload_energy_j(system.tx_power_w, self.upload_s(task, server)) + execution_energy_j(
            system.capacitance, system.cycles_per_bit, self.cpu_hz[server], task.size_bit
        )

    def added_delay_s(self, task: Task, server: int) -> float:
        """D after minus D before dispatching the task to this server now; no other server is affected."""
        resource = self.servers[server]
        after_s = resource.remaining_delay_s(task, self.env.now + self.upload_s(task, server))
        return after_s - resource.remaining_delay_s()

    def _upload(self, task: Task) -> Events:
        """The task travels to its server and starts to execute there."""
        server = self.servers[task.server]
        yield self.env.timeout(task.upload_end_s - self.env.now)
        server.uploading.remove(task)
        server.accept(task)

    def step(self, action: int) -> tuple[float, float]:
        """Dispatch the head of the queue and let a step pass; its delay (s) and energy (J) cost."""
        delay_s = energy_j = 0.0
        if self.queue:
            task = self.queue.popleft()
            delay_s, energy_j = self.added_delay_s(task, action), self.energy_j(task, action)
            task.server, task.dispatch_s = action, self.env.now
            task.upload_end_s = self.env.now + self.upload_s(task, action)
            task.reward_delay_s, task.energy_j = -delay_s, energy_j
            self.servers[action].uploading.append(task)
            self.env.process(self._upload(task))
            self.dispatched.append((self.current_step, task))
        self.current_step += 1
        self._run_until(self.current_step * self.system.step_s)
        if self.current_step < self.system.steps:
            self._arrive()
        return delay_s, energy_j

    def _run_until(self, end_s: float) -> None:
        """Let time pass. What happens at the very end is part of it: a decision finds the effects of its instant."""
        while self.env.peek() <= end_s:
            self.env.step()
        if self.env.now < end_s:
            self.env.run(until=end_s)

    def drain(self) -> None:
        """Let everything that was dispatched finish."""
        self.env.run()

    def observe(self, out: Observation, n: int) -> None:
        """Write the observation of the current step into row `n`."""
        system, options = self.system, out.options[n]
        count = len(self.servers)
        task = self.queue[0] if self.queue else None
        options[count:] = ABSENT
        options[:count, :] = 0.0
        out.mask[n, :count] = 1
        out.mask[n, count:] = 0
        for e, server in enumerate(self.servers):
            row = options[e]
            if task is not None:
                row[SIZE_MBIT] = task.size_bit * TO_MBIT
                row[RATE_MBIT_PER_S] = self.rate_bit_per_s[task.user][e] * TO_MBIT
            row[CPU_GHZ] = self.cpu_hz[e] * TO_GHZ
            row[EXECUTING] = server.executing()
            row[UPLOADING] = len(server.uploading)
            row[EDGES] = count - system.clouds
            for residual_bit in server.residuals_bit():
                row[HISTOGRAM + histogram_bin(residual_bit, system.bins_per_bit, system.bins)] += 1.0
            if system.cost_features and task is not None:
                row[HISTOGRAM + system.bins + DELAY] = self.added_delay_s(task, e)
                row[HISTOGRAM + system.bins + ENERGY] = self.energy_j(task, e)
        context = out.context[n]
        context[QUEUED_TASKS] = len(self.queue)
        context[QUEUED_MBIT] = sum(task.size_bit for task in self.queue) * TO_MBIT
        context[REMAINING] = (system.steps - self.current_step) / system.steps


class SimpyEngine:
    """Implements `OffloadEngine` with one simulation per episode. See there for the meaning of each method."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.system = system_of(scenario)
        self._simulations: list[OffloadSimulation] = []

    def begin(self, tapes: Tapes) -> None:
        tapes.check_fits(self.scenario)
        self._servers = tapes.cpu_hz.shape[1]
        self._num_servers = tapes.num_servers
        self._simulations = [OffloadSimulation(self.system, tapes, episode) for episode in range(len(tapes))]

    def observe(self, out: Observation) -> None:
        for n, simulation in enumerate(self._simulations):
            simulation.observe(out, n)

    def option_costs(self) -> NDArray[np.float64]:
        cost = np.full((len(self._simulations), self._servers, 2), np.inf)
        for n, simulation in enumerate(self._simulations):
            for e in range(len(simulation.servers)):
                head = simulation.queue[0] if simulation.queue else None
                cost[n, e, DELAY] = simulation.added_delay_s(head, e) if head else 0.0
                cost[n, e, ENERGY] = simulation.energy_j(head, e) if head else 0.0
        return cost

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        valid = checked_action(action, self._num_servers, self._simulations[0].current_step, self.system.steps)
        return np.array([simulation.step(int(valid[n])) for n, simulation in enumerate(self._simulations)])

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        cost = self.step(action)
        self.observe(out)
        return cost

    def records(self) -> Records:
        records = empty_records(len(self._simulations), self.system.steps)
        for n, simulation in enumerate(self._simulations):
            simulation.drain()
            for step, task in simulation.dispatched:
                records.task[n, step] = task.index
                records.user[n, step] = task.user
                records.size_bit[n, step] = task.size_bit
                records.server[n, step] = task.server
                records.rate_bit_per_s[n, step] = simulation.rate_bit_per_s[task.user][task.server]
                records.arrival_s[n, step] = task.arrival_s
                records.dispatch_s[n, step] = task.dispatch_s
                records.upload_end_s[n, step] = task.upload_end_s
                records.finish_s[n, step] = task.finish_s
                records.energy_j[n, step] = task.energy_j
                records.reward_delay_s[n, step] = task.reward_delay_s
        return records
