"""Busy loops run as long as they are asked for, and end whatever happens."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mecsim.bench import contention
from mecsim.bench.contention import contention_probe, endless_loops
from mecsim.core.threads import kernel_threads, on_threads
from mecsim.errors import MecsimError
from tests.bench.quick import SCENARIOS


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Processes that are started in a test."""
    found: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def watched(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = popen(*arguments, **options)  # type: ignore[call-overload]
        found.append(process)
        return process

    monkeypatch.setattr(subprocess, "Popen", watched)
    return found


def test_loops_keep_running_until_the_end_of_the_block(started: list[subprocess.Popen[bytes]]) -> None:
    with endless_loops(2):
        assert len(started) == 2
        assert all(process.poll() is None for process in started)
    assert all(process.returncode == -signal.SIGKILL for process in started)


def test_loops_end_when_the_measurement_is_interrupted(started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(KeyboardInterrupt), endless_loops(1):
        raise KeyboardInterrupt
    assert started[0].returncode == -signal.SIGKILL


def test_loops_end_with_a_process_that_is_killed() -> None:
    script = (
        "import os, signal, subprocess\n"
        "from mecsim.bench import contention\n"
        "popen = subprocess.Popen\n"
        "def watched(*a, **o):\n"
        "    process = popen(*a, **o)\n"
        "    print(process.pid, flush=True)\n"
        "    return process\n"
        "subprocess.Popen = watched\n"
        "with contention.endless_loops(1):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    loop, gives_up = int(done.stdout), time.monotonic() + 60.0
    while _runs(loop):
        assert time.monotonic() < gives_up, "a busy loop outlived the process that started it"
        time.sleep(0.01)


def _runs(process: int) -> bool:
    """Whether it is there and not merely waiting to be reaped."""
    try:
        os.kill(process, 0)
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rpartition(") ")[2][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_loop_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(contention, "LOOP", "raise SystemExit")
    with pytest.raises(MecsimError, match="did not start"), endless_loops(2):
        pass
    assert all(process.returncode is not None for process in started)


def test_all_threads_and_one_are_measured_beside_a_loop_per_core(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    seen = []

    def steps_per_s(play: object) -> float:
        seen.append((kernel_threads(), sum(process.poll() is None for process in started)))
        return 10.0 * kernel_threads()

    monkeypatch.setattr(contention, "_steps_per_s", steps_per_s)
    monkeypatch.setattr(contention, "cores", lambda: 3)
    with on_threads(2):
        found = contention_probe(SCENARIOS["offload"], 2).measure()
    assert seen == [(2, 3), (1, 3)]
    assert found == {
        "contended_batched_env_steps_per_s": 20.0,
        "contended_one_thread_batched_env_steps_per_s": 10.0,
        "contended_to_one_thread": 2.0,
    }


def test_speed_is_all_steps_over_all_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, speeds = iter([0.0, 0.1, 0.2, 9.0]), iter([1.0, 2.0, 4.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))

    class Play:
        def steps_per_s(self) -> float:
            return next(speeds)

    assert contention._steps_per_s(Play()) == pytest.approx(3 / (1.0 + 0.5 + 0.25))  # type: ignore[arg-type]
