"""Generalisation to other CPU frequencies at six edges (Fig. 5 and 6 of the GMORL paper, arXiv 2509.10474).

The paper: over the test range of frequencies (cloud 3.0-5.0, edges 1.5-2.5 GHz) the policy trained on the narrower
range (3.5-4.5 and 1.75-2.25 GHz) has a hypervolume of 80.29, one trained on the test range 81.69: 1.7 % more. The run
`gmorl` stands against the run `gmorl-test`, with greedy beside them, over the whole test range and in bins of it: those
of the edges with the cloud drawn from its whole range, and the other way round.

    python experiments/frequency/run.py

All hypervolumes use the reference point of `gmorl-test` (5000 s, 7 J), so that bins can be compared. Both runs also
differ in the number of edges they were trained on (1 to 8, 1 to 10); here it is six. Scales of preferences are measured
in each bin.
"""

from mecsim.cli import main
from mecsim.policies import calibrate
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import compared, measured

GRID = 51, 500  # preferences and episodes of each policy in each bin
EDGE_BINS = ((1.5, 1.75), (1.75, 2.0), (2.0, 2.25), (2.25, 2.5))
CLOUD_BINS = ((3.0, 3.5), (3.5, 4.0), (4.0, 4.5), (4.5, 5.0))
TRAINED_GHZ = {"edge": (1.75, 2.25), "cloud": (3.5, 4.5)}


@experiment(__file__)
def run(study: Study) -> None:
    """Hypervolume inside and outside the frequencies of the training."""
    names = {study.trained("gmorl", "gmorl"): "gmorl", study.trained("gmorl-test", "gmorl-test"): "gmorl-test"}
    binned = [("edge", *limits) for limits in EDGE_BINS] + [("cloud", *limits) for limits in CLOUD_BINS]
    cases: list[tuple[str, float, float]] = [("whole test range", 0.0, 0.0), *(binned[:1] if study.quick else binned)]
    rows: list[dict[str, object]] = []
    for server, low, high in cases:
        bounds = {f"servers.{server}.cpu": f"[{low}, {high}] GHz"} if high else {}
        scenario = with_context(load_scenario("gmorl-test"), {"edges": "6", **bounds})
        calibration = calibrate(scenario)
        played = study.fronts([*names, "greedy"], scenario, *GRID)
        fronts = {names.get(front.target, front.target): front for front in played}
        trained = TRAINED_GHZ.get(server)
        inside: object = None if trained is None else int(trained[0] <= low and high <= trained[1])
        for name, front in fronts.items():
            row: dict[str, object] = {"servers": server, "low_ghz": low or None, "high_ghz": high or None}
            row |= {"inside_training_range": inside, "target": name, **measured(front, calibration)}
            rows.append(row | compared(front, fronts["gmorl-test"], calibration, "gmorl-test"))
    told = study.write(
        rows, reference_point=calibration.reference.tolist(), paper_hypervolume_to_reference=80.29 / 81.69
    )
    panels = []
    for server in ("edge", "cloud"):
        curves = []
        for name in (*names.values(), "greedy"):
            of = told.filter((told["servers"] == server) & (told["target"] == name))
            middle = ((of["low_ghz"] + of["high_ghz"]) / 2.0).to_list()
            curves.append(Curve(name, middle, of["hypervolume"].to_list(), of["hypervolume_ci95"].to_list()))
        panels.append(Panel(f"CPU frequency of the {server} (GHz), middle of the bin", "hypervolume (s·J)", curves))
    save_lines(study.out / "frequency.png", "Six edges, other frequencies than in training", panels)


if __name__ == "__main__":
    main(program=run)
