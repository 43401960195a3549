"""What it costs to spread jobs over a Ray cluster, and that nothing is lost with its nodes.

    python experiments/scaleout/run.py

Equality: 500 jobs of a sweep, by one process and by two nodes of a core each, of which one is killed, and later a
process of the other. Cost: jobs that wait for a second, or for none, on so many processes of one node; a wait needs no
core, so that more processes than cores can be shown. All nodes are on this machine, which Ray has to be installed on.
"""

import os
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import ray
from numpy.typing import NDArray
from ray import cloudpickle
from ray.cluster_utils import Cluster as Nodes

from mecsim.cli import main
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment
from mecsim.sweep import Cluster, Store, preference_grid, sweep
from mecsim.sweep.distribute import ALONE, run_jobs

TARGETS, PREFERENCES, EPISODES = ("greedy", "random"), 1000, 100
PROCESSES = (1, 2, 4, 8)
NODE: dict[str, Any] = {"object_store_memory": 200 * 2**20}
NOBODY = Cluster("nobody.invalid:1")


@experiment(__file__)
def run(study: Study) -> None:
    """Results are those of one process, whatever is killed; cost of a job."""
    study.write([_killed(study)], "killed")
    costs = study.write(_costs(study)).filter(pl.col("job_s") > 0.0)
    labels = [f"{count}" for count in costs["processes"]]
    overhead = costs["overhead_percent"].to_list()
    save_bars(
        study.out / "overhead.png", "Jobs of a second on Ray", "overhead, %", labels, overhead, [0.0] * len(labels)
    )


def _killed(study: Study) -> dict[str, object]:
    """A sweep by one process, by two nodes that lose one and a process, and once more by nobody."""
    scenario, grid = load_scenario("quickstart"), preference_grid(2, 16 if study.quick else PREFERENCES)
    episodes = study.episodes(EPISODES)
    kills = {len(grid) // 2: "node", len(grid) * 3 // 2: "process"}
    nodes = Nodes(initialize_head=True, head_node_args={**NODE, "num_cpus": 1, "include_dashboard": False})
    second, done = nodes.add_node(**NODE, num_cpus=1), 0

    def killing(target: str, more: int) -> None:
        nonlocal done
        done += more
        for moment in [moment for moment in kills if moment <= done]:
            if kills.pop(moment) == "node":
                nodes.remove_node(second, allow_graceful=False)
            else:
                os.kill(_playing()[0], signal.SIGKILL)

    with TemporaryDirectory() as folder:
        alone, spread = Store(Path(folder) / "alone"), Store(Path(folder) / "spread")
        wall_s = {}
        for name, place, store, told in (
            ("alone", ALONE, alone, lambda target, more: None),
            ("spread", Cluster(nodes.address), spread, killing),
            ("again", NOBODY, spread, lambda target, more: None),
        ):
            began_s = time.perf_counter()
            sweep(TARGETS, scenario, grid, episodes, study.seed, place, told, store)
            wall_s[name] = time.perf_counter() - began_s
        jobs = sorted(path.name for path in alone.folder.iterdir())
        same = [name for name in jobs if (spread.folder / name).read_bytes() == (alone.folder / name).read_bytes()]
        stored_byte = np.mean([(alone.folder / name).stat().st_size for name in jobs])
    nodes.shutdown()
    return {
        "jobs": len(jobs),
        "byte_equal": len(same),
        "nodes_killed": 1,
        "processes_killed": 1,
        "alone_s": wall_s["alone"],
        "spread_s": wall_s["spread"],
        "again_s": wall_s["again"],
        "stored_kbyte_per_job": stored_byte / 1e3,
    }


def _costs(study: Study) -> list[dict[str, object]]:
    """Of jobs that wait, with processes that have begun."""
    rows: list[dict[str, object]] = []
    largest = 2 if study.quick else PROCESSES[-1]
    ray.init("local", num_cpus=largest, include_dashboard=False, logging_level="CRITICAL", log_to_driver=False, **NODE)
    for processes in PROCESSES[: 2 if study.quick else None]:
        place = Cluster("local", processes=processes)
        for job_s, count in ((0.0, 200), (1.0, 30)) if not study.quick else ((0.0, 8), (0.1, 4)):
            jobs: list[float] = [job_s] * (count * processes)
            list(
                run_jobs(_wait, [0.1 if study.quick else 1.0] * 3 * processes, place, ordered=False)
            )  # processes begin
            began_s, worked_s = time.perf_counter(), time.process_time()
            with closing(run_jobs(_wait, jobs, place, ordered=False)) as done:
                packed_byte = [len(cloudpickle.dumps(result)) for result in done]
            wall_s, driver_s = time.perf_counter() - began_s, time.process_time() - worked_s
            ideal_s = job_s * count
            rows.append({
                "processes": processes,
                "job_s": job_s,
                "jobs": len(jobs),
                "wall_s": wall_s,
                "overhead_percent": 100.0 * (wall_s / ideal_s - 1.0) if ideal_s else float("nan"),
                "cost_per_job_ms": 1e3 * (wall_s - ideal_s) / len(jobs),
                "driver_per_job_ms": 1e3 * driver_s / len(jobs),
                "result_kbyte": np.mean(packed_byte) / 1e3,
            })  # fmt: skip
    ray.shutdown()
    return rows


def _wait(seconds: float) -> NDArray[np.float64]:
    """As a job that takes so long, with a result as large as that of four preferences and 100 episodes."""
    time.sleep(seconds)
    return np.zeros((4, EPISODES, 2))


def _playing() -> list[int]:
    """Processes of Ray that are at a job."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "ray::mecsim_job" in line]


if __name__ == "__main__":
    main(program=run)
