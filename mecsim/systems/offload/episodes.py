"""N offloading episodes in the terms of an environment."""

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays, Episodes, Layout, Rows
from mecsim.errors import InputError
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.futures import sample_futures
from mecsim.systems.offload.engine import OffloadEngine
from mecsim.systems.offload.layout import (
    DELAY,
    ENERGY,
    EXECUTING,
    MISSES,
    PRICE,
    QUEUED_MBIT,
    QUEUED_TASKS,
    SHORTFALL,
    layout_of,
    offload_spec,
)
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes


class OffloadEpisodes(Episodes[OffloadScenario, OffloadTapes, OffloadRecords]):
    """Engines earn minus delay (s), minus energy (J) and, where delays are rated, minus what ratings fall short."""

    IMAGINES = True

    engine: OffloadEngine

    def __init__(self, scenario: OffloadScenario, layout: Layout, engine: OffloadEngine) -> None:
        super().__init__(scenario, layout, engine)
        self.spec = offload_spec(scenario)

    def possible(self, action: NDArray[np.int64], mask: NDArray[np.int8]) -> NDArray[np.int64]:
        """The last option that exists stands for absent ones."""
        xp = self.engine.xp
        return xp.minimum(action, mask.sum(axis=1, dtype=xp.int64) - 1)  # type: ignore[no-any-return]

    def waits(self, observation: Arrays) -> NDArray[np.bool_]:
        """Where a task waits for its dispatch."""
        return observation["context"][:, QUEUED_TASKS] > 0

    def imagine(self, rng: np.random.Generator, count: int, horizon: int) -> "Callable[[Rows, Rows], OffloadEpisodes]":
        """See `Episodes`: what arrives is drawn anew, what waits and works is known."""
        mask = self._mask()
        if self.tapes is None:
            raise InputError("an imagined episode cannot be imagined further")
        futures = sample_futures(self.scenario, self.tapes, rng, count, min(horizon, self.steps - self.step_index - 1))

        def imagined(episode: Rows, future: Rows) -> OffloadEpisodes:
            copied = copy(self)
            copied.engine, copied.tapes = self.engine.imagined(futures, episode, future), None
            copied._possible = mask[episode]
            return copied

        return imagined

    def info(self, observation: Arrays, rewards: NDArray[np.float64] | None) -> dict[str, Any]:
        """See `OffloadEnv`."""
        own = partial(self.engine.xp.asarray, copy=True)
        info: dict[str, Any] = {
            "action_mask": own(observation["mask"]),
            "queued_tasks": own(observation["context"][..., QUEUED_TASKS]),
            "queued_mbit": own(observation["context"][..., QUEUED_MBIT]),
            "executing_tasks": observation["options"][..., EXECUTING].clip(min=0.0),
        }
        if rewards is not None:
            info["delay_s"] = 0.0 - rewards[..., DELAY]
            info["energy_j"] = 0.0 - rewards[..., ENERGY]
            for name, column in {"satisfaction_shortfall": SHORTFALL, "misses": MISSES, "price": PRICE}.items():
                if column in self.spec.told:
                    info[name] = 0.0 - rewards[..., self.spec.told.index(column)]
        return info


def batched_episodes(scenario: OffloadScenario) -> OffloadEpisodes:
    """Episodes on the batched engine, for policies that are fitted."""
    return OffloadEpisodes(scenario, layout_of(scenario), BatchedOffloadEngine(scenario))
