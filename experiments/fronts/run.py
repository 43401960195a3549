"""Fronts of the one policy for every number of edges (Fig. 3 of the GMORL paper, arXiv 2509.10474).

The paper shows the front of one GMORL policy for each E from 1 to 8, in total and per Mbit. Here the run `gmorl`
(trained on 1 to 8 edges and a range of frequencies) and greedy are played at the mean frequencies of its training range
(cloud 4 GHz, edges 2 GHz) with the number of edges fixed.

    python experiments/fronts/run.py

Scales of preferences and the reference point are measured for each E (the worst greedy anchor plus half of the range of
the anchors). As the load is balanced, more edges mean larger tasks: totals grow with E, and values per Mbit tell
whether capacity is used better. They divide the mean by the mean number of Mbit that an episode dispatches.
"""

import numpy as np

from mecsim.cli import main
from mecsim.policies import calibrate, named_policy, play
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import measured, on_front, tape_chunks
from mecsim.systems.offload.scenario import OffloadScenario

GRID = 51, 500  # preferences and episodes of each policy for each number of edges
MEAN_FREQUENCIES = {"servers.cloud.cpu": "4 GHz", "servers.edge.cpu": "2 GHz", "evaluation.reference": "null"}


def dispatched_mbit(scenario: OffloadScenario, episodes: int, seed: int) -> float:
    """Mean Mbit that an episode dispatches; the same whatever the policy, as each step dispatches the next task."""
    everywhere = np.full(len(scenario.objectives), 1.0 / len(scenario.objectives))
    total_bit = 0.0
    for _, tapes in tape_chunks(scenario, seed, episodes):
        records = play(named_policy("cloud", scenario)(seed), scenario, tapes, everywhere).records
        total_bit += float(records.size_bit[records.dispatched].sum())
    return total_bit / episodes / 1e6


@experiment(__file__)
def run(study: Study) -> None:
    """Fronts of one policy for 1 to 8 edges, in total and per Mbit."""
    policy = study.trained("gmorl", "gmorl")
    rows: list[dict[str, object]] = []
    totals, per_mbit = [], []
    summary: list[dict[str, object]] = []
    for edges in (1, 8) if study.quick else range(1, 9):
        scenario = with_context(load_scenario("gmorl"), {**MEAN_FREQUENCIES, "edges": str(edges)})
        calibration = calibrate(scenario)
        mbit = dispatched_mbit(scenario, study.episodes(1000), study.seed)
        for front in study.fronts([policy, "greedy"], scenario, *GRID):
            name = "greedy" if front.target == "greedy" else "gmorl"
            mean, ci95 = front.mean, front.ci95
            best = on_front(mean)
            for k, weights in enumerate(front.preferences):
                row: dict[str, object] = {"edges": edges, "target": name, "preference_delay": float(weights[0])}
                row |= {"delay_s": float(mean[k, 0]), "delay_ci95": float(ci95[k, 0])}
                row |= {"energy_j": float(mean[k, 1]), "energy_ci95": float(ci95[k, 1])}
                row |= {"delay_s_per_mbit": float(mean[k, 0]) / mbit, "energy_j_per_mbit": float(mean[k, 1]) / mbit}
                rows.append(row | {"on_front": int(best[k])})
            told: dict[str, object] = {"edges": edges, "target": name, "dispatched_mbit": mbit}
            reference = {"reference_delay_s": float(calibration.reference[0])}
            reference |= {"reference_energy_j": float(calibration.reference[1])}
            summary.append(told | reference | dict(measured(front, calibration)))
            if name == "gmorl":
                shown = mean[best][np.argsort(mean[best][:, 0])]
                label = "1 edge" if edges == 1 else f"{edges} edges"
                totals.append(Curve(label, shown[:, 0], shown[:, 1]))
                per_mbit.append(Curve(label, shown[:, 0] / mbit, shown[:, 1] / mbit))
    study.write(rows, "points")
    study.write(summary)
    panels = [
        Panel("delay per episode (s)", "energy per episode (J)", totals),
        Panel("delay per Mbit (s)", "energy per Mbit (J)", per_mbit),
    ]
    save_lines(study.out / "fronts.png", "Fronts of one policy", panels)


if __name__ == "__main__":
    main(program=run)
