"""Mutate what mecsim reads and what it is called with, and see that each is used or refused in a line, and soon."""

import contextlib
import io
import json
import re
import shutil
import signal
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from mecsim.cli import main
from mecsim.errors import MecsimError
from mecsim.scenario import load_scenario
from mecsim.studies.study import QUICK_SETTINGS, Study, experiment

HERE = Path(__file__).resolve().parent
SCENARIOS = HERE.parents[1] / "scenarios"
CORPUS = HERE / "corpus"
"""Inputs that once were a fault, each with the kind of input before the first hyphen of its name."""

SOON_S, HANGS_S = 5.0, 60
TINY = [text for key, value in QUICK_SETTINGS.items() for text in ("--set", f"{key}={value}")]

NASTY = (
    "", "null", "~", "true", "-1", "0", "1e999", "-1e-999", "nan", ".inf", "9" * 9000, "0x10", "1_000", "[]", "{}",
    "[1, 2] m", "[2, 1] GHz", "[[1]]", "{a: 1}", "1 parsec", "10 dBm", "999 dB", "1e18 Hz", "16.6 mHz", "*alias",
    "&a [*a]", "!!python/object:os.system x", "!!binary AAAA", "|", ">", "'", '"', "\x00", "\ufeff", "\u202e", "١",
    "東京", "🙂" * 100, "[" * 5000, "{a: " * 200, "? x", "---", "...", "%YAML 9", "<<: *x", "/etc/passwd", "../..",
    "gmorl", "offload", "%s{}", "$(reboot)", "-", "--help", "greedy+plan3", "a=b=c", "=", "x" * 300,
)  # fmt: skip

CALLS = (
    "simulate quickstart --episodes 1", "simulate quickstart --policy greedy --preference 0.5,0.5 --episodes 2",
    "simulate personalized-quick --episodes 1 --context episode.requests=5", "validate gmorl quickstart", "show gmorl",
    "sweep greedy cloud --scenario quickstart --preferences 2 --episodes 2 --out front", "choose SWEEP --max delay=900",
    "choose SWEEP --min energy=1 --minimize delay", "compare SWEEP SWEEP", "report SWEEP --out r.html --force",
    "plot SWEEP --out p.svg --limits delay=1:2 --force", "train quickstart --steps 400 --out run TINY",
    "train --resume --out RUN", "simulate quickstart --policy RUN --episodes 1", "export RUN --out policy.onnx --force",
    "dataset personalized-quick --users 3 --days 1 --out log.parquet --force", "policies", "settings", "init mine",
    "fit log.csv --out people", "bound quickstart --preferences 2 --episodes 1", "docs quickstart",
)  # fmt: skip


class Seeds(NamedTuple):
    """What is mutated: whole inputs of one kind, and what reads one."""

    inputs: list[bytes]
    read: Callable[[bytes, Path], object]


class Slow(BaseException):
    """Something does not end; no code that is tested may hold it for an error of its own."""


