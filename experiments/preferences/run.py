"""Delay and energy against the preference at six edges (Fig. 4 of the GMORL paper, arXiv 2509.10474).

The paper shows both objectives against the weight of delay. Here the run `gmorl` (1 to 8 edges, a range of
frequencies), the run `e6` (trained on this system alone), greedy and random are played on `gmorl-e6` over 101
preferences.

    python experiments/preferences/run.py

`..._falls` count the steps of the grid at which more weight on an objective made that objective no worse: the more of
them, the better a policy obeys.
"""

import numpy as np

from mecsim.cli import main
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment


@experiment(__file__)
def run(study: Study) -> None:
    """Delay and energy over the grid of preferences."""
    scenario = load_scenario("gmorl-e6")
    policies = {study.trained("gmorl", "gmorl"): "gmorl", study.trained("gmorl-e6", "e6"): "e6"}
    rows: list[dict[str, object]] = []
    summary: list[dict[str, object]] = []
    curves: tuple[list[Curve], list[Curve]] = [], []
    for front in study.fronts([*policies, "greedy", "random"], scenario):
        name = policies.get(front.target, front.target)
        weight, mean, ci95 = front.preferences[:, 0], front.mean, front.ci95
        for k in range(len(weight)):
            row: dict[str, object] = {"target": name, "preference_delay": float(weight[k])}
            for index, key in enumerate(("delay_s", "energy_j")):
                row |= {key: float(mean[k, index]), f"{key}_ci95": float(ci95[k, index])}
            rows.append(row)
        obeyed = {
            "delay_falls": int((np.diff(mean[:, 0]) <= 0.0).sum()),
            "energy_falls": int((np.diff(mean[::-1, 1]) <= 0.0).sum()),
        }
        summary.append({"target": name, "steps": len(weight) - 1, **obeyed})
        for index in (0, 1):
            curves[index].append(Curve(name, weight, mean[:, index], ci95[:, index]))
    study.write(rows, "points")
    study.write(summary)
    panels = [
        Panel("weight of delay", "delay per episode (s)", [curve for curve in curves[0] if curve.label != "random"]),
        Panel("weight of delay", "energy per episode (J)", curves[1]),
    ]
    save_lines(study.out / "preferences.png", "Six edges", panels, marked=False)


if __name__ == "__main__":
    main(program=run)
