"""Signals and the clock, as somebody who trains asks about them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mecsim.core.stopping import SIGNALS, Stopping, Terminated, exit_code, never, terminating, undisturbed

IN_A_TERMINAL = """
import fcntl, signal, sys, termios, time
from pathlib import Path
from mecsim.core.stopping import Stopping
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # as the session's own terminal
with Stopping() as stopping:
    stopping.hold()
    print("ready", flush=True)
    while not stopping():
        time.sleep(0.01)
    print("saving", flush=True)
    Path(sys.argv[1]).write_text("all")
sys.exit(128 + stopping.signal)
"""


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Who starts the tests may ignore signals."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


NUMBERS = pytest.mark.parametrize(
    ("number", "kind", "code"),
    [(signal.SIGINT, KeyboardInterrupt, 130), (signal.SIGTERM, Terminated, 143), (signal.SIGHUP, Terminated, 129)],
)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    signal.sigpending()  # handlers run between two calls


@NUMBERS
def test_before_there_is_something_to_lose_a_signal_ends_it(
    number: int, kind: type[KeyboardInterrupt], code: int
) -> None:
    with Stopping() as stopping, pytest.raises(kind) as caught:
        send(number)
    assert exit_code(caught.value) == code
    assert stopping.signal == number
    assert stopping()  # somebody may have lost the exception


@NUMBERS
def test_then_the_first_is_noted_and_the_second_ends_it(
    number: int, kind: type[KeyboardInterrupt], code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[int] = []
    with Stopping(heard=lambda: heard.append(1)) as stopping:
        assert not stopping()
        send(number)
        assert stopping()
        assert (stopping.signal, heard) == (number, [1])
        with pytest.raises(kind):
            send(number)
    assert capfd.readouterr().err.split() == [
        "stopping",
        "at",
        "the",
        "end",
        "of",
        "this",
        "epoch,",
        "to",
        "save",
        "it;",
        "once",
        "more",
        "stops",
        "at",
        "once",
    ]


def test_holding_is_as_good_as_asking() -> None:
    with Stopping() as stopping:
        stopping.hold()
        send(signal.SIGINT)
        assert stopping()


def test_signals_go_back_to_whoever_had_them() -> None:
    with Stopping():
        assert signal.getsignal(signal.SIGINT) != signal.SIG_DFL
    assert [signal.getsignal(number) for number in SIGNALS] == [signal.SIG_DFL] * 3


def test_what_is_ignored_stays_so() -> None:
    """As by nohup, or in the background of a script."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Stopping() as stopping:
        send(signal.SIGINT)
        assert not stopping()


def test_beside_the_main_thread_only_the_clock_counts() -> None:
    answers: list[bool] = []

    def ask() -> None:
        with Stopping() as never_over, Stopping(minutes=1e-9) as over:
            answers.extend([never_over(), over()])

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [False, True]
    assert not never()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_end_it_like_ctrl_c_where_nobody_else_handles_them(number: int, code: int) -> None:
    with terminating(), pytest.raises(KeyboardInterrupt) as caught:
        send(number)
    assert exit_code(caught.value) == code
    assert signal.getsignal(number) == signal.SIG_DFL
    signal.signal(number, signal.SIG_IGN)
    with terminating():
        send(number)
        assert signal.getsignal(number) == signal.SIG_IGN


def test_a_closed_terminal_is_no_error_for_who_still_writes(tmp_path: Path) -> None:
    """What was begun is brought to its end, although nobody reads what it says."""
    main, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, str(tmp_path / "saved")],
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(terminal)
        assert os.read(main, 100).strip() == b"ready"
        os.close(main)
        process.wait(timeout=60)
    assert process.returncode == 129
    assert (tmp_path / "saved").read_text() == "all"


def test_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("mecsim.core.stopping.time.monotonic", lambda: now[0])
    stopping = Stopping(minutes=2.0)
    assert not stopping()
    now[0] = 219.9
    assert not stopping()
    now[0] = 220.0
    assert stopping()


@pytest.mark.parametrize("number", SIGNALS)
def test_what_is_written_together_is_not_disturbed(number: signal.Signals) -> None:
    written = []
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def write() -> None:
        with undisturbed():
            os.kill(os.getpid(), number)
            written.append(1)
        written.append(2)

    with terminating(), pytest.raises(KeyboardInterrupt) as caught:
        write()
    assert written == [1]
    assert exit_code(caught.value) == 128 + number
