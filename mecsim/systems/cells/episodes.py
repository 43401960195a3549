"""N episodes of requests to cells in the terms of an environment."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays, Episodes, Layout
from mecsim.systems.cells.engine import CellsEngine
from mecsim.systems.cells.layout import ACTIVE, LEFT, MEAN_UTILISATION, PREDICTED, SATISFACTION, SAVED, cells_spec
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes


class CellsEpisodes(Episodes[CellsScenario, CellsTapes, CellsRecords]):
    """Engines earn each request's share of the mean satisfaction, and of the block-seconds saved."""

    engine: CellsEngine

    def __init__(self, scenario: CellsScenario, layout: Layout, engine: CellsEngine) -> None:
        super().__init__(scenario, layout, engine)
        self.spec = cells_spec(scenario)

    def possible(self, action: NDArray[np.int64], mask: NDArray[np.int8]) -> NDArray[np.int64]:
        """What cannot be taken rejects the request."""
        within = action.clip(max=self.max_options - 1)
        fits = self.engine.xp.take_along_axis(mask, within[:, None], 1)[:, 0] != 0
        return action * (fits & (within == action))  # type: ignore[no-any-return]  # REJECT is 0

    def waits(self, observation: Arrays) -> NDArray[np.bool_]:
        """Where somebody asks: who has left does not."""
        if not self.spec.memory.on:
            return super().waits(observation)
        return observation["context"][..., self.spec.first_memory + LEFT] == 0.0  # type: ignore[no-any-return]

    def info(self, observation: Arrays, rewards: NDArray[np.float64] | None) -> dict[str, Any]:
        """See `CellsEnv`."""
        own = partial(self.engine.xp.asarray, copy=True)
        info: dict[str, Any] = {
            "action_mask": own(observation["mask"]),
            "utilisation": own(observation["context"][..., MEAN_UTILISATION]),
            "active_sessions_per_block": own(observation["context"][..., ACTIVE]),
            "predicted_satisfaction": own(observation["options"][..., PREDICTED]),
        }
        if rewards is not None:
            info["satisfaction"] = rewards[..., SATISFACTION] * self.steps
            info["saved_resources"] = own(rewards[..., SAVED])
        return info
