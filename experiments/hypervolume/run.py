"""The comparison of all policies at six edges (Fig. 2 of the GMORL paper, arXiv 2509.10474).

The paper's hypervolumes, in a unit that it does not state: GMORL 64.1, multi-policy 64.3, LinUCB 57.9, simulated
annealing 30.2, random 29.0; as ratios to random 2.21, 2.22, 2.00, 1.04 and 1. Ours are in s·J, against the reference
point (3000 s, 6 J), on `gmorl-e6`; mean cost and expected utility stand beside them, as hypervolume alone hides most of
what a policy gains.

    python experiments/hypervolume/run.py

Policies that are cheap to play are played over 101 preferences and 1000 episodes, those that are trained for one
preference at a time over 11 (annealing over 21), those that plan over 21 preferences and 200 episodes. Rows of the set
`common` restrict every target to the 11 preferences and 200 episodes that all have. Ratios are always to the other
policy on the same preferences and episodes.
"""

import click

from mecsim.cli import main
from mecsim.policies import calibrate
from mecsim.report.charts import save_bars, save_fronts
from mecsim.scenario import load_scenario
from mecsim.studies.study import PLAIN_AGENT, Study, experiment
from mecsim.sweep import Front, compared, measured

SCENARIO = "gmorl-e6"
AGENT_STEPS, POLICY_STEPS = 4_000_000, 800_000
GMORL, MULTI_POLICY = "gmorl-agent", "multi-policy"  # trained here; all other names are baselines
CHEAP = ("random", "cloud", "edge", "greedy", "join-shortest-work", "linucb", "nsga2", "pareto-q", GMORL)
GRIDS = {
    **dict.fromkeys(CHEAP, (101, 1000)),
    "annealing": (21, 1000),
    **dict.fromkeys(("lookahead", "hindsight"), (21, 200)),
    **dict.fromkeys((MULTI_POLICY, "dqn", "ppo"), (11, 1000)),
}
COMMON = (11, 200)
PAPER_TO_RANDOM = {GMORL: 2.21, MULTI_POLICY: 2.22, "linucb": 2.00, "annealing": 1.04, "random": 1.0}


@experiment(__file__)
@click.option("--targets", default=",".join(GRIDS), help="Which of them to compare; random and greedy always are.")
def run(study: Study, targets: str) -> None:
    """Hypervolume, mean cost and expected utility of every policy at six edges."""
    unknown = [name for name in targets.split(",") if name not in GRIDS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]} is none of {', '.join(GRIDS)}", param_hint="--targets")
    scenario = load_scenario(SCENARIO)
    calibration = calibrate(scenario)
    names = dict.fromkeys(("random", "greedy", *targets.split(",")))
    fronts: dict[str, Front] = {}
    for name in names:
        played = name
        if name == GMORL:
            played = study.trained(SCENARIO, "e6-plain", AGENT_STEPS, PLAIN_AGENT)
        elif name == MULTI_POLICY:
            played = study.trained(SCENARIO, "e6-multi-policy", steps=POLICY_STEPS, settings=PLAIN_AGENT, policies=11)
        [fronts[name]] = study.fronts([played], scenario, *GRIDS[name])
    common = study.grid(scenario, COMMON[0]), study.episodes(COMMON[1])
    rows = []
    for name, front in fronts.items():
        for kind, part in (("own", front), ("common", front.restricted(*common))):
            asked = part.preferences, part.totals.shape[1]
            row: dict[str, object] = {"target": name, "set": kind, "preferences": len(asked[0]), "episodes": asked[1]}
            row |= measured(part, calibration)
            for other in ("random", "greedy"):
                row |= compared(part, fronts[other].restricted(*asked), calibration, other)
            rows.append(row | {"paper_hypervolume_to_random": PAPER_TO_RANDOM.get(name)})
    told = study.write(rows, reference_point=calibration.reference.tolist(), scenario=SCENARIO)
    own = told.filter(told["set"] == "own")
    values, half_widths = (own[key].to_list() for key in ("hypervolume", "hypervolume_ci95"))
    label = "hypervolume (s·J), reference 3000 s and 6 J"
    save_bars(study.out / "hypervolume.png", "Six edges", label, list(fronts), values, half_widths)
    shown = [Front(name, front.preferences, front.totals) for name, front in fronts.items() if name != "cloud"]
    save_fronts(study.out / "fronts.png", shown, scenario)


if __name__ == "__main__":
    main(program=run)
