"""`mecsim.simulate`: a policy played for one preference, and what its episodes came to."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.api.notebook import Shown
from mecsim.api.progress import progress
from mecsim.api.targets import Target, target_name
from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, system_of
from mecsim.envs.wrappers import checked_preference
from mecsim.errors import InputError
from mecsim.report.simulation import episode_summary
from mecsim.scenario import load_scenario
from mecsim.sweep import policy_factory
from mecsim.sweep.simulate import Simulation as Asked
from mecsim.sweep.simulate import simulate as play

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Simulation(Shown):
    """What episodes came to."""

    scenario: Scenario
    policy: str
    preference: tuple[float, ...]
    quantities: Mapping[str, NDArray[np.float64]]  # (N,) each, one value per episode
    records: Mapping[str, "pl.DataFrame"]
    """The tables of records by their names, such as `tasks` and `servers`; none where they were not asked for."""

    def __repr__(self) -> str:
        count = len(next(iter(self.quantities.values())))
        return f"Simulation({self.policy}; preference {', '.join(f'{w:g}' for w in self.preference)}; {count} episodes)"

    def frame(self) -> "pl.DataFrame":
        """A row per episode, a column per quantity, with their units."""
        import polars as pl

        count = len(next(iter(self.quantities.values())))
        return pl.DataFrame({"episode": np.arange(count), **self.quantities})

    def table(self) -> "pl.DataFrame":
        """A row per quantity: its mean over episodes and the half width of the 95 % interval of that."""
        import polars as pl

        found = episode_summary(self.quantities)
        labels = system_of(self.scenario).quantities
        return pl.DataFrame(
            {
                "quantity": list(found),
                "about": [labels[name] for name in found],
                "mean": [one["mean"] for one in found.values()],
                "ci95": [one["ci95"] for one in found.values()],
            },
            schema_overrides={"mean": pl.Float64, "ci95": pl.Float64},
        )

    def figure(self) -> "Figure":
        """How the first quantities, which the system holds for the most important ones, are spread over episodes."""
        from mecsim.report.histograms import histogram_figure

        labels = system_of(self.scenario).quantities
        first = {labels[name]: self.quantities[name] for name in list(self.quantities)[:2]}
        return histogram_figure(first, self.policy)


def simulate(
    scenario: str | Path | Scenario,
    policy: Target = "greedy",
    preference: ArrayLike | None = None,
    episodes: int = 100,
    seed: int = 0,
    engine: EngineName = "batched",
    records: bool = False,
    show: bool = True,
) -> Simulation:
    """Play a policy for one preference, as `mecsim simulate` does.

    Args:
        scenario: a built-in's name, a file or a `Scenario`.
        policy: a policy's name, a run, or a policy of your own; see `Target`.
        preference: one weight per objective; even ones if not given.
        episodes: how many to play.
        seed: of everything random.
        engine: that plays.
        records: whether to keep what became of every task or request, too.
        show: whether a bar shows the progress, in a terminal or a notebook.

    Raises:
        InputError: something given cannot be used; RunError: a run is damaged.
    """
    import polars as pl

    played, name = load_scenario(scenario), target_name(policy)
    count = len(played.objectives)
    weights = checked_preference(np.full(count, 1.0 / count) if preference is None else preference, count)
    if episodes < 1:
        raise InputError(f"episodes: expected at least 1, got {episodes}")
    policy_factory(name, played)
    draw_episodes(played, seed, 0, 1)  # files that the scenario names are read before anything is played
    asked = Asked(played, name, tuple(weights.tolist()), engine, episodes, seed, recorded=records)
    chunks = []
    with progress("simulation", episodes, show) as advance, closing(play(asked)) as found:
        done = 0
        for chunk in found:
            chunks.append(chunk)
            done += len(next(iter(chunk.quantities.values())))
            advance(done)
    quantities = {name: np.concatenate([one.quantities[name] for one in chunks]) for name in chunks[0].quantities}
    tables = system_of(played).tables if records else ()
    kept = {
        table.file.removesuffix(".csv"): pl.concat([pl.read_csv(BytesIO(one.texts[place])) for one in chunks])
        for place, table in enumerate(tables)
    }
    return Simulation(played, name, asked.preference, quantities, kept)
