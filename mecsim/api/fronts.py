"""`mecsim.sweep`: policies over a grid of preferences, and their fronts."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mecsim.api.notebook import Shown
from mecsim.api.places import result_folder
from mecsim.api.progress import progress, say
from mecsim.api.targets import Target, is_here, target_name
from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes
from mecsim.core.threads import kernel_threads
from mecsim.errors import InputError
from mecsim.policies import calibrate
from mecsim.report.figures import front_figure
from mecsim.report.sweeps import save_sweep
from mecsim.scenario import load_scenario
from mecsim.sweep import (
    SweepResult,
    Workers,
    check_playable,
    preference_grid,
    read_sweep,
    runs_of,
    scenario_of_runs,
    with_greedy,
)
from mecsim.sweep import sweep as play_over
from mecsim.sweep.files import front_frame

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

INDICATORS = ("hypervolume", "mean_cost", "mean_cost_ratio_to_greedy", "expected_utility", "igd_plus", "cardinality")


class Sweep(Shown, SweepResult):
    """The fronts of targets that were played for the same preferences on the same episodes, in their folder.

    `Sweep.open("FOLDER")` reads one that `mecsim sweep` or an earlier session left.
    """

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """A finished sweep.

        Raises:
            InputError: there is none, or it is damaged.
        """
        found = read_sweep(folder)
        return cls(found.folder, found.scenario, found.fronts, found.calibration, found.seed, found.summary)

    def __repr__(self) -> str:
        targets = ", ".join(front.label for front in self.fronts)
        preferences, episodes, _ = self.fronts[0].totals.shape
        return f"Sweep({str(self.folder)!r}: {targets}; {preferences} preferences, {episodes} episodes)"

    def frame(self) -> "pl.DataFrame":
        """A row per target and preference, objectives as they are shown: the columns of front.csv."""
        return front_frame(self.fronts, self.scenario)

    def table(self) -> "pl.DataFrame":
        """A row per target: hypervolume and cardinality (higher is better), costs, utility and IGD+ (lower)."""
        import polars as pl

        told = [self.summary["targets"][front.target] for front in self.fronts]
        columns = {name: [one[name] for one in told] for name in INDICATORS}
        return pl.DataFrame({"target": [front.label for front in self.fronts], **columns})

    def figure(self) -> "Figure":
        """The fronts with 95 % intervals."""
        return front_figure(self.fronts, self.scenario)


def sweep(
    targets: Target | Sequence[Target],
    scenario: str | Path | Scenario | None = None,
    preferences: int = 101,
    episodes: int = 1000,
    seed: int = 0,
    out: str | Path | None = None,
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
        out: a new or empty folder for the results; a temporary one, which goes when Python ends, if not given.
        workers: processes to spread the work over.
        show: whether a bar shows the progress, in a terminal or a notebook.

    Raises:
        InputError: something given cannot be used; RunError: a run is damaged.
    """
    given = list(targets) if isinstance(targets, Sequence) and not isinstance(targets, str) else [targets]
    names = [target_name(target) for target in given]
    if not names:
        raise InputError("targets: none is named")
    to_play = with_greedy(names)
    if workers > 1 and any(map(is_here, names)):
        raise InputError("workers: other processes cannot see a policy of this session; move it to a module of its own")
    if episodes < 1:
        raise InputError(f"episodes: expected at least 1, got {episodes}")
    played = scenario_of_runs(names) if scenario is None else load_scenario(scenario)
    grid = preference_grid(len(played.objectives), preferences)
    runs = {name: runs_of(name, played) for name in to_play}
    check_playable(to_play, played)
    draw_episodes(played, seed, 0, 1)  # files that the scenario names are read before any is written
    with result_folder(out, "sweep") as folder:
        started, done = time.perf_counter(), 0
        threads = max(workers, kernel_threads())
        with progress("sweep", sum(map(len, runs.values())) * len(grid), show) as advance:

            def on_progress(target: str, more: int) -> None:
                nonlocal done
                done += more
                advance(done, Path(target).name)

            found = play_over(to_play, played, grid, episodes, seed, Workers(workers, threads), on_progress)
        fronts, greedy = tuple(found[: len(names)]), found[to_play.index("greedy")]
        spent_s = time.perf_counter() - started
        told = {"seed": seed, "threads": threads, "workers": workers, "wall_time_s": spent_s}
        content, _ = save_sweep(folder, fronts, greedy, played, told)
        if out is None and show:
            say(f"swept into {folder}, which goes when Python ends; keep a sweep by out=FOLDER")
        return Sweep(folder, played, fronts, calibrate(played), seed, content)
