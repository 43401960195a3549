"""A recorded trace of a million tasks and 500 sites: it loads, is drawn and played within 4 GiB.

Not in the GMORL paper (arXiv 2509.10474), whose tasks and distances are all drawn. The trace is made up here: 1,000
users at fixed places of a square of 5 km with 500 urban micro cells, one task per second on average. It is played by
greedy and join-shortest-work as a whole: every task once, in windows of 10,000 steps, 10 of them side by side.

    python experiments/traces/run.py

`peak_gib` is the largest memory of the process up to then.
"""

import resource
import time
from pathlib import Path

import numpy as np

from mecsim.cli import main
from mecsim.policies import play
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment
from mecsim.sweep import policy_factory
from mecsim.systems.offload.draw.tapes import draw_tapes

USERS, SITES, SIDE_M = 1000, 500, 5000.0
AT_ONCE = 10

SCENARIO = """\
mecsim: 1
kind: offload
description: a city of {sites} micro cells, its tasks from a trace
episode: {{steps: {steps}}}
users: {{count: {users}, mobility: {{model: fixed, width: 5 km, height: 5 km}}}}
tasks: {{trace: {{file: tasks.csv}}}}
servers: {{edge: {{sites: sites.csv}}}}
channel: {{model: umi, tx_power: 200 mW, noise_figure: 5 dB}}
# Greedy on a weighted sum would first have to measure scales on this large scenario; rough ones do.
evaluation: {{reference: {{delay: 1 h, energy: 1 kJ}}, scale: {{delay: 1 s, energy: 1 mJ}}}}
"""


@experiment(__file__)
def run(study: Study) -> None:
    """Time and memory of reading, drawing and playing a large trace."""
    windows, steps = (4, 50) if study.quick else (100, 10_000)
    folder = study.runs / "traces"
    path = _make_up(folder, windows * steps, steps, 20 if study.quick else SITES)
    rows: list[dict[str, object]] = []

    def note(what: str, started: float, tasks: int) -> None:
        seconds = time.perf_counter() - started
        peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append({"what": what, "tasks": tasks, "seconds": seconds, "peak_gib": peak_gib})

    started = time.perf_counter()
    scenario = load_scenario(path)
    note("read", started, windows * steps)
    for name in ("join-shortest-work", "greedy"):
        started, tasks = time.perf_counter(), 0
        for first in range(0, windows, AT_ONCE):
            tapes = draw_tapes(scenario, study.seed, first, min(AT_ONCE, windows - first))
            played = play(policy_factory(name, scenario)(study.seed), scenario, tapes, np.array([0.5, 0.5]))
            tasks += int(played.records.dispatched.sum())
        note(f"draw and play, {name}", started, tasks)
    told = study.write(rows, sites=SITES, users=USERS)
    labels, peaks = told["what"].to_list(), told["peak_gib"].to_list()
    save_bars(
        study.out / "memory.png", "A million tasks, 500 sites", "peak memory (GiB)", labels, peaks, [0.0] * len(rows)
    )


def _make_up(folder: Path, tasks: int, steps: int, sites: int) -> Path:
    """Write a trace, sites and the scenario that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    time_s, user = np.sort(rng.uniform(0.0, tasks, tasks)), rng.integers(0, USERS, tasks)
    size_bit = 1e5 + rng.exponential(1e6, tasks)
    columns = np.column_stack([time_s, user, size_bit])
    header = "time_s,user,size_bit"
    np.savetxt(folder / "tasks.csv", columns, ("%.3f", "%d", "%.1f"), ",", header=header, comments="")
    places_m = rng.uniform(0.0, SIDE_M, (sites, 2))
    np.savetxt(folder / "sites.csv", places_m, "%.1f", ",", header="x_m,y_m", comments="")
    path = folder / "city.yaml"
    path.write_text(SCENARIO.format(sites=sites, steps=steps, users=USERS))
    return path


if __name__ == "__main__":
    main(program=run)
