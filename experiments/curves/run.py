"""Learning curves as they should be, and as they look when something is wrong.

    python experiments/curves/run.py

The scenario `quickstart`, with the default settings and with settings that are wrong on purpose, each from several
seeds and over as many steps. A row of `result.csv` per kind and seed, of its last epoch and its last evaluation:
`mean_cost_to_greedy` and `hypervolume_to_greedy` are ratios on the same episodes; `critic_loss`, `value` (mean value of
the options that were taken) and `entropy` (nats) are in scaled rewards, as metrics.csv has them; `largest_jump` is the
largest change of `value` from one epoch to the next. `curves.png` shows the first seed's over the training.
"""

import itertools
from pathlib import Path

import numpy as np

from mecsim.cli import main
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.studies.study import Study, experiment
from mecsim.sweep import policy_factory, training_evaluation
from mecsim.training import Run

STEPS = 128_000
SEEDS = 2
OFTEN = {"evaluation_epochs": "1"}
FROM_NOTHING = {"residual": "false", "separable": "false", "max_gradient_norm": "1000000"}
KINDS = {
    "healthy": {},
    "collapsed": {**FROM_NOTHING, "learning_rate": "0.1"},
    "diverging": {
        **FROM_NOTHING, "learning_rate": "0.01", "target_rate": "1", "copies": "1", "huber_beta": "1000000",
    },
}  # fmt: skip
MEASURES = ("mean_cost", "hypervolume")
HEALTH = ("critic_loss", "value", "entropy")


@experiment(__file__)
def run(study: Study) -> None:
    """Each kind from each seed."""
    rows: list[dict[str, object]] = []
    cost, loss, entropy = (list[Curve]() for _ in range(3))
    for kind, settings in KINDS.items():
        names = {f"curves-{kind}-{seed}": seed for seed in range(SEEDS)}
        for name, seed in names.items():
            folder = study.trained("quickstart", name, STEPS, {**OFTEN, **settings}, seed=seed)
            opened = Run.open(Path(folder))
            greedy = training_evaluation(opened)(policy_factory("greedy", opened.scenario)(study.seed))
            metrics = opened.read_metrics(opened.epochs)
            evaluated = [row for row in metrics if row["mean_cost"] is not None]
            learned = [row for row in metrics if row["critic_loss"] is not None]
            last = {f"{name}_to_greedy": evaluated[-1][name] / getattr(greedy, name) for name in MEASURES}
            jumps = [abs(after["value"] - before["value"]) for before, after in itertools.pairwise(learned)]
            health = {name: learned[-1][name] for name in HEALTH}
            rows.append({"kind": kind, "seed": seed, **last, **health, "largest_jump": max(jumps, default=None)})
            if seed == 0:
                of = np.array([row["mean_cost"] for row in evaluated]) / greedy.mean_cost
                cost.append(Curve(kind, [row["env_steps"] / 1e3 for row in evaluated], of))
                steps = [row["env_steps"] / 1e3 for row in learned]
                loss.append(Curve(kind, steps, np.log10([row["critic_loss"] for row in learned])))
                entropy.append(Curve(kind, steps, [row["entropy"] for row in learned]))
    study.write(rows)
    x_label = "environment steps (thousands)"
    panels = [
        Panel(x_label, "mean cost, ratio to greedy", cost),
        Panel(x_label, "critic loss, log10", loss),
        Panel(x_label, "entropy (nats)", entropy),
    ]
    save_lines(study.out / "curves.png", "Healthy, collapsed and diverging trainings", panels)


if __name__ == "__main__":
    main(program=run)
