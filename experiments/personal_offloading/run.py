"""What a third objective is worth: one policy for delay, energy and satisfaction beside policies for two of them.

    python experiments/personal_offloading/run.py

`gmorl-personal`, whose users differ in the delays that satisfy them. One policy is trained for all three objectives
(two seeds) and one for each pair of them, with the same settings and steps. All are played on the same episodes and
judged by all three objectives: the first for preferences spread over the triangle, each pair for as many on its own
edge. `result.csv` has hypervolumes, with paired ratios to that of the best pair; `front.csv` the mean points.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np

from mecsim.cli import main
from mecsim.core.system import values_shown
from mecsim.policies import calibrate
from mecsim.report.charts import save_fronts
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import PLAIN_AGENT, Study, experiment
from mecsim.sweep import Front, estimates, on_front, preference_grid
from mecsim.systems.offload.scenario import OffloadScenario

SCENARIO = "gmorl-personal"
PREFERENCES, EPISODES, SEEDS = 91, 200, 2  # 91 points are a whole lattice on the triangle


@experiment(__file__)
def run(study: Study) -> None:
    """Policies for three objectives and for two, judged by three."""
    scenario = load_scenario(SCENARIO)
    calibration = calibrate(scenario)
    pairs = _pairs(study, scenario)
    fronts = {**_whole(study, scenario), **pairs}
    volume = {name: estimates(front, calibration)["hypervolume"] for name, front in fronts.items()}
    best = max(pairs, key=lambda name: volume[name].value)
    rows: list[dict[str, object]] = []
    points: list[dict[str, object]] = []
    for name, front in fronts.items():
        row: dict[str, object] = {"policy": name, "preferences": len(front.preferences)}
        to_best = volume[name] / volume[best]
        row |= {"episodes": front.totals.shape[1], "hypervolume": volume[name].value}
        row |= {"hypervolume_ci95": volume[name].ci95, "to_best_pair": to_best.value}
        row |= {"to_best_pair_ci95": to_best.ci95}
        rows.append(row | {"undominated": int(on_front(front.mean).sum())})
        for weights, values in zip(front.preferences, values_shown(front.mean, scenario), strict=True):
            asked = {f"weight_{key}": float(weight) for key, weight in zip(scenario.objectives, weights, strict=True)}
            points.append({"policy": name, **asked, **dict(zip(scenario.objectives, values.tolist(), strict=True))})
    study.write(rows, best_pair=best)
    study.write(points, "front")
    drawn = [replace(front, target=name) for name, front in fronts.items() if name == "seed 0" or name in pairs]
    save_fronts(study.out / "front.png", drawn, scenario)


def _whole(study: Study, scenario: OffloadScenario) -> dict[str, Front]:
    """Policies for all objectives and greedy, over the triangle."""
    folders = {f"{SCENARIO}-seed{seed}": seed for seed in range(1 if study.quick else SEEDS)}
    runs = study.trained_seeds(scenario, folders, settings=PLAIN_AGENT)
    targets = {**{f"seed {seed}": run for seed, run in enumerate(runs)}, "greedy": "greedy"}
    return dict(zip(targets, study.fronts(list(targets.values()), scenario, PREFERENCES, EPISODES), strict=True))


def _pairs(study: Study, scenario: OffloadScenario) -> dict[str, Front]:
    """A policy for each pair of objectives, over the edge of the triangle between them."""
    count, fronts = len(study.grid(scenario, PREFERENCES)), {}
    for pair in combinations(range(len(scenario.objectives)), 2):
        names = [scenario.objectives[index] for index in pair]
        own = with_context(scenario, {"objectives": f"[{', '.join(names)}]"})
        folder = study.trained(own, f"{SCENARIO}-{'-'.join(names)}", settings=PLAIN_AGENT)
        edge = np.zeros((count, len(scenario.objectives)))
        edge[:, pair] = preference_grid(2, count)
        [fronts[" and ".join(names)]] = study.fronts([folder], scenario, edge, EPISODES)
    return fronts


if __name__ == "__main__":
    main(program=run)
