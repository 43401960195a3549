"""What evolutionary search reaches on snapshots of a personalized network, against the exact front.

Who gets which quality is an optimisation that was proposed to be left to evolutionary search (arXiv 2306.04887 and
2307.03867). For a snapshot it is a multiple-choice knapsack, whose exact front is known: so here is how far NSGA-II is
from it, on 50 requests of the scenario `personalized-cell` with 8 levels, as if they came at once.

    python experiments/snapshots/run.py --num-threads 1

`result.csv` has the hypervolume of each method relative to the exact front's (reference: satisfaction 0, nothing
saved), and the most resources saved at a mean satisfaction of at least 4 and 3 of 5, empty where a snapshot does not
get there. Means over snapshots with 95 % intervals; each has its own seed of NSGA-II. `times.csv` has the processor
time of the exact front by number of users and blocks, the fastest of several repetitions.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mecsim.cli import main
from mecsim.core.system import draw_episodes
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep.front import half_width_95
from mecsim.sweep.indicators import hypervolume, on_front
from mecsim.systems.cells.policies.knapsack import exact_front, greedy_choice, lagrangian_front, universal_fit
from mecsim.systems.cells.policies.snapshot import Snapshot, snapshot_of
from mecsim.systems.cells.policies.snapshot_nsga2 import SnapshotNsga2Config, evolved_front
from mecsim.systems.cells.scenario import CellsScenario

Array = NDArray[np.float64]

SCENARIO = "personalized-cell"
LEVELS, USERS, SNAPSHOTS = 8, 50, 20
CAPACITIES = (100, 275)  # blocks, scarce and ample; 275 are a carrier of 50 MHz
GENERATIONS, QUICK_GENERATIONS = 500, 10
MOMENT = 100  # generations of a short run
WEIGHTINGS = 101  # of greedy
RATINGS = (4, 3)
TIMED_USERS, TIMED_CAPACITIES = (50, 100, 200, 500, 1000), (275, 1000, 10_000)
REPETITIONS = 5
SHOWN, SHOWN_POINTS = 0, 25  # the snapshot in the picture, and points of each front


@experiment(__file__)
def run(study: Study) -> None:
    """NSGA-II against the exact front, and what the exact front takes."""
    rows: list[dict[str, object]] = []
    panels = []
    for capacity in CAPACITIES:
        snapshots = _snapshots(USERS, capacity, 2 if study.quick else SNAPSHOTS, study.seed)
        found = {method: _tried(solve, snapshots) for method, solve in _methods(study.quick).items()}
        exact = [_volume(values) for values, _ in found["exact"]]
        demanded = float(np.mean([snapshot.demanded_blocks for snapshot in snapshots]))
        for method, tried in found.items():
            row: dict[str, object] = {"capacity": capacity, "demanded_blocks": demanded, "method": method}
            rows.append(row | _judged(tried, exact))
        panels.append(_panel(f"{capacity} blocks", {name: tried[SHOWN][0] for name, tried in found.items()}))
    study.write(rows, scenario=SCENARIO, users=USERS, levels=LEVELS, snapshots=2 if study.quick else SNAPSHOTS)
    study.write(_times((20, 40) if study.quick else TIMED_USERS, study.seed), "times", scenario=SCENARIO, levels=LEVELS)
    save_lines(study.out / "snapshots.png", f"A snapshot of {USERS} requests", panels)


def _snapshots(users: int, capacity: int, count: int, seed: int) -> list[Snapshot]:
    """Requests of episodes of the scenario, in a cell of that capacity, as if they came at once."""
    changes = {"episode.requests": users, "users.count": users, "service.levels": LEVELS, "cells.blocks": capacity}
    scenario = with_context(load_scenario(SCENARIO), {key: str(value) for key, value in changes.items()})
    assert isinstance(scenario, CellsScenario)
    tapes = draw_episodes(scenario, seed, 0, count)
    return [snapshot_of(tapes, episode, capacity) for episode in range(count)]


def _methods(quick: bool) -> dict[str, Callable[[Snapshot, int], Array]]:
    """What is compared: each gives the values of choices for a snapshot and a seed."""
    shares = np.linspace(0.0, 1.0, WEIGHTINGS)
    weightings = np.stack([shares / 5.0, 1.0 - shares], axis=1)  # of satisfaction from 0 to 5, and saved from 0 to 1
    generations = QUICK_GENERATIONS if quick else GENERATIONS
    short = min(generations, MOMENT)

    def evolved(config: SnapshotNsga2Config) -> Callable[[Snapshot, int], Array]:
        return lambda snapshot, seed: evolved_front(snapshot, seed, config).values

    return {
        "exact": lambda snapshot, _: exact_front(snapshot).values,
        "hull": lambda snapshot, _: lagrangian_front(snapshot).values,
        "nsga2": evolved(SnapshotNsga2Config(generations=generations)),
        "nsga2 short": evolved(SnapshotNsga2Config(generations=short)),
        "nsga2 textbook": evolved(SnapshotNsga2Config(generations=generations, operators="textbook")),
        "nsga2 textbook short": evolved(SnapshotNsga2Config(generations=short, operators="textbook")),
        "greedy": lambda snapshot, _: snapshot.values(np.stack([greedy_choice(snapshot, w) for w in weightings])),
        "universal fit": lambda snapshot, _: snapshot.values(universal_fit(snapshot)[None]),
        "minimum for all": lambda snapshot, _: snapshot.values(universal_fit(snapshot, level=1)[None]),
    }


def _tried(solve: Callable[[Snapshot, int], Array], snapshots: Sequence[Snapshot]) -> list[tuple[Array, float]]:
    """Values that a method finds on each snapshot, and the processor time that it takes."""
    solve(snapshots[0], 0)  # compile
    found = []
    for seed, snapshot in enumerate(snapshots):
        started = time.process_time()
        found.append((solve(snapshot, seed), time.process_time() - started))
    return found


def _volume(values: Array) -> float:
    return hypervolume(-values, np.zeros(2))


def _judged(tried: Sequence[tuple[Array, float]], exact: Sequence[float]) -> dict[str, object]:
    """The columns of one method."""
    ratio = np.array([_volume(values) / best for (values, _), best in zip(tried, exact, strict=True)])
    row: dict[str, object] = {"points": float(np.mean([len(values) for values, _ in tried]))}
    row |= {"hypervolume_to_exact": float(ratio.mean()), "hypervolume_to_exact_ci95": float(half_width_95(ratio))}
    row |= {"least_hypervolume_to_exact": float(ratio.min())}
    for rating in RATINGS:
        saved = np.array([_most_saved(values, rating) for values, _ in tried])
        row |= {f"saved_at_{rating}": float(saved.mean()), f"saved_at_{rating}_ci95": float(half_width_95(saved))}
    return row | {"cpu_s": float(np.mean([cpu_s for _, cpu_s in tried]))}


def _most_saved(values: Array, rating: float) -> float:
    """The largest saved share where the mean satisfaction is at least `rating`; NaN where it never is."""
    enough = values[values[:, 0] >= rating - 1e-9, 1]
    return float(enough.max()) if len(enough) else float("nan")


def _times(users: Sequence[int], seed: int) -> list[dict[str, object]]:
    """What the exact front, its hull and recovering all of its choices take."""
    rows: list[dict[str, object]] = []
    for count in users:
        for capacity in TIMED_CAPACITIES:
            [snapshot] = _snapshots(count, capacity, 1, seed)
            front = exact_front(snapshot)
            rows.append(
                {
                    "users": count,
                    "capacity": capacity,
                    "demanded_blocks": snapshot.demanded_blocks,
                    "points": len(front),
                    "exact_cpu_s": _fastest_s(partial(exact_front, snapshot)),
                    "all_choices_cpu_s": _fastest_s(front.choices),
                    "hull_points": len(lagrangian_front(snapshot)),
                    "hull_cpu_s": _fastest_s(partial(lagrangian_front, snapshot)),
                }
            )
    return rows


def _fastest_s(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPETITIONS):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return min(taken)


def _panel(title: str, found: dict[str, Array]) -> Panel:
    """The fronts of some of the methods for one snapshot, some of the points of each."""
    curves = []
    for method in ("exact", "nsga2", "nsga2 textbook", "greedy", "universal fit"):
        values = np.unique(found[method][on_front(-found[method])], axis=0)
        thinned = values[np.unique(np.linspace(0, len(values) - 1, SHOWN_POINTS).astype(np.int64))]
        curves.append(Curve(method, thinned[:, 0], thinned[:, 1]))
    return Panel(f"mean satisfaction, {title}", "share of demanded blocks saved", curves)


if __name__ == "__main__":
    main(program=run)
