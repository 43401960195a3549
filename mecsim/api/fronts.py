"""`mecsim.sweep`: policies over a grid of preferences, and their fronts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mecsim.api.notebook import Shown
from mecsim.api.progress import progress
from mecsim.api.targets import Target, is_here, target_name
from mecsim.core.scenario import Scenario
from mecsim.errors import InputError
from mecsim.policies import Calibration, calibrate
from mecsim.report.figures import front_figure
from mecsim.scenario import load_scenario
from mecsim.sweep import Front, Workers, assess, policy_factory, preference_grid
from mecsim.sweep import sweep as play_over
from mecsim.sweep.evaluate import runs_of
from mecsim.sweep.files import front_frame

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sweep(Shown):
    """The fronts of targets that were played for the same preferences on the same episodes."""

    scenario: Scenario
    fronts: tuple[Front, ...]
    seed: int

    def __repr__(self) -> str:
        targets = ", ".join(front.label for front in self.fronts)
        preferences, episodes, _ = self.fronts[0].totals.shape
        return f"Sweep({targets}; {preferences} preferences, {episodes} episodes)"

    @cached_property
    def calibration(self) -> Calibration:
        """Scales and reference point of the scenario."""
        return calibrate(self.scenario)

    def frame(self) -> "pl.DataFrame":
        """A row per target and preference, objectives as they are shown: the columns of front.csv."""
        return front_frame(self.fronts, self.scenario)

    def table(self) -> "pl.DataFrame":
        """A row per target: hypervolume (higher is better), mean cost, expected utility and IGD+ (lower)."""
        import polars as pl

        found = assess(self.fronts, self.calibration)
        return pl.DataFrame(
            {
                "target": [front.label for front in self.fronts],
                **{
                    name: [getattr(found[front.target], name) for front in self.fronts]
                    for name in ("hypervolume", "mean_cost", "expected_utility", "igd_plus", "cardinality")
                },
            }
        )

    def figure(self) -> "Figure":
        """The fronts with 95 % intervals."""
        return front_figure(self.fronts, self.scenario)


def sweep(
    targets: Target | Sequence[Target],
    scenario: str | Path | Scenario | None = None,
    preferences: int = 101,
    episodes: int = 1000,
    seed: int = 0,
    workers: int = 1,
    show: bool = True,
) -> Sweep:
    """Play each target over a grid of preferences on common random numbers, as `mecsim sweep` does.

    Args:
        targets: runs, names of policies, or policies of your own; see `Target`.
        scenario: a built-in's name, a file or a `Scenario`; that of the first run if not given.
        preferences: size of the grid.
        episodes: that each preference is played on.
        seed: of these episodes.
        workers: processes to spread the work over.
        show: whether a bar shows the progress, in a terminal or a notebook.

    Raises:
        InputError: something given cannot be used; RunError: a run is damaged.
    """
    given = list(targets) if isinstance(targets, Sequence) and not isinstance(targets, str) else [targets]
    names = [target_name(target) for target in given]
    if not names or len(set(names)) < len(names):
        raise InputError("targets: none is named, or one twice")
    if workers > 1 and any(map(is_here, names)):
        raise InputError("workers: other processes cannot see a policy of this session; move it to a module of its own")
    played = _scenario_of(names) if scenario is None else load_scenario(scenario)
    grid = preference_grid(len(played.objectives), preferences)
    runs = {name: runs_of(name, played) for name in names}
    for run in (run for some in runs.values() for run in some):
        policy_factory(run, played)  # what cannot be played should not be noticed after hours
    done = 0
    with progress("sweep", sum(map(len, runs.values())) * len(grid), show) as advance:

        def on_progress(target: str, more: int) -> None:
            nonlocal done
            done += more
            advance(done, Path(target).name)

        fronts = play_over(names, played, grid, episodes, seed, Workers(workers, workers), on_progress)
    return Sweep(played, tuple(fronts), seed)


def _scenario_of(names: Sequence[str]) -> Scenario:
    from mecsim.sweep.planned import base_of
    from mecsim.training.multi import is_run, run_scenario

    for name in names:
        folder = Path(base_of(name)[0])
        if is_run(folder):
            return run_scenario(folder)
    raise InputError("scenario: policies alone need one: add scenario=NAME")
