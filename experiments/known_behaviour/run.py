"""Delay and energy of policies without learning on `gmorl-e6`, against values measured by an independent program.

Run from the repository: `python experiments/known_behaviour/run.py --out experiments/known_behaviour/result.csv`
"""

import csv
from pathlib import Path

import click
import numpy as np

from mecsim.policies import GreedyPolicy, Policy, play
from mecsim.scenario import load_scenario
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


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="CSV to write.")
@click.option("--episodes", default=16384, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--quick", is_flag=True, help="Few episodes: shows that it runs, not what comes out.")
def run(out: Path, episodes: int, seed: int, quick: bool) -> None:
    """Play each policy on the same episodes."""
    scenario = load_scenario("gmorl-e6")
    tapes = draw_tapes(scenario, seed, 0, 64 if quick else episodes)
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        objectives = [(name, unit) for name, unit in (("delay", "s"), ("energy", "J"))]
        columns = [
            f"{name}_{unit}_{what}" for name, unit in objectives for what in ("mean", "ci95", "known", "deviation")
        ]
        writer.writerow(["policy", "parameter", "episodes", *columns])
        for name, parameter, *known in KNOWN:
            policy: Policy = GreedyPolicy(PREDECESSOR) if name == "greedy" else RandomPolicy(seed)
            totals = play(policy, scenario, tapes, np.array([parameter, 1.0 - parameter])).totals
            row: list[object] = [name, parameter, len(tapes)]
            for mean, half, expected in zip(totals.mean(axis=0), half_width_95(totals), known, strict=True):
                row += [f"{mean:.6g}", f"{half:.2g}", expected, f"{mean / expected - 1.0:+.2%}"]
            writer.writerow(row)
            click.echo(row)


if __name__ == "__main__":
    run()
