"""The SimPy engine: the offloading system as a discrete-event simulation, to be read as its definition.

A dispatcher takes a task from a queue and starts its upload (`simpy_episode`); the server does the rest
(`simpy_server`, which has an uplink and a processor). Where tasks can run on their users' devices, these are servers
without an upload.

Nothing here is shared with the batched engine but the layout of an observation and the formulas of energy and rate. How
delays are rated is one definition in two forms: for arrays, used here, and for compiled code.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Observation, Replayed, checked_actions
from mecsim.errors import InputError
from mecsim.physics.energy import upload_energy_j
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.engine import OffloadEngine, check_options
from mecsim.systems.offload.futures import Futures, play_rollouts
from mecsim.systems.offload.layout import (
    offload_spec,
)
from mecsim.systems.offload.records import OffloadRecords, empty_records
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.simpy_episode import OffloadSimulation
from mecsim.systems.offload.tape import OffloadTapes


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
            options = range(simulation.num_options)
            reward[n, : len(options)] = np.negative([simulation.cost_row(costs) for costs in simulation.costs(options)])
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

    def imagined(self, futures: Futures, episode: NDArray[np.int64], future: NDArray[np.int64]) -> OffloadEngine:
        """By the batched engine, which comes to the same point."""
        if self._tapes is None:
            raise InputError("no episode has begun")
        engine = BatchedOffloadEngine(self.scenario)
        engine.begin(self._tapes)
        for action in self._actions:
            engine.step(action)
        return engine.imagined(futures, episode, future)

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
            steps = [step for step, _ in simulation.dispatched]
            records.satisfaction[n, steps] = simulation.ratings(simulation.results())
            for step, task in simulation.dispatched:
                upload_s = task.upload_end_s - task.dispatch_s
                on_radio = task.server < self.spec.max_servers
                rate = simulation.rate_bit_per_s(task, task.server) if on_radio else 0.0
                if self.spec.interference:  # what it came to in the end, whoever came later
                    rate = task.size_bit / upload_s if upload_s > 0.0 else 0.0
                    task.radio_j = upload_energy_j(self.spec.tx_power_w, upload_s)
                    task.radio_j += self.spec.rx_power_w * task.way_back_s
                records.task[n, step] = task.index
                records.user[n, step] = task.user
                records.size_bit[n, step] = task.size_bit
                records.cycles[n, step] = self.spec.cycles_per_bit * task.work_bit
                records.output_bit[n, step] = task.output_bit
                records.server[n, step] = task.server
                records.rate_bit_per_s[n, step] = rate
                records.arrival_s[n, step] = task.arrival_s
                records.dispatch_s[n, step] = task.dispatch_s
                records.upload_end_s[n, step] = task.upload_end_s
                records.finish_s[n, step] = task.finish_s
                records.result_s[n, step] = task.finish_s + task.way_back_s
                records.price[n, step] = task.price
                records.energy_j[n, step] = task.radio_j + task.execution_j
                records.reward_delay_s[n, step] = task.reward_delay_s
                records.deadline_s[n, step] = task.deadline_s
        return records
