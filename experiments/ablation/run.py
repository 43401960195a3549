"""What limits learning: the agent with one thing changed at a time.

    python experiments/ablation/run.py

Every variant is trained on `quickstart` with three seeds and a short budget, the finalists on `gmorl-e6` as well, and
played over 21 preferences on common random numbers. Numbers are ratios to greedy; intervals are Student's, over seeds.
With --variants only some of them are trained, so that several processes can share the work; the table needs all.
"""

from dataclasses import dataclass, field

import click
import numpy as np
from numpy.typing import NDArray

from mecsim.cli import main
from mecsim.policies import Calibration, calibrate
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import PLAIN_AGENT, Study, experiment
from mecsim.sweep import MEASURES, Front, half_width_95, measured

PREFERENCES, EPISODES, SEEDS = 21, 200, 3
STEPS = {"quickstart": 128_000, "gmorl-e6": 256_000}


@dataclass(frozen=True)
class Variant:
    """Settings other than those of the plain agent, and perhaps another scenario."""

    settings: dict[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)
    finalist: bool = False


VARIANTS = {
    "defaults": Variant(finalist=True),
    # What the critic learns from
    "no groups": Variant({"copies": "1"}, finalist=True),
    "groups of 16": Variant({"copies": "16"}),
    "group mean weight 0.1": Variant({"group_mean_weight": "0.1"}),
    "group Huber beta 0.3": Variant({"group_huber_beta": "0.3"}),
    "played preferences 0 %": Variant({"played_fraction": "0"}),
    # What it is
    "scalar critic": Variant({"critic": "scalar"}),
    "minimum of two critics": Variant({"pessimism": "min"}),
    "not residual": Variant({"residual": "false"}),
    "outlook on energy at its corner": Variant({"separable": "false"}, finalist=True),
    "histograms only": Variant(context={"observation.cost_features": "false"}),
    "inputs not compressed": Variant({"compress": "false"}),
    "options know of each other": Variant({"architecture": "exchange"}),
    "histograms cumulated": Variant({"cumulate": "true"}),
    "next tasks shown": Variant(context={"observation.upcoming": "8"}),
    "networks twice as wide": Variant({"encoder_sizes": "[128, 128]", "head_sizes": "[128]"}),
    "objectives scaled by 2": Variant({"reward_multiplier": "10"}),
    # How it looks ahead
    "discount 0.95": Variant({"discount": "0.95"}),
    "discount 1": Variant({"discount": "1"}),
    "values with entropy": Variant({"value_entropy": "true"}),
    # The policy
    "policy network": Variant({"policy": "network"}, finalist=True),
    "temperature 0.01": Variant({"temperature": "0.01"}),
    "temperature learned": Variant({"learn_temperature": "true"}),
    "exploring no more than playing": Variant({"exploration_temperature": "0.003"}),
    "latest weights, not averaged": Variant({"averaging_power": "1e9"}),
    # How fast it learns
    "learning rate 0.003": Variant({"learning_rate": "0.003"}),
    "learning rate constant": Variant({"final_learning_rate_fraction": "1"}),
}


@experiment(__file__)
@click.option("--variants", help="Only some, by their numbers, such as 0-7; without a table.")
def run(study: Study, variants: str | None) -> None:
    """Train the agent with one thing changed at a time."""
    names = list(VARIANTS)
    if variants:
        first, _, last = variants.partition("-")
        names = names[int(first) : int(last or first) + 1]
    rows: list[dict[str, object]] = []
    for base in STEPS:
        finalists = [name for name in names if base == "quickstart" or VARIANTS[name].finalist]
        trained = finalists[:2] if study.quick else finalists
        rows += [{"scenario": base, "variant": name, **_measured(study, base, name)} for name in trained]
    if variants:
        return
    told = study.write(rows, steps=STEPS, seeds=SEEDS)
    shown = told.filter(told["scenario"] == "quickstart")
    save_bars(
        study.out / "quickstart.png",
        "One thing changed at a time, quickstart",
        "mean cost at the asked preference, ratio to greedy",
        shown["variant"].to_list(),
        shown["mean_cost"].to_list(),
        shown["mean_cost_ci95"].to_list(),
    )


def _measured(study: Study, base: str, name: str) -> dict[str, object]:
    """Ratios to greedy of a variant, with intervals over seeds."""
    variant = VARIANTS[name]
    scenario = with_context(load_scenario(base), variant.context)
    folder = f"ablation-{base}-{name.replace(' ', '-').replace('%', 'percent').replace(',', '')}"
    settings = {**PLAIN_AGENT, "evaluation_epochs": "1000", "evaluation_episodes": "16", **variant.settings}
    folders = {f"{folder}-seed{seed}": seed for seed in range(1 if study.quick else SEEDS)}
    trained = study.trained_seeds(scenario, folders, STEPS[base], settings)
    *fronts, greedy = study.fronts([*trained, "greedy"], scenario, PREFERENCES, EPISODES)
    calibration, found = calibrate(scenario), {}
    yardstick = measured(greedy, calibration)
    for measure in MEASURES:
        ratios = np.array([measured(front, calibration)[measure] for front in fronts]) / yardstick[measure]
        found[measure] = float(ratios.mean())
        found[f"{measure}_ci95"] = float(half_width_95(ratios))
    worst = [float((_costs(front, calibration) / _costs(greedy, calibration)).max()) for front in fronts]
    return {**found, "worst_preference": max(worst)}


def _costs(front: Front, calibration: Calibration) -> NDArray[np.float64]:
    return np.asarray((front.mean / calibration.scale * front.preferences).sum(axis=1))


if __name__ == "__main__":
    main(program=run)
