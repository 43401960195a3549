"""Runs of many servers as TensorBoard sees them, without the hours that training them would take.

`python -m tests.report.many_runs` measures how long TensorBoard takes to show 20 of them.
"""

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mecsim.policies import calibrate
from mecsim.report.tensorboard import TensorBoardMonitor
from mecsim.report.tensorboard_server import logged, serve, with_view
from mecsim.schema.units import CountRange, Uniform
from mecsim.sweep import preference_grid
from mecsim.systems.offload.network import Cloud, Edge, Servers
from mecsim.training import EpochReport, Evaluation, Watched
from tests.chromium import Chromium
from tests.training.small import new_run, small_scenario

EPOCHS, EVALUATED_EPOCHS = 313, 13  # what `mecsim train gmorl-e6` does by default


def logged_runs(folder: Path, runs: int, servers: int, epochs: int = EPOCHS) -> None:
    """Event folders of `runs` trainings over `servers` edges, with made-up numbers."""
    edges = Edge(count=CountRange(servers, servers), cpu_hz=Uniform(2e9, 2e9))
    scenario = small_scenario(servers=Servers(cloud=Cloud(cpu_hz=Uniform(4e9, 4e9)), edge=edges))
    run = new_run(folder / "run_00", scenario, epochs)
    rng, preferences = np.random.default_rng(0), preference_grid(2, 21)

    def evaluation() -> Evaluation:
        totals = calibrate(scenario).scale * rng.uniform(0.5, 1.5, (21, 16, 2))
        return Evaluation(preferences, totals, rng.dirichlet(np.ones(servers + 1), 21), rng.uniform(), 0.1, 1.0)

    with TensorBoardMonitor(Watched(run, evaluation())) as monitor:
        for epoch in range(1, epochs + 1):
            due = epoch == 1 or epoch % EVALUATED_EPOCHS == 0
            metrics = {name: rng.uniform() for name in ("critic_loss", "policy_loss", "entropy", "value")}
            shares = rng.dirichlet(np.ones(servers + 1))
            found = evaluation() if due else None
            sections = {"acting": 1.0, "learning": 2.0}
            monitor.on_epoch(
                EpochReport(epoch, epochs, 6400 * epoch, epoch, rng.uniform(size=2), shares, metrics, sections, found)
            )
    for number in range(1, runs):
        shutil.copytree(folder / "run_00", folder / f"run_{number:02}")


def main() -> None:
    """Print sizes and times."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("runs", "links", "profile"):
            (folder / part).mkdir()
        logged_runs(folder / "runs", 20, 1000)
        written = sum(file.stat().st_size for file in (folder / "runs").rglob("*tfevents*"))
        print(f"20 runs of 1,000 servers: {written / 1e6:.1f} MB of events")
        began_s = time.monotonic()
        events = logged([folder / "runs"])
        address = with_view(serve(events, folder / "links", None), events)
        print(f"served after {time.monotonic() - began_s:.1f} s")
        with Chromium(folder / "profile") as browser:
            browser.open(address)
            browser.wait_for("scalar-card >> canvas")
            browser.wait_for("scalar-card >> tb-data-table-content-row", 20)
            load = os.getloadavg()[0]
            print(f"charts of all runs drawn after {time.monotonic() - began_s:.1f} s, at a load of {load:.1f}")


if __name__ == "__main__":
    main()
