"""Learning curves (the convergence figure of the GMORL paper, arXiv 2509.10474).

The paper shows convergence curves; it trains for 4000 epochs of 64 environments and 100 steps, 25.6 million steps. Here
the hypervolume and the mean cost of the runs `gmorl`, `gmorl-test` and `e6` over all of their steps, as the
evaluations of the training measured them, with greedy on the same episodes as the level to beat.

    python experiments/convergence/run.py

Evaluations play 21 preferences and 64 episodes that are used for nothing else. `steps_to_98_percent` is the first
evaluation from which on the gain over greedy in mean cost stays above 98 % of the last one's; empty without a gain.
"""

from pathlib import Path

import numpy as np

from mecsim.cli import main
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.studies.study import Study, experiment
from mecsim.sweep import policy_factory, training_evaluation
from mecsim.training import Run

RUNS = {"gmorl": "gmorl", "gmorl-test": "gmorl-test", "e6": "gmorl-e6"}  # name of the run: scenario
SHARE = 0.98


@experiment(__file__)
def run(study: Study) -> None:
    """Hypervolume and mean cost against environment steps."""
    rows: list[dict[str, object]] = []
    summary: list[dict[str, object]] = []
    curves: dict[str, list[Curve]] = {"hypervolume": [], "mean_cost": []}
    for name, scenario in RUNS.items():
        opened = Run.open(Path(study.trained(scenario, name)))
        greedy = training_evaluation(opened)(policy_factory("greedy", opened.scenario)(study.seed))
        level = {"hypervolume": greedy.hypervolume, "mean_cost": greedy.mean_cost}
        evaluated = [row for row in opened.read_metrics(opened.epochs) if row["mean_cost"] is not None]
        steps = np.array([row["env_steps"] for row in evaluated])
        found = {measure: np.array([row[measure] for row in evaluated]) for measure in curves}
        for index, at in enumerate(steps.tolist()):
            row: dict[str, object] = {"run": name, "env_steps": at}
            for measure, values in found.items():
                row |= {measure: float(values[index]), f"{measure}_to_greedy": float(values[index] / level[measure])}
            rows.append(row)
        gain = level["mean_cost"] - found["mean_cost"]
        low = np.flatnonzero(gain < SHARE * gain[-1])
        settled: object = None if gain[-1] <= 0.0 else int(steps[low[-1] + 1 if len(low) else 0])
        last: dict[str, object] = {f"last_{measure}": float(values[-1]) for measure, values in found.items()}
        greedy_told = {f"greedy_{measure}": value for measure, value in level.items()}
        summary.append(
            {"run": name, "env_steps": int(steps[-1]), **last, **greedy_told, "steps_to_98_percent": settled}
        )
        for measure in curves:
            curves[measure].append(Curve(name, steps / 1e6, found[measure] / level[measure]))
    study.write(rows, "points")
    study.write(summary)
    panels = [
        Panel("environment steps (millions)", f"{measure.replace('_', ' ')}, ratio to greedy", of)
        for measure, of in curves.items()
    ]
    save_lines(study.out / "convergence.png", "Learning curves", panels, marked=False)


if __name__ == "__main__":
    main(program=run)
