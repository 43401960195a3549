"""Generalisation to other numbers of edges (Fig. 7 of the GMORL paper, arXiv 2509.10474).

The paper shows the hypervolume of a policy that was trained on 1 to 8 edges for other numbers of them, with a visible
gap at 9, outside its training range. Here the run `gmorl` stands against the run `gmorl-test` and greedy for 1 to 10
edges, and against greedy alone for 16 and 32, which neither run was trained on.

    python experiments/edges/run.py

Frequencies are those of the test range. As the load is balanced, totals grow with the number of edges, so no fixed
reference point suits all: it is measured for each number from greedy alone (the worst greedy anchor plus half of the
range of the anchors). Compare targets at a number of edges, by the ratios, and not a target across numbers.
"""

from mecsim.cli import main
from mecsim.policies import calibrate
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import compared, measured

GRID = 51, 300  # preferences and episodes of each policy for each number
EDGES = (*range(1, 11), 16, 32)
MOST_TRAINED = 10  # of `gmorl-test`


@experiment(__file__)
def run(study: Study) -> None:
    """Hypervolume for numbers of edges inside and outside the training range."""
    names = {study.trained("gmorl", "gmorl"): "gmorl", study.trained("gmorl-test", "gmorl-test"): "gmorl-test"}
    rows: list[dict[str, object]] = []
    for edges in (2, 16) if study.quick else EDGES:
        scenario = with_context(load_scenario("gmorl-test"), {"edges": str(edges), "evaluation.reference": "null"})
        calibration = calibrate(scenario)
        policies = [target for target, name in names.items() if name == "gmorl" or edges <= MOST_TRAINED]
        played = study.fronts([*policies, "greedy"], scenario, *GRID)
        fronts = {names.get(front.target, front.target): front for front in played}
        for name, front in fronts.items():
            row: dict[str, object] = {"edges": edges, "target": name}
            row |= {"reference_delay_s": float(calibration.reference[0])}
            row |= {"reference_energy_j": float(calibration.reference[1]), **measured(front, calibration)}
            for other in ("greedy", "gmorl-test"):
                if other in fronts:
                    row |= compared(front, fronts[other], calibration, other)
            rows.append(row)
    study.write(rows)
    panels = []
    for measure, label in (("hypervolume", "hypervolume"), ("mean_cost", "mean cost")):
        curves = []
        for name in names.values():
            of = [row for row in rows if row["target"] == name]
            key = f"{measure}_to_greedy"
            curves.append(
                Curve(name, [row["edges"] for row in of], [row[key] for row in of], [row[f"{key}_ci95"] for row in of])
            )
        panels.append(Panel("number of edges", f"{label}, ratio to greedy", curves))
    save_lines(study.out / "edges.png", "Other numbers of edges than in training", panels)


if __name__ == "__main__":
    main(program=run)
