"""Commands that are ended at random moments by each signal, and commands that find another one at work."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mecsim.core.lock import LOCK
from mecsim.errors import MecsimError
from mecsim.studies.study import QUICK_SETTINGS

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
TERMINAL = (signal.SIGHUP, signal.SIGINT)
"""Signals that a terminal sends to all processes of a command; the others reach the command alone."""

HEARING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from mecsim.cli import main
main()
"""
END_S = 60.0  # within which all processes have to be gone, on a busy machine


@dataclass(frozen=True, slots=True)
class Work:
    """A command, and how often it is ended."""

    name: str
    command: tuple[str, ...]  # with {out} for its place
    results: tuple[str, ...]  # patterns of the files whose bytes are compared
    kills: int
    resume: tuple[str, ...] | None = None  # how it is gone on with; begun again where there is no such way
    begun: tuple[str, ...] = ()  # patterns of the files that show that there is something to go on with

    def calls(self, out: Path) -> tuple[list[str], list[str]]:
        """The command as it begins, and as it goes on."""
        again = self.resume or (*self.command, "--force")
        first, later = ([word.format(out=out) for word in words] for words in (self.command, again))
        return first, later


def works(folder: Path, quick: bool) -> list[Work]:
    """All that is ended; `folder` gets a log to fit."""
    settings = {**QUICK_SETTINGS, "checkpoint_epochs": "1"}
    small = [text for key, value in settings.items() for text in ("--set", f"{key}={value}")]
    train = ("train", "quickstart", *small, "--out", "{out}")
    resume = ("train", "--resume", "--out", "{out}")
    learned = ("**/*.safetensors", "**/metrics.csv")
    sweep = ("sweep", "greedy", "cloud", "--scenario", "quickstart", "--preferences", "9", "--episodes", "200",
             "--workers", "2", "--out", "{out}")  # fmt: skip
    beside = ("--workers", "2")
    log = folder / "log.csv"
    complete(["dataset", "personalized-cell", "--users", "20", "--days", "7", "--out", str(log)])
    asked = ("dataset", "personalized-cell", "--users", "500", "--days", "28", "--out", "{out}/log.csv")
    fit = ("fit", str(log), "--out", "{out}/people.safetensors", "--num-threads", "1")
    found = [
        Work("sweep --workers 2", sweep, ("front.csv",), 24, (*sweep, "--resume"), ("parts/settings.json",)),
        Work("dataset", asked, ("log.csv",), 64),
        Work("fit", fit, ("people.*",), 40),
        Work("train", (*train, "--steps", "2000", "--num-threads", "1"), learned, 40, resume, ("config.yaml",)),
        Work("train --seeds 2", (*train, "--steps", "800", "--num-threads", "1", "--seeds", "2"), learned, 16,
             resume, ("seeds.yaml",)),
        Work("train --multi-policy 2 --workers 2", (*train, "--steps", "800", "--num-threads", "2",
             "--multi-policy", "2", *beside), learned, 16, (*resume, *beside), ("policies.yaml",)),
    ]  # fmt: skip
    return found[1:2] if quick else found


def complete(words: Sequence[str]) -> None:
    """Let a command come to its end."""
    done = subprocess.run([sys.executable, "-m", "mecsim", *words], capture_output=True, text=True)
    if done.returncode:
        raise MecsimError(f"mecsim {' '.join(words)} failed: {done.stderr.strip()}")


def contents(out: Path, patterns: Sequence[str]) -> dict[str, bytes]:
    """The results in a folder."""
    paths = {path for pattern in patterns for path in out.glob(pattern) if _counts(path)}
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(paths)}


def _counts(path: Path) -> bool:
    """Whether a file is a result: neither half written, nor a report, nor of an older checkpoint."""
    checkpoints = path.parent.parent
    older = checkpoints.name == "checkpoints" and path.parent != max(checkpoints.iterdir())
    return not (older or path.suffix == ".json" or ".partial" in path.name)


def state(out: Path) -> dict[str, tuple[int, int]]:
    """When each file was written, and its size."""
    found = {}
    for path in out.rglob("*"):
        if path.is_file():
            told = path.stat()
            found[str(path)] = told.st_mtime_ns, told.st_size
    return found


def group(leader: int) -> list[str]:
    """The processes that a command has started and that still run, by id and command."""
    told = subprocess.run(["ps", "-A", "-o", "pgid=,stat=,pid=,args="], capture_output=True, text=True).stdout
    rows = (line.split(maxsplit=3) for line in told.splitlines())
    return [" ".join(row[2:]) for row in rows if int(row[0]) == leader and not row[1].startswith("Z")]


