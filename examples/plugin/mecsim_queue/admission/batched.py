"""The fast engine: N episodes at once, by Lindley's recursion (Lindley 1952) for the backlog that a job finds."""

from copy import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Observation, checked_actions, impossible_action
from mecsim_queue.admission.layout import ADMIT, ADMITS, BACKLOG_S, COSTS, REMAINING, SERVICE_S, VALUE
from mecsim_queue.admission.records import AdmissionRecords, empty_records
from mecsim_queue.admission.scenario import AdmissionScenario
from mecsim_queue.admission.tape import AdmissionTapes


class BatchedAdmissionEngine:
    """Implements `Engine` for any number of episodes. Rewards: minus the time of the job, its share of all value."""

    xp = np

    def __init__(self, scenario: AdmissionScenario) -> None:
        self.scenario = scenario
        self.step_index = 0

    @property
    def steps(self) -> int:
        return self.scenario.steps

    def begin(self, tapes: AdmissionTapes) -> None:
        tapes.check_fits(self.scenario)
        self._tapes, self.step_index, self._ended = tapes, 0, False
        self._backlog_s: NDArray[np.float64] = np.zeros(len(tapes))
        self._records = empty_records(tapes)

    def _rewards_of_admission(self) -> NDArray[np.float64]:
        """(N, 2)"""
        tapes, m = self._tapes, self.step_index
        time_s = self._backlog_s + tapes.service_s[:, m]
        return np.stack([-time_s, tapes.value[:, m] / tapes.value.sum(axis=1)], axis=1)

    def observe(self, out: Observation) -> None:
        out.options[...] = 0.0
        out.context[...] = 0.0
        out.mask[...] = 1
        if self.step_index >= self.steps:
            return
        m = self.step_index
        out.options[:, ADMIT, ADMITS] = 1.0
        out.options[:, :, BACKLOG_S] = self._backlog_s[:, None]
        out.options[:, :, SERVICE_S] = self._tapes.service_s[:, m, None]
        out.options[:, :, VALUE] = self._tapes.value[:, m, None]
        out.context[:, REMAINING] = (self.steps - m) / self.steps
        if self.scenario.observation.cost_features:
            out.options[:, ADMIT, COSTS:] = -self._rewards_of_admission()

    def option_rewards(self) -> NDArray[np.float64]:
        rewards = np.zeros((len(self._tapes), 2, 2))
        if self.step_index < self.steps:
            rewards[:, ADMIT] = self._rewards_of_admission()
        return rewards

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        tapes, m = self._tapes, self.step_index
        taken = checked_actions(action, len(tapes), self._ended or m >= self.steps)
        wrong = (taken < 0) | (taken > ADMIT)
        if wrong.any():
            n = int(wrong.argmax())
            raise impossible_action(int(taken[n]), n, 2)
        admitted = taken == ADMIT
        rewards = np.where(admitted[:, None], self._rewards_of_admission(), 0.0)
        begin_s = tapes.arrival_s[:, m] + self._backlog_s
        self._records.admitted[:, m] = admitted
        self._records.start_s[:, m] = np.where(admitted, begin_s, np.nan)
        self._records.finish_s[:, m] = np.where(admitted, begin_s + tapes.service_s[:, m], np.nan)
        self._backlog_s = self._backlog_s + np.where(admitted, tapes.service_s[:, m], 0.0)
        if m + 1 < self.steps:
            passed_s = tapes.arrival_s[:, m + 1] - tapes.arrival_s[:, m]
            self._backlog_s = np.maximum(self._backlog_s - passed_s, 0.0)
        self.step_index += 1
        return rewards

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        rewards = self.step(action)
        self.observe(out)
        return rewards

    def fork(self) -> Self:
        forked = copy(self)
        forked._backlog_s, forked._records = self._backlog_s.copy(), self._records.copy()
        return forked

    def records(self) -> AdmissionRecords:
        self._ended = True
        return self._records.copy()
