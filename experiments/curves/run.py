"""Learning curves as they should be, and as they look when something is wrong.

    python experiments/curves/run.py

The scenario `quickstart`, with the default settings and with settings that are wrong on purpose, each from several
seeds and over as many steps. A row of `result.csv` per kind and seed, of its last epoch and its last evaluation:
`mean_cost_to_greedy` and `hypervolume_to_greedy` are ratios on the same episodes; `critic_loss`, `entropy` (nats) and
`critic_gradient_norm` are those of metrics.csv; `largest_critic_loss` is that of the worst epoch. `curves.png` shows
the first seed's over the training.
"""

from pathlib import Path

import numpy as np

from mecsim.cli import main
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.studies.study import Study, experiment
from mecsim.sweep import policy_factory, training_evaluation
from mecsim.training import Run

STEPS = 38_400
SEEDS = 2
OFTEN = {"evaluation_epochs": "1"}
FROM_NOTHING = {"residual": "false", "separable": "false", "max_gradient_norm": "1000000"}
KINDS = {
    "healthy": {},
    "collapsed": {**FROM_NOTHING, "policy": "network", "learning_rate": "0.05", "temperature": "0.000001"},
    "diverged": {**FROM_NOTHING, "learning_rate": "0.1"},
}
MEASURES = ("mean_cost", "hypervolume")
HEALTH = ("critic_loss", "entropy", "critic_gradient_norm")


@experiment(__file__)
def run(study: Study) -> None:
    """Each kind from each seed."""
    rows: list[dict[str, object]] = []
    curves: tuple[list[Curve], list[Curve], list[Curve]] = ([], [], [])
    for kind, settings in KINDS.items():
        for seed in range(SEEDS):
            folder = study.trained("quickstart", f"curves-{kind}-{seed}", STEPS, {**OFTEN, **settings}, seed=seed)
            opened = Run.open(Path(folder))
            greedy = training_evaluation(opened)(policy_factory("greedy", opened.scenario)(study.seed))
            metrics = opened.read_metrics(opened.epochs)
            evaluated = [row for row in metrics if row["mean_cost"] is not None]
            learned = [row for row in metrics if row["critic_loss"] is not None]
            last = {f"{name}_to_greedy": evaluated[-1][name] / getattr(greedy, name) for name in MEASURES}
            health = {name: learned[-1][name] for name in HEALTH}
            worst = max(row["critic_loss"] for row in learned)
            rows.append({"kind": kind, "seed": seed, **last, **health, "largest_critic_loss": worst})
            if seed == 0:
                shown = (
                    (evaluated, np.array([row["mean_cost"] for row in evaluated]) / greedy.mean_cost),
                    (learned, np.log10([row["critic_loss"] for row in learned])),
                    (learned, np.array([row["entropy"] for row in learned])),
                )
                for of, (epochs, values) in zip(curves, shown, strict=True):
                    of.append(Curve(kind, [row["env_steps"] / 1e3 for row in epochs], values))
    study.write(rows)
    labels = ("mean cost, ratio to greedy", "critic loss, log10", "entropy (nats)")
    panels = [Panel("environment steps (thousands)", label, of) for label, of in zip(labels, curves, strict=True)]
    save_lines(study.out / "curves.png", "Healthy, collapsed and diverged trainings", panels)


if __name__ == "__main__":
    main(program=run)
