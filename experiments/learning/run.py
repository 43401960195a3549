"""What one policy for all preferences reaches, beside the model-based baselines it has to beat.

    python experiments/learning/run.py

`gmorl-e6`, three trainings: mean cost at the asked preference, expected utility and hypervolume against greedy,
lookahead and hindsight, and the preference at which a training stands worst against greedy. `gmorl`, two trainings with
1 to 8 edges: the share of the way from greedy to lookahead at 2 to 8 of them, and the ratio to greedy at 9, 10 and 16.
All on common random numbers. With --part one of the two tables alone.
"""

import click
import numpy as np

from mecsim.cli import main
from mecsim.policies import Calibration, calibrate
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import Front, compared, measured
from mecsim.systems.offload.scenario import OffloadScenario

# Preferences and episodes: of trained policies, of what plans. At six edges, then at each number, where the first
# training is played on more episodes than the others.
TRAINED, PLANNER = (101, 1000), (21, 200)
FIRST_ANY, OTHERS_ANY, PLANNER_ANY = (11, 1000), (11, 200), (11, 200)
E6_SEEDS, GMORL_SEEDS = 3, 2
TRAINED_EDGES, OTHER_EDGES = (2, 4, 6, 8), (9, 10, 16)


@experiment(__file__)
@click.option("--part", type=click.Choice(["six-edges", "any-edges"]), help="One table alone.")
def run(study: Study, part: str | None) -> None:
    """Trained policies against greedy, lookahead and hindsight."""
    parts = {"six-edges": six_edges, "any-edges": any_edges}
    for name in [part] if part else parts:
        parts[name](study)


def six_edges(study: Study) -> None:
    """One policy for six edges."""
    scenario = load_scenario("gmorl-e6")
    calibration = calibrate(scenario)
    trained = _trained(study, scenario, "e6", E6_SEEDS)
    fronts = _played(study, scenario, {"greedy": "greedy", **trained}, TRAINED)
    fronts |= _played(study, scenario, {name: name for name in ("lookahead", "hindsight")}, PLANNER)
    common = study.grid(scenario, PLANNER[0]), study.episodes(PLANNER[1])
    rows: list[dict[str, object]] = []
    for name, front in fronts.items():
        for kind, part in (("own", front), ("common", front.restricted(*common))):
            greedy = fronts["greedy"].restricted(part.preferences, part.totals.shape[1])
            row: dict[str, object] = {"target": name, "set": kind, "preferences": len(part.preferences)}
            row |= {"episodes": part.totals.shape[1], **measured(part, calibration)}
            row |= compared(part, greedy, calibration, "greedy")
            ratio = _cost(part, calibration) / _cost(greedy, calibration)
            row |= {"worst_to_greedy": float(ratio.max())}
            row |= {"worst_preference_delay": float(part.preferences[ratio.argmax(), 0])}
            rows.append(row)
    study.write(rows, "six_edges", reference="3000 s, 6 J")
    greedy = fronts["greedy"].restricted(*common)
    curves = []
    for name, front in fronts.items():
        if name != "greedy":
            part = front.restricted(*common)
            ratio = _cost(part, calibration) / _cost(greedy, calibration)
            curves.append(Curve(name, part.preferences[:, 0].tolist(), ratio.tolist(), None))
    panel = Panel("weight of delay", "cost at that preference, ratio to greedy", curves)
    save_lines(study.out / "six_edges.png", "gmorl-e6: cost where it was asked for", [panel])


def any_edges(study: Study) -> None:
    """One policy for any number of edges."""
    trained = _trained(study, load_scenario("gmorl"), "gmorl", GMORL_SEEDS)
    rows: list[dict[str, object]] = []
    for edges in (2, 9) if study.quick else (*TRAINED_EDGES, *OTHER_EDGES):
        scenario = with_context(load_scenario("gmorl"), {"edges": str(edges), "evaluation.reference": "null"})
        calibration = calibrate(scenario)
        [(first, folder), *others] = trained.items()
        fronts = _played(study, scenario, {"greedy": "greedy", first: folder}, FIRST_ANY)
        fronts |= _played(study, scenario, dict(others), OTHERS_ANY)
        planned: dict[str, Front] = {}
        if edges in TRAINED_EDGES:
            planned = _played(study, scenario, {"lookahead": "lookahead"}, PLANNER_ANY)
        common = study.grid(scenario, PLANNER_ANY[0]), study.episodes(PLANNER_ANY[1])
        for name, front in {**fronts, **planned}.items():
            greedy = fronts["greedy"].restricted(front.preferences, front.totals.shape[1])
            row: dict[str, object] = {"edges": edges, "target": name, "preferences": len(front.preferences)}
            row |= {"episodes": front.totals.shape[1], **measured(front, calibration)}
            row |= compared(front, greedy, calibration, "greedy")
            if planned:
                start, end = (
                    _mean_cost(one.restricted(*common), calibration) for one in (greedy, planned["lookahead"])
                )
                here = _mean_cost(front.restricted(*common), calibration)
                row |= {"way_to_lookahead": (start - here) / (start - end)}
            rows.append(row)
    study.write(rows, "any_edges")


def _folder(name: str, seed: int) -> str:
    return name if seed == 0 else f"{name}-seed{seed}"


def _trained(study: Study, scenario: OffloadScenario, name: str, seeds: int) -> dict[str, str]:
    """Folders of the trainings by their names."""
    folders = {_folder(name, seed): seed for seed in range(1 if study.quick else seeds)}
    return {f"gmorl seed {seed}": run for seed, run in enumerate(study.trained_seeds(scenario, folders))}


def _played(
    study: Study, scenario: OffloadScenario, targets: dict[str, str], grid: tuple[int, int]
) -> dict[str, Front]:
    return dict(zip(targets, study.fronts(list(targets.values()), scenario, *grid), strict=True))


def _cost(front: Front, calibration: Calibration) -> np.ndarray:
    """Scalarised cost at each preference, (K,)."""
    return np.asarray((front.mean / calibration.scale * front.preferences).sum(axis=1))


def _mean_cost(front: Front, calibration: Calibration) -> float:
    return float(_cost(front, calibration).mean())


if __name__ == "__main__":
    main(program=run)
