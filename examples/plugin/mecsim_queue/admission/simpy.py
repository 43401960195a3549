"""The definition: one server, first come first served, as a discrete-event simulation."""

from collections.abc import Generator

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.core.engine import Observation, Replayed, checked_actions, impossible_action
from mecsim_queue.admission.layout import ADMIT, ADMITS, BACKLOG_S, COSTS, REMAINING, SERVICE_S, VALUE
from mecsim_queue.admission.records import AdmissionRecords, empty_records
from mecsim_queue.admission.scenario import AdmissionScenario
from mecsim_queue.admission.tape import AdmissionTapes


class Queue:
    """One episode: a server, and the jobs that were admitted to it."""

    def __init__(self, tapes: AdmissionTapes, episode: int) -> None:
        self.env = simpy.Environment()
        self.server = simpy.Resource(self.env, capacity=1)
        self.arrival_s: list[float] = tapes.arrival_s[episode].tolist()
        self.service_s: list[float] = tapes.service_s[episode].tolist()
        self.start_s: dict[int, float] = {}
        self.finish_s: dict[int, float] = {}
        self.waiting: list[int] = []  # admitted jobs that have not begun
        self.env.run(until=self.arrival_s[0])

    def admit(self, job: int) -> None:
        """The job that has arrived joins the queue."""
        self.waiting.append(job)
        self.env.process(self._serve(job))

    def _serve(self, job: int) -> Generator[simpy.Event, object, None]:
        with self.server.request() as turn:
            yield turn
            self.waiting.remove(job)
            self.start_s[job] = self.env.now
            yield self.env.timeout(self.service_s[job])
            self.finish_s[job] = self.env.now

    def run_until(self, until_s: float) -> None:
        """Let time pass; what happens at that instant is over before."""
        while self.env.peek() <= until_s:
            self.env.step()
        if self.env.now < until_s:
            self.env.run(until=until_s)

    def backlog_s(self) -> float:
        """How long the server needs for all that was admitted."""
        served = next((job for job in self.start_s if job not in self.finish_s), None)
        left_s = 0.0
        if served is not None:
            left_s = self.start_s[served] + self.service_s[served] - float(self.env.now)
        return left_s + sum(self.service_s[job] for job in self.waiting)


class SimpyAdmissionEngine(Replayed[AdmissionScenario, AdmissionTapes, AdmissionRecords]):
    """Implements `Engine` with one simulation per episode."""

    xp = np

    def __init__(self, scenario: AdmissionScenario) -> None:
        super().__init__(scenario)
        self.step_index = 0
        self._queues: list[Queue] = []

    @property
    def steps(self) -> int:
        return self.scenario.steps

    def begin(self, tapes: AdmissionTapes) -> None:
        tapes.check_fits(self.scenario)
        super().begin(tapes)
        self._drawn, self.step_index = tapes, 0
        self._queues = [Queue(tapes, n) for n in range(len(tapes))]

    def option_rewards(self) -> NDArray[np.float64]:
        rewards = np.zeros((len(self._queues), 2, 2))
        if self.step_index < self.steps:
            for n, queue in enumerate(self._queues):
                value = self._drawn.value[n]
                time_s = queue.backlog_s() + queue.service_s[self.step_index]
                rewards[n, ADMIT] = -time_s, value[self.step_index] / value.sum()
        return rewards

    def observe(self, out: Observation) -> None:
        out.options[...] = 0.0
        out.context[...] = 0.0
        out.mask[...] = 1
        m = self.step_index
        if m >= self.steps:
            return
        for n, queue in enumerate(self._queues):
            out.options[n, ADMIT, ADMITS] = 1.0
            out.options[n, :, BACKLOG_S] = queue.backlog_s()
            out.options[n, :, SERVICE_S] = queue.service_s[m]
            out.options[n, :, VALUE] = self._drawn.value[n, m]
        out.context[:, REMAINING] = (self.steps - m) / self.steps
        if self.scenario.observation.cost_features:
            out.options[:, :, COSTS:] = 0.0 - self.option_rewards()

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        taken = checked_actions(action, len(self._queues), self._ended or self.step_index >= self.steps)
        for n, option in enumerate(taken.tolist()):
            if not 0 <= option <= ADMIT:
                raise impossible_action(option, n, 2)
        self._actions.append(taken)
        rewards = self.option_rewards()[np.arange(len(taken)), taken]
        for queue, option in zip(self._queues, taken.tolist(), strict=True):
            if option == ADMIT:
                queue.admit(self.step_index)
            queue.run_until(queue.arrival_s[min(self.step_index + 1, self.steps - 1)])
        self.step_index += 1
        return rewards

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        rewards = self.step(action)
        self.observe(out)
        return rewards

    def records(self) -> AdmissionRecords:
        self._ended = True
        records = empty_records(self._drawn)
        for n, queue in enumerate(self._queues):
            queue.env.run()
            for job, start_s in queue.start_s.items():
                records.admitted[n, job] = True
                records.start_s[n, job] = start_s
                records.finish_s[n, job] = queue.finish_s[job]
        return records
