"""What the network and the observation contribute, at six edges.

The GMORL paper (arXiv 2509.10474) pads its state to a fixed number of servers, each with a histogram of 60 bins; no
figure of it is repeated here. On `gmorl-e6`: the set network against a padded one of fixed size, and histograms of 60
and 1 bins of 1 Mbit, with and without the immediate costs of the options as features; 250,000 steps each, seeds
0 and 1.

    python experiments/ablation_network/run.py

Each variant is played over 21 preferences and 200 episodes, the same for all. `..._ci95` are intervals over episodes;
the two rows of a variant show how much trainings differ. With fewer bins the last, open one begins earlier. A ratio to
greedy is to greedy on the same episodes.
"""

import numpy as np

from mecsim.cli import main
from mecsim.policies import calibrate
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import PLAIN_AGENT, Study, experiment
from mecsim.sweep import compared, measured

STEPS = 250_000
SEEDS = (0, 1)
EPISODES = 200

# variant: architecture, bins of the histogram, cost features
VARIANTS = {
    "set": ("set", 60, True),
    "padded": ("padded", 60, True),
    "1 bin": ("set", 1, True),
    "no costs": ("set", 60, False),
    "1 bin, no costs": ("set", 1, False),
}


@experiment(__file__)
def run(study: Study) -> None:
    """Hypervolume and mean cost of policies with other networks and observations."""
    chosen = list(VARIANTS.items())
    rows: list[dict[str, object]] = []
    for variant, (architecture, bins, costs) in chosen[1::3] if study.quick else chosen:
        observation = {"observation.histogram.bins": str(bins), "observation.cost_features": str(costs).lower()}
        scenario = with_context(load_scenario("gmorl-e6"), observation)
        calibration = calibrate(scenario)
        for seed in SEEDS:
            name = f"ablation-{architecture}-{bins}-{'costs' if costs else 'plain'}-seed{seed}"
            target = study.trained(scenario, name, STEPS, {**PLAIN_AGENT, "architecture": architecture}, seed=seed)
            front, greedy = study.fronts([target, "greedy"], scenario, 21, EPISODES)
            row: dict[str, object] = {"variant": variant, "architecture": architecture, "bins": bins}
            row |= {"cost_features": int(costs), "training_seed": seed, **measured(front, calibration)}
            rows.append(row | compared(front, greedy, calibration, "greedy"))
    told = study.write(rows, steps=STEPS)
    labels = told["variant"].unique(maintain_order=True).to_list()
    found = [told.filter(told["variant"] == label)["mean_cost"].to_list() for label in labels]
    means = [float(np.mean(values)) for values in found]
    spread = [(max(values) - min(values)) / 2.0 for values in found]
    title = "Six edges: mean over two seeds, whiskers from seed to seed"
    save_bars(study.out / "ablation.png", title, "mean cost (lower is better)", labels, means, spread)


if __name__ == "__main__":
    main(program=run)
