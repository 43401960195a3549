"""Jobs on a Ray cluster of several nodes: the same bytes as here, whatever is killed. Skipped where there is no Ray."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from numpy.testing import assert_array_equal

from mecsim.errors import InputError, MecsimError
from mecsim.scenario import load_scenario
from mecsim.sweep import Cluster, Store, preference_grid, sweep
from mecsim.sweep import cluster as on_cluster
from mecsim.sweep.cluster import cluster_at
from mecsim.sweep.distribute import run_jobs
from tests.processes import alive

ray = pytest.importorskip("ray")

SCENARIO = load_scenario("quickstart")
GRID = preference_grid(2, 21)
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


class Nodes:
    """Processes of a cluster on this machine, each node with a core."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        self.cluster = RayCluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})

    @property
    def place(self) -> Cluster:
        return Cluster(self.cluster.address)

    def add(self) -> Any:
        return self.cluster.add_node(**NODE)

    def kill(self, node: Any) -> None:
        self.cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    started = Nodes()
    yield started
    started.cluster.shutdown()


def ends(process: int) -> bool:
    until = time.monotonic() + 60.0
    while alive(process) and time.monotonic() < until:
        time.sleep(0.1)
    return not alive(process)


def test_a_node_and_a_worker_are_killed_and_the_results_are_those_of_one_process(
    nodes: Nodes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    second, done = nodes.add(), 0
    alone = sweep(["greedy", "random"], SCENARIO, GRID, 20, 3, store=Store(tmp_path / "alone"))

    def killing(target: str, more: int) -> None:
        nonlocal done
        done += more
        if done == 4:
            nodes.kill(second)
        elif done == 12:
            os.kill(next(iter(_workers())), signal.SIGKILL)

    spread = sweep(["greedy", "random"], SCENARIO, GRID, 20, 3, nodes.place, killing, Store(tmp_path / "spread"))
    assert done == 2 * len(GRID)
    for one, other in zip(alone, spread, strict=True):
        assert_array_equal(one.totals, other.totals)
    assert _contents(tmp_path / "spread") == _contents(tmp_path / "alone")


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    [first] = sweep(["greedy"], SCENARIO, GRID, 5, 3, store=store)
    [again] = sweep(["greedy"], SCENARIO, GRID, 5, 3, Cluster("nobody.invalid:1"), store=store)
    assert_array_equal(first.totals, again.totals)


def test_order_and_what_a_job_raises(nodes: Nodes) -> None:
    def work(job: int) -> int:
        if job == 5:
            raise InputError("five is too much")
        time.sleep(0.05 * (5 - job))
        return job

    found = run_jobs(work, range(6), nodes.place)
    assert [next(found) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match=r"^five is too much$"):
        next(found)


def test_a_job_that_is_lost_every_time_is_told_by_its_name(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(job: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(on_cluster, "RETRIES", 1)
    with pytest.raises(MecsimError, match=r"^seed-03: its process was ended from outside, 2 times$"):
        list(run_jobs(work, ["seed-03"], nodes.place))


def test_who_loses_interest_leaves_nothing_running(nodes: Nodes) -> None:
    def work(seconds: float) -> int:
        time.sleep(seconds)
        return os.getpid()

    found = run_jobs(work, [0.0, 1000.0, 1000.0], nodes.place)
    process = next(found)
    found.close()
    assert ends(process)


def test_other_code_on_a_node_is_refused(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_cluster, "code_digest", lambda: "0123456789abcdef")
    with pytest.raises(InputError, match=r"has mecsim \S+ \w{16}, not \S+ 0123456789abcdef as here; install the same"):
        list(run_jobs(abs, [1], nodes.place))


def test_what_no_node_has_is_refused(nodes: Nodes) -> None:
    with pytest.raises(InputError, match=r"no node has 64 cores, 0.0 GiB and 0.5 GPUs for one job"):
        list(run_jobs(abs, [1], nodes.place._replace(threads=64, gpus=0.5)))


def test_a_share_of_a_gpu_is_asked_for(nodes: Nodes) -> None:
    node = nodes.cluster.add_node(num_gpus=1, **NODE)

    def gpu(job: int) -> str | None:
        return os.environ.get("CUDA_VISIBLE_DEVICES")

    assert list(run_jobs(gpu, [1, 2], nodes.place._replace(gpus=0.5))) == ["0", "0"]
    nodes.kill(node)


@pytest.mark.parametrize(
    ("address", "told"), [("nowhere", "expected auto, local, or HOST:PORT"), ("", "expected auto")]
)
def test_no_address(address: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        cluster_at(address)


def test_an_address_where_nobody_is() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(MecsimError, match=f"--ray 127.0.0.1:{port}: no Ray cluster answers there"):
        cluster_at(f"127.0.0.1:{port}")


def test_an_address_where_somebody_else_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        began_s = time.monotonic()
        with pytest.raises(MecsimError, match=f"--ray {address}: no Ray cluster answers there"):
            cluster_at(address)
    assert time.monotonic() - began_s < 60.0


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _workers() -> list[int]:
    """Processes of Ray that play at this moment."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "ray::mecsim_job" in line]
