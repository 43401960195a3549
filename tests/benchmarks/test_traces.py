"""A trace of a million tasks and 500 sites: how long it takes to read and to draw, and that it stays below 4 GiB.

`pytest tests/benchmarks --benchmark-enable`. Times are measured and never fail.
"""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mecsim.schema import tables
from mecsim.systems.offload.draw import tapes as drawing
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import offload_scenario

TASKS, SITES, USERS = 1_000_000, 500, 1000
SCENARIO = f"""\
mecsim: 1
kind: offload
episode: {{steps: {TASKS + 1}}}
users: {{count: {USERS}, mobility: {{model: fixed, width: 5 km, height: 5 km}}}}
tasks: {{trace: {{file: tasks.csv}}}}
servers: {{edge: {{sites: sites.csv}}}}
channel: {{model: umi, tx_power: 200 mW}}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("trace"), np.random.default_rng(0)
    columns = [np.sort(rng.uniform(0, TASKS, TASKS)), rng.integers(0, USERS, TASKS), 1.0 + rng.exponential(1e6, TASKS)]
    header = "time_s,user,size_bit"
    np.savetxt(folder / "tasks.csv", np.column_stack(columns), ("%.3f", "%d", "%.1f"), ",", header=header, comments="")
    np.savetxt(folder / "sites.csv", rng.uniform(0, 5000, (SITES, 2)), "%.1f", ",", header="x_m,y_m", comments="")
    (folder / "city.yaml").write_text(SCENARIO)
    return folder / "city.yaml"


def test_reading_a_trace(benchmark: BenchmarkFixture, path: Path) -> None:
    def read() -> OffloadScenario:
        tables._read.cache_clear()
        return offload_scenario(path)

    assert benchmark(read).expected_arrivals == TASKS


def test_drawing_a_trace(benchmark: BenchmarkFixture, path: Path) -> None:
    scenario = offload_scenario(path)

    def draw() -> int:
        drawing._draw_reel.cache_clear()
        tapes = draw_tapes(scenario, 0, 0, 1)
        assert tapes.rate_bit_per_s.shape == (1, USERS, SITES + 1)
        return int(tapes.arrivals.sum())

    assert benchmark(draw) == TASKS


def test_memory_of_a_trace(path: Path) -> None:
    """In a process of its own, whose peak tells."""
    code = (
        "import sys; from mecsim.core.system import draw_episodes; from mecsim.scenario import load_scenario; "
        "draw_episodes(load_scenario(sys.argv[1]), 0, 0, 1)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 2**32
