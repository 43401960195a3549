"""Delay and energy of policies without learning on `gmorl-e6`, against values measured by an independent program.

    python experiments/known_behaviour/run.py

`deviation` is the mean over the known value, less one.
"""

import numpy as np

from mecsim.policies import GreedyPolicy, Policy, play
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment
from mecsim.sweep import half_width_95
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.policies.simple import RandomPolicy

# Scales of the predecessor's rewards (arXiv 2307.14346): delay × 0.01, energy × 50.
PREDECESSOR = np.array([1 / 0.01, 1 / 50])

# policy, weight of delay (greedy) or share of the cloud (random), delay (s) and energy (J) of the independent program
KNOWN = (
    ("greedy", 1.0, 893.0, 5.62),
    ("greedy", 0.95, 1400.0, 3.57),
    ("greedy", 0.5, 1841.0, 2.96),
    ("greedy", 0.0, 5520.0, 2.956),
    ("random", 0.0, 2996.0, 2.96),
    ("random", 0.25, 1905.0, 5.17),
    ("random", 0.5, 3005.0, 7.40),
    ("random", 1.0, 12709.0, 11.79),
)


@experiment(__file__)
def run(study: Study) -> None:
    """Play each policy on the same episodes."""
    scenario = load_scenario("gmorl-e6")
    tapes = draw_tapes(scenario, study.seed, 0, study.episodes(16384))
    rows = []
    for name, parameter, *known in KNOWN:
        policy: Policy = GreedyPolicy(PREDECESSOR) if name == "greedy" else RandomPolicy(study.seed)
        totals = play(policy, scenario, tapes, np.array([parameter, 1.0 - parameter])).totals
        row: dict[str, object] = {"policy": name, "parameter": parameter, "episodes": len(tapes)}
        for objective, mean, half, expected in zip(
            ("delay_s", "energy_J"), totals.mean(axis=0), half_width_95(totals), known, strict=True
        ):
            row[f"{objective}_mean"], row[f"{objective}_ci95"] = mean, half
            row[f"{objective}_known"], row[f"{objective}_deviation"] = expected, mean / expected - 1.0
        rows.append(row)
    study.write(rows)


if __name__ == "__main__":
    run()
