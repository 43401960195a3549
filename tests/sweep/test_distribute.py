"""Jobs on several processes: order, threads, what fails, and that nobody is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from mecsim.core.stopping import SIGNALS
from mecsim.errors import InputError, MecsimError
from mecsim.sweep import distribute
from mecsim.sweep.distribute import Workers, run_jobs, worthwhile_workers
from tests.processes import alive

CODE = """
import os, signal, sys, time
from mecsim.sweep.distribute import Workers, run_jobs

from mecsim.core.stopping import exit_code, terminating

signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may ignore it

def work(seconds):
    os.write(1, b"%d\\n" % os.getpid())  # in one piece, as another process writes beside this one
    time.sleep(seconds)

try:
    with terminating():
        list(run_jobs(work, [1000, 1000, 1000], Workers(2)))
except KeyboardInterrupt as interruption:
    sys.exit(exit_code(interruption))
"""


def descendants(process: int) -> list[int]:
    """The processes of a process's group, apart from itself."""
    told = subprocess.run(["ps", "-A", "-o", "pgid=,pid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in told.splitlines()]
    return [pid for group, pid in pairs if group == process != pid]


def ends(processes: list[int]) -> bool:
    """Whether processes end within a few seconds."""
    until = time.monotonic() + 10.0
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(alive, processes))


def test_results_come_in_the_order_of_the_jobs_from_processes_that_share_the_threads() -> None:
    def work(seconds: float) -> tuple[float, int, int, set[int]]:
        time.sleep(seconds)
        return seconds, os.getpid(), torch.get_num_threads(), set(signal.pthread_sigmask(signal.SIG_BLOCK, []))

    jobs = [0.5, 0.0, 0.2, 0.1]
    found = list(run_jobs(work, jobs, Workers(2, 5)))
    assert [seconds for seconds, *_ in found] == jobs
    processes = {process for _, process, _, _ in found}
    assert os.getpid() not in processes
    assert {threads for _, _, threads, _ in found} == {2}
    assert all(set(SIGNALS) <= blocked for *_, blocked in found), "from their first moment the parent answers"
    assert not set(SIGNALS) & set(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    assert ends(list(processes))  # none stays for later


def test_without_order_the_first_that_is_done_comes_first() -> None:
    def work(job: tuple[float, str]) -> str:
        time.sleep(job[0])
        return job[1]

    assert list(run_jobs(work, [(4.0, "slow"), (0.0, "fast")], Workers(2), ordered=False)) == ["fast", "slow"]


def test_an_error_of_a_job_is_raised_as_it_is() -> None:
    def work(job: int) -> int:
        if job == 1:
            raise InputError("one is not for me")
        return job

    found = run_jobs(work, [0, 1, 2, 3], Workers(2))
    assert next(found) == 0
    with pytest.raises(InputError, match=r"^one is not for me$") as caught:
        next(found)
    assert type(caught.value) is InputError


def test_a_worker_that_is_killed_is_one_line() -> None:
    def work(job: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(MecsimError, match="ended from outside, perhaps for want of memory"):
        list(run_jobs(work, [0, 1], Workers(2)))


def test_who_loses_interest_ends_the_workers() -> None:
    def work(seconds: float) -> int:
        time.sleep(seconds)
        return os.getpid()

    found = run_jobs(work, [0.0, 1000.0, 1000.0], Workers(2))
    process = next(found)
    assert alive(process)
    found.close()
    assert ends([process])


@pytest.mark.parametrize("tools", [True, False], ids=["with pgrep", "without"])
def test_ctrl_c_in_a_terminal_ends_all_at_once_and_silently(tools: bool) -> None:
    """All processes of the group get the signal. joblib ends workers by pgrep, which not every machine has."""
    with subprocess.Popen(
        [sys.executable, "-c", CODE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | ({} if tools else {"PATH": ""}),
    ) as process:
        assert process.stdout is not None
        try:
            workers = [int(process.stdout.readline()) for _ in range(2)]
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, "")
    assert ends(workers)


@pytest.mark.parametrize(
    ("number", "to_all", "code"),
    [(signal.SIGKILL, False, -9), (signal.SIGTERM, False, 143), (signal.SIGHUP, True, 129)],
)
def test_no_worker_outlives_its_parent(number: signal.Signals, to_all: bool, code: int) -> None:
    """Nor does any other process that was started for them; SIGHUP is what a closed terminal sends to all."""
    with subprocess.Popen(
        [sys.executable, "-c", CODE],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            workers = [int(process.stdout.readline()) for _ in range(2)]
            started = descendants(process.pid)
            assert {*workers} <= {*started}
            (os.killpg if to_all else os.kill)(process.pid, number)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == code
    assert not err or number == signal.SIGKILL, "then joblib tells what it has cleaned up"
    assert ends(started)


def test_where_the_system_kills_no_orphans_they_look_after_their_parent() -> None:
    """As on macOS: a thread of theirs asks who their parent is."""
    watching = "import sys\nfrom mecsim.core import worker\nworker._watch(int(sys.argv[1]))"
    between = (
        "import os, subprocess, sys\ncall = [sys.executable, '-c', sys.argv[1], str(os.getpid())]\n"
        "print(subprocess.Popen(call, stdout=subprocess.DEVNULL).pid, flush=True)"
    )
    told = subprocess.run([sys.executable, "-c", between, watching], capture_output=True, text=True, check=True).stdout
    assert ends([int(told)])


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_refused(workers: int) -> None:
    with pytest.raises(InputError, match="at least one worker is needed"):
        next(run_jobs(abs, [1], Workers(workers)))


def test_more_workers_only_where_they_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribute, "cores", lambda: 6)
    monkeypatch.setattr(distribute, "memory_byte", lambda: 64e9)
    assert worthwhile_workers(100_000, 1e6) == 1
    assert worthwhile_workers(4_000_000, 1e6) == 2
    assert worthwhile_workers(10**9, 1e6) == 6
    assert worthwhile_workers(10**9, 1e6, threads=3) == 3
    assert worthwhile_workers(10**9, 4e9) == 2, "12.5 GB each, of 32"
    assert worthwhile_workers(10**9, 1e12) == 1
