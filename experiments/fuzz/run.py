"""Mutate what mecsim reads and what it is called with, and see that each is used or refused in a line, and soon."""

import signal
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

import click
import numpy as np
import polars as pl
from guided import Branches, Pool, branches
from inputs import FRONT_KINDS, RUN_KINDS, Seeds, kinds

from mecsim.cli import main
from mecsim.core.files import write_bytes
from mecsim.errors import MecsimError
from mecsim.studies.study import Study, experiment

CORPUS = Path(__file__).resolve().parent / "corpus"
"""Inputs that reach what the valid ones do not, and those that once were a fault, in a folder for each kind."""

SOON_S, HANGS_S = 5.0, 60
SHARES = {"scenario": 10_000, "command": 60, **dict.fromkeys((*RUN_KINDS, *FRONT_KINDS), 250)}
"""Inputs of a kind, where they are not as many as the option says."""


class Slow(BaseException):
    """Something does not end; no code that is tested may hold it for an error of its own."""


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


class Tried:
    """Inputs of one kind as they are tried, and what became of them."""

    def __init__(self, kind: str, read: Callable[[bytes], object], faults: Path) -> None:
        self.kind, self._read, self._faults = kind, read, faults
        self.found, self.slowest_s = Counter[str](), 0.0

    def branches_of(self, content: bytes) -> Branches:
        """Try an input; what it reached."""
        taken: set[tuple[str, int, int]] = set()
        began = time.process_time()
        with branches(taken):
            what, told = outcome(partial(self._read, content))
        if what == "SLOW":  # to be watched takes time as well
            began = time.process_time()
            what, told = outcome(partial(self._read, content))
        self.slowest_s = max(self.slowest_s, time.process_time() - began)
        self.found[what] += 1
        if what.isupper():
            self._faults.mkdir(parents=True, exist_ok=True)
            place = self._faults / f"{self.kind}-{self.found[what]}"
            place.write_bytes(content)
            click.echo(f"{self.kind}: {what}: {told} ({place})", err=True)
        return frozenset(taken)

    def row(self, pool: Pool) -> dict[str, object]:
        """A line of the table."""
        outcomes = {name.lower(): self.found[name] for name in ("used", "refused", "FAULT", "SLOW")}
        row: dict[str, object] = {"input": self.kind, "tried": sum(self.found.values()), **outcomes}
        kept = len(pool.inputs) - pool.seeds
        reached = {"kept": kept, "branches_of_seeds": pool.of_seeds, "branches": len(pool.reached)}
        return row | {"slowest_cpu_s": round(self.slowest_s, 2)} | reached


def search(tried: Tried, seeds: Seeds, known: list[bytes], count: int, rng: np.random.Generator, blind: bool) -> Pool:
    """Try the seeds, the corpus, and so many mutations of what reached something new, or blindly of the seeds."""
    pool = Pool(seeds.inputs, tried.branches_of)
    for content in known:
        pool.add(content, tried.branches_of(content))
    parents = seeds.inputs if blind else pool.inputs
    for _ in range(count):
        content = seeds.mutate(parents[rng.integers(len(parents))], parents, rng)
        pool.add(content, tried.branches_of(content))
    return pool


def corpus(kind: str) -> list[bytes]:
    """What is kept of a kind, in the order of its names."""
    return [path.read_bytes() for path in sorted((CORPUS / kind).glob("*"))]


def keep(kind: str, contents: list[bytes]) -> None:
    """Write a kind's corpus anew; those that once were a fault have names of their own, and stay."""
    folder = CORPUS / kind
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("[0-9a-f]" * 12):
        path.unlink()
    for content in contents:
        write_bytes(folder / sha256(content).hexdigest()[:12], content)


@experiment(__file__)
@click.option("--inputs", type=click.IntRange(1), default=1_000, show_default=True, help="Of each kind.")
@click.option(
    "--only", metavar="KIND", multiple=True, help="One kind of input, whose line is written anew; repeatable."
)
@click.option("--blind", is_flag=True, help="Mutate valid inputs alone, whatever mutations reach.")
@click.option("--keep", "kept", is_flag=True, help="Write the corpus anew, of what this run and the last reached.")
def run(study: Study, inputs: int, only: tuple[str, ...], blind: bool, kept: bool) -> None:
    """Mutate inputs, guided by what they reach; those that are a fault are written below the folder of runs."""
    result, faults = study.out / "result.csv", 0
    earlier = pl.read_csv(result).to_dicts() if only and result.is_file() else []
    rows: dict[str, dict[str, object]] = {row["input"]: row for row in earlier}
    signal.signal(signal.SIGALRM, _too_slow)
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, seeds) in enumerate(kinds(Path(folder)).items()):
            if only and kind not in only:
                continue
            tried = Tried(kind, seeds.read, study.runs / "fuzz")
            count = 4 if study.quick else SHARES.get(kind, inputs)
            rng = np.random.default_rng([study.seed, number])
            if study.quick:
                seeds = seeds._replace(inputs=seeds.inputs[:2])
            for seed in seeds.inputs:
                outcome(partial(seeds.read, seed))  # what is done but once is done
            pool = search(tried, seeds, [] if blind else corpus(kind), count, rng, blind)
            rows[kind] = tried.row(pool)
            faults += tried.found["FAULT"] + tried.found["SLOW"]
            if kept:
                keep(kind, pool.corpus())
    study.write(list(rows.values()))
    if faults:
        raise click.ClickException(f"{faults} inputs are a fault")


def _too_slow(number: int, frame: object) -> None:
    raise Slow


if __name__ == "__main__":
    main(program=run)