@contextmanager
def start(words: Sequence[str]) -> "Iterator[subprocess.Popen[str]]":
    """Start a command, with a group of processes of its own, which hears signals even if this process is not to."""
    call = [sys.executable, "-c", HEARING, *words]
    with subprocess.Popen(
        call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def kill(words: Sequence[str], number: signal.Signals, after_s: float, out: Path) -> dict[str, object] | None:
    """End a command some time after its start, and look at what it leaves running; None if it ended before."""
    with start(words) as process:
        try:
            process.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            (os.killpg if number in TERMINAL else os.kill)(process.pid, number)
        else:
            if process.returncode:
                raise MecsimError(f"mecsim {' '.join(words)} failed: {process.stderr.read() if process.stderr else ''}")
            return None
        sent_s = time.monotonic()
        process.wait(timeout=5 * END_S)
        left, ended_s, orphans = state(out), time.monotonic(), group(process.pid)
        while orphans and time.monotonic() < ended_s + END_S:
            time.sleep(0.05)
            orphans = group(process.pid)
        gone_s = time.monotonic() - ended_s
        for line in orphans:  # they hold stderr, and would disturb what follows
            os.kill(int(line.split()[0]), signal.SIGKILL)
        said = process.stderr.read() if process.stderr else ""
    return {
        "signal": number.name, "after_s": after_s, "code": process.returncode, "ended_s": ended_s - sent_s,
        "gone_s": gone_s, "orphans": len(orphans), "written_afterwards": int(state(out) != left),
        "traceback": int("Traceback" in said),
    }  # fmt: skip


def killed(work: Work, folder: Path, rng: random.Random, kills: int) -> Iterator[list[dict[str, object]]]:
    """End a work again and again at random moments, until it comes to its end, and compare that with an undisturbed
    one's; yields what was seen of each such chain, until there were so many moments."""
    out, whole = folder / "killed", folder / "whole"
    if work.resume is None:
        whole.mkdir()
    began_s = time.monotonic()
    complete(work.calls(whole)[0])
    lasts_s, count = time.monotonic() - began_s, 0
    expected = contents(whole, work.results)
    while count < kills:
        if work.resume is None:
            shutil.copytree(whole, out)  # an earlier output, which is to be replaced
        chain: list[dict[str, object]] = []
        failure, ended = "", False
        try:
            while not ended and count < kills:
                words = following(work, out)
                told = kill(words, SIGNALS[count % len(SIGNALS)], rng.uniform(0.0, lasts_s), out)
                ended = told is None
                if told is not None:
                    earlier = int(work.resume is not None or contents(out, work.results) == expected)
                    resumed = int("--resume" in words)
                    chain.append({"command": work.name, **told, "resumed": resumed, "earlier_whole": earlier})
                    count += 1
            if not ended:
                complete(following(work, out))
        except MecsimError as error:
            failure = str(error)
        exact = int(not failure and contents(out, work.results) == expected)
        yield [{**row, "exact": exact, "failure": failure} for row in chain]
        shutil.rmtree(out)
    shutil.rmtree(whole)


def following(work: Work, out: Path) -> list[str]:
    """The command that goes on from what is there, or begins."""
    first, later = work.calls(out)
    if work.resume is None or any(True for pattern in work.begun for _ in out.glob(pattern)):
        return later
    return [*first, "--force"] if out.exists() and any(out.iterdir()) else first


def _is_told(out: Path) -> bool:
    """Whether somebody writes in a folder, or a file in it, and has said so: who has only just got hold of a lock has
    not yet."""
    try:
        return any(lock.stat().st_size > 0 for lock in (*out.glob(LOCK), *out.glob(f".*{LOCK}")))
    except FileNotFoundError:  # it has ended meanwhile
        return False


def second_writers(work: Work, folder: Path) -> Iterator[list[dict[str, object]]]:
    """Call a command while it is at work already: with --force, and as it would be gone on with."""
    out, rows = folder / "two", []
    if work.resume is None:
        out.mkdir()
    first, later = work.calls(out)
    with start(first) as process:
        while not (at_work := _is_told(out)) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)  # it stays at work for as long as the others take
        for words in ([*first, "--force"], *([later] if work.resume else [])):
            second = subprocess.run([sys.executable, "-m", "mecsim", *words], capture_output=True, text=True)
            lines = second.stderr.strip().splitlines()
            rows.append({
                "command": work.name, "second": "--resume" if "--resume" in words else "--force",
                "at_work": int(at_work and process.poll() is None), "code": second.returncode,
                "told": int("is being written by process" in (lines or [""])[-1]),
            })  # fmt: skip
        process.send_signal(signal.SIGCONT)
        process.communicate()
        code = process.returncode
    whole = folder / "whole"
    if work.resume is None:
        whole.mkdir()
    complete(work.calls(whole)[0])
    exact = int(code == 0 and contents(out, work.results) == contents(whole, work.results))
    for place in (out, whole):
        shutil.rmtree(place)
    yield [{**row, "first_exact": exact} for row in rows]
