"""The SimPy engine of the cells: the system as a discrete-event simulation, to be read as its definition.

`simpy_episode` has the episode. Nothing here is shared with the batched engine but the layout of an observation.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Observation, Replayed, checked_actions
from mecsim.errors import InputError
from mecsim.systems.cells.engine import impossible_choice
from mecsim.systems.cells.layout import (
    REJECT,
    cells_spec,
    mean_durations_s,
    paces,
)
from mecsim.systems.cells.records import CellsRecords, unwritten_records
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.simpy_episode import CellSimulation, Known
from mecsim.systems.cells.tape import CellsTapes


class SimpyCellsEngine(Replayed[CellsScenario, CellsTapes, CellsRecords]):
    """Implements `CellsEngine` with one simulation per episode. See there for the meaning of each method."""

    xp = np

    def __init__(self, scenario: CellsScenario) -> None:
        super().__init__(scenario)
        self.spec = cells_spec(scenario)
        self._known = Known(mean_durations_s(scenario).tolist(), paces(scenario).tolist())
        self._simulations: list[CellSimulation] = []

    @property
    def steps(self) -> int:
        return self.spec.requests

    @property
    def step_index(self) -> int:
        return self._simulations[0].current_step if self._simulations else 0

    def begin(self, tapes: CellsTapes) -> None:
        tapes.check_fits(self.spec)
        super().begin(tapes)
        self._simulations = [CellSimulation(self.spec, self._known, tapes, n) for n in range(len(tapes))]

    def observe(self, out: Observation) -> None:
        for n, simulation in enumerate(self._simulations):
            simulation.observe(out, n)

    def option_rewards(self) -> NDArray[np.float64]:
        reward = np.full((len(self._simulations), self.spec.max_options, self.spec.num_rewards), -np.inf)
        for n, simulation in enumerate(self._simulations):
            reward[n, REJECT] = 0.0
            request = simulation.waiting
            if request is None:
                continue
            reward[n, REJECT] = simulation.expected_rewards(request, None)
            for i, offer in enumerate(request.offers):
                if simulation.is_possible(i + 1):
                    reward[n, i + 1] = simulation.expected_rewards(request, offer)
        return reward

    def ratings(self, truth: bool) -> NDArray[np.float64]:
        return np.array([simulation.ratings(truth) for simulation in self._simulations])

    def free_blocks(self) -> NDArray[np.int64]:
        free = [[int(cell.free.level) for cell in simulation.cells] for simulation in self._simulations]
        return np.array(free, np.int64)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        simulations = self._simulations
        valid = checked_actions(action, len(simulations), self._ended or self.step_index >= self.steps)
        chosen = valid.tolist()
        for n, simulation in enumerate(simulations):
            if not simulation.is_possible(chosen[n]):
                raise impossible_choice(chosen[n], n, self.spec)
        self._actions.append(valid)
        return np.array([simulation.step(option) for simulation, option in zip(simulations, chosen, strict=True)])

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        reward = self.step(action)
        self.observe(out)
        return reward

    def records(self) -> CellsRecords:
        if self._tapes is None:
            raise InputError("no episode has begun: begin one first")
        self._ended = True
        records = unwritten_records(self._tapes, self.spec)
        for n, simulation in enumerate(self._simulations):
            simulation.finish()
            for m, decision in enumerate(simulation.decisions):
                records.option[n, m] = decision.option
                records.end_s[n, m] = decision.end_s
                records.saved_block_s[n, m] = decision.saved_block_s
                records.blocked[n, m] = decision.blocked
                records.left[n, m] = decision.left
                records.adequate[n, m], records.desired[n, m] = decision.levels
                if decision.offer is not None:
                    records.level[n, m] = decision.offer.level
                    records.cell[n, m] = decision.offer.cell
                    records.blocks[n, m] = decision.offer.blocks
                    records.satisfaction[n, m] = decision.satisfaction
                    records.predicted[n, m] = decision.predicted
            records.busy_block_s[n] = [cell.busy_block_s for cell in simulation.cells]
            records.peak_blocks[n] = [cell.peak_blocks for cell in simulation.cells]
        return records
