"""How long one decision takes: the agent as it is, its exported file, greedy and lookahead.

Not in the GMORL paper (arXiv 2509.10474). The run `e6` decides at six edges for one task at a time, on one thread, in
episodes of `gmorl-e6` at equal weights: with PyTorch (`DiscreteSAC.eval`), and as the file of `mecsim export` with ONNX
Runtime. Greedy and lookahead decide on the same episodes.

    python experiments/latency/run.py

`median_us` and `p99_us` are by the clock on the wall: other programs on the same cores make them larger, above all the
latter. `cpu_median_us` and `cpu_p99_us` count only the time that the deciding thread had on a processor.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mecsim.bench.latency import Decide, agent_decides, measure_latency, policy_decides
from mecsim.cli import main
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment
from mecsim.sweep import policy_factory
from mecsim.training import ExportedPolicy, Run, export_onnx

SCENARIO, RUN = "gmorl-e6", "e6"
DECISIONS = 5000


@experiment(__file__)
def run(study: Study) -> None:
    """Median and 99th percentile of the time of one decision."""
    scenario = load_scenario(SCENARIO)
    even = np.full(len(scenario.objectives), 1.0 / len(scenario.objectives))
    opened = Run.open(Path(study.trained(scenario, RUN)))
    agent = opened.load_agent()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{RUN}.onnx"
        export_onnx(opened, agent, file)
        exported = ExportedPolicy(file)
    measured: dict[str, Decide] = {
        "agent, PyTorch": agent_decides(agent, even),
        "agent, ONNX Runtime": policy_decides(exported, even),
        "greedy": policy_decides(policy_factory("greedy", scenario)(study.seed), even),
        "lookahead": policy_decides(policy_factory("lookahead", scenario)(study.seed), even),
    }
    decisions = 50 if study.quick else DECISIONS
    rows: list[dict[str, object]] = []
    for name, decide in measured.items():
        rows.append({"policy": name, **asdict(measure_latency(decide, scenario, decisions, study.seed))})
    told = study.write(rows, scenario=SCENARIO, threads=1)
    labels, values = list(measured), told["median_us"].to_list()
    save_bars(
        study.out / "latency.png", "Time of one decision, six edges", "median (µs)", labels, values, [0.0] * len(rows)
    )


if __name__ == "__main__":
    main(program=run)