def mutated(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """One to three changes, of values and lines where it is text, else of bytes."""
    text = b"\x00" not in content[:4096]
    for _ in range(int(rng.integers(1, 4))):
        kinds = (_value, _line, _spliced, _bytes) if text else (_bytes, _header, _bytes, _spliced)
        content = kinds[rng.integers(len(kinds))](content, others, rng) or b"\n"
    return content


def _value(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """A word or number is something else."""
    words = list(re.finditer(rb"[^\s,:{}\[\]]+", content))
    if not words:
        return _bytes(content, others, rng)
    word = words[rng.integers(len(words))]
    return content[: word.start()] + _nasty(rng) + content[word.end() :]


def _line(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """A line is missing, is there twice, is somewhere else, or indented otherwise."""
    lines = content.splitlines(keepends=True) or [b""]
    at, to = (int(place) for place in rng.integers(len(lines), size=2))
    line = lines.pop(at)
    change = int(rng.integers(4))
    if change:
        lines.insert(to if change == 1 else at, {1: line, 2: line + line, 3: b"  " + line}[change])
    return b"".join(lines)


def _spliced(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """The end is that of another input."""
    other = others[rng.integers(len(others))]
    return content[: rng.integers(len(content) + 1)] + other[rng.integers(len(other) + 1) :]


def _bytes(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """A few bytes are others; half of the time there are more or fewer of them."""
    at, length = int(rng.integers(len(content) + 1)), int(rng.integers(1, 9))
    return content[:at] + rng.bytes(int(rng.integers(9)) if rng.random() < 0.5 else length) + content[at + length :]


def _header(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """A value of the header of a safetensors file is something else, and its length says so."""
    size = int.from_bytes(content[:8], "little")
    if not 0 < size < len(content) - 8:
        return _bytes(content, others, rng)
    header = _value(content[8 : 8 + size], others, rng)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def _nasty(rng: np.random.Generator) -> bytes:
    return NASTY[rng.integers(len(NASTY))].encode()


def outcome(read: Callable[[], object]) -> tuple[str, str]:
    """What becomes of an input, with the line that says so: used, refused, FAULT or SLOW."""
    began = time.process_time()
    signal.alarm(HANGS_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            read()
        found, told = "used", ""
    except MecsimError as error:
        problems = getattr(error, "problems", [str(error)])
        found, told = ("refused", problems[0]) if not any("\n" in one for one in problems) else ("FAULT", str(error))
    except Slow:
        found, told = "SLOW", f"more than {HANGS_S} s"
    except Exception as error:
        found, told = "FAULT", f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    spent_s = time.process_time() - began  # other people's work is no fault
    return ("SLOW", f"{spent_s:.1f} s") if spent_s > SOON_S else (found, told)


def call(words: list[str]) -> None:
    """Give a command; what it says of a fault of its own is a fault."""
    err = io.StringIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    said = err.getvalue()
    if code not in (0, 1, 2) or "internal error" in said or "Traceback" in said:
        raise AssertionError(f"exit code {code}: {said.strip()[-300:]}")
    if code == 2:
        raise MecsimError(said.strip().replace("\n", " "))


def kinds(work: Path) -> dict[str, Seeds]:
    """All kinds of input."""
    from mecsim.predictor.file import read_predictor
    from mecsim.predictor.read import read_log
    from mecsim.systems.offload.data import read_mobility, read_sites, read_tasks

    def scenario(content: bytes, place: Path) -> None:
        place.with_suffix(".yaml").write_bytes(content)
        load_scenario(place.with_suffix(".yaml"), complete=True)

    def with_file(reader: Callable[[Path], object], suffix: str) -> Callable[[bytes, Path], object]:
        def read(content: bytes, place: Path) -> object:
            place.with_suffix(suffix).write_bytes(content)
            return reader(place.with_suffix(suffix))

        return read

    run, sweep, log, predictor = (work / name for name in ("run", "front", "log.csv", "people.safetensors"))
    call(["train", "quickstart", "--steps", "2400", "--num-threads", "1", "--out", str(run), *TINY])
    call(["sweep", "greedy", "--scenario", "quickstart", "--preferences", "3", "--episodes", "4", "--out", str(sweep)])
    call(["dataset", "personalized-quick", "--users", "8", "--days", "7", "--out", str(log)])
    call(["fit", str(log), "--out", str(predictor)])
    tables = {
        "sites": (b"name,x_m,y_m\nnorth,1,2\nsouth,3,4\n", read_sites),
        "tasks": (b"time_s,user,size_bit,deadline_s,priority\n0.5,1,1e6,3,0\n2,0,2e6,,1\n", read_tasks),
        "walks": (b"user,time_s,latitude,longitude\n0,0,52.5,13.4\n0,9,52.6,13.5\n1,3,52.5,13.3\n", read_mobility),
    }
    found = {
        "scenario": Seeds([path.read_bytes() for path in sorted(SCENARIOS.glob("*.yaml"))], scenario),
        "predictor": Seeds([predictor.read_bytes()], with_file(read_predictor, ".safetensors")),
        "log": Seeds([b"".join(log.read_bytes().splitlines(keepends=True)[:20])], with_file(read_log, ".csv")),
    }
    found |= {
        name: Seeds([table], with_file(lambda path, reader=reader: reader(str(path)), ".csv"))
        for name, (table, reader) in tables.items()
    }
    return found | checkpoints(run, work) | commands(run, sweep, work)


def checkpoints(run: Path, work: Path) -> dict[str, Seeds]:
    """Files of a run as earlier versions wrote it, without the digests by which any change is found."""
    from mecsim.training import Run
    from mecsim.training.loop import prepared

    (run / "manifest.json").unlink()
    newest = max((run / "checkpoints").iterdir())
    state = json.loads((newest / "state.json").read_text(encoding="utf-8"))
    plain = {key: state[key] for key in ("epoch", "env_steps", "updates")}
    (newest / "state.json").write_text(json.dumps(plain), encoding="utf-8")
    for other in (run / "checkpoints").iterdir():
        if other != newest:
            shutil.rmtree(other)

    def reader(name: str) -> Callable[[bytes, Path], object]:
        def read(content: bytes, place: Path) -> None:
            copy = work / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(run, copy)
            (copy / name).write_bytes(content)
            opened = Run.open(copy)
            prepared(opened, done_epochs=opened.latest_epoch())

        return read

    here = newest.relative_to(run)
    names = [f"{here}/{name}" for name in ("agent.safetensors", "replay.safetensors", "state.json")]
    return {
        name.rpartition("/")[2].partition(".")[0]: Seeds([(run / name).read_bytes()], reader(name))
        for name in ("config.yaml", *names)
    }


def commands(run: Path, sweep: Path, work: Path) -> dict[str, Seeds]:
    """Calls of commands, a word a line."""
    words = {"RUN": [str(run)], "SWEEP": [str(sweep)], "TINY": TINY}
    calls = [[part for word in line.split() for part in words.get(word, [word])] for line in CALLS]

    def read(content: bytes, place: Path) -> None:
        given = content.decode("utf-8", "replace").replace("\x00", "").splitlines()
        with tempfile.TemporaryDirectory(dir=work) as folder, contextlib.chdir(folder):
            call([word for word in given if word not in ("tensorboard", "bench", "warmup", "--ray", "--help")])

    return {"command": Seeds([("\n".join(line) + "\n").encode() for line in calls], read)}


RUN_KINDS = ("config", "agent", "replay", "state")
SHARES = {"scenario": 10_000, "command": 400, **dict.fromkeys(RUN_KINDS, 250)}  # of a kind, where it is not the default


@experiment(__file__)
@click.option("--inputs", type=click.IntRange(1), default=1_000, show_default=True, help="Of each kind.")
@click.option("--only", metavar="KIND", help="One kind of input alone.")
def run(study: Study, inputs: int, only: str | None) -> None:
    """Mutate inputs at random; those that are a fault are written below the folder of runs."""
    rows: list[dict[str, object]] = []
    signal.signal(signal.SIGALRM, _too_slow)
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, (seeds, read)) in enumerate(kinds(Path(folder)).items()):
            if only not in (None, kind):
                continue
            known = [path.read_bytes() for path in sorted(CORPUS.glob(f"{kind}-*"))]
            count = 8 if study.quick else SHARES.get(kind, inputs)
            rng = np.random.default_rng([study.seed, number])
            drawn: Iterator[bytes] = (mutated(seeds[rng.integers(len(seeds))], seeds, rng) for _ in range(count))
            found, slowest_s = Counter[str](), 0.0
            for content in (*known, *drawn):
                began = time.process_time()
                what, told = outcome(partial(read, content, Path(folder) / "input"))
                slowest_s = max(slowest_s, time.process_time() - began)
                found[what] += 1
                if what.isupper():
                    faults = study.runs / "fuzz"
                    faults.mkdir(parents=True, exist_ok=True)
                    (faults / f"{kind}-{found[what]}").write_bytes(content)
                    click.echo(f"{kind}: {what}: {told} ({faults / f'{kind}-{found[what]}'})", err=True)
            outcomes = {name.lower(): found[name] for name in ("used", "refused", "FAULT", "SLOW")}
            rows.append({"input": kind, "tried": sum(found.values()), **outcomes, "slowest_cpu_s": round(slowest_s, 2)})
    study.write(rows)
    if bad := sum(int(str(row["fault"])) + int(str(row["slow"])) for row in rows):
        raise click.ClickException(f"{bad} inputs are a fault")


def _too_slow(number: int, frame: object) -> None:
    raise Slow


if __name__ == "__main__":
    main(program=run)
