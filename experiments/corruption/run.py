"""Corrupt files of runs and sweeps at random, and see that no changed number is ever taken for what was written."""

import contextlib
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from mecsim.cli import main
from mecsim.core.files import digest_of_file
from mecsim.studies.study import QUICK_SETTINGS, Study, experiment

TRAIN = [
    "train", "quickstart", "--num-threads", "1", "--steps", str(6 * 400),
    *(text for key, value in QUICK_SETTINGS.items() for text in ("--set", f"{key}={value}")),
    "--set", "checkpoint_epochs=2",
]  # fmt: skip
SWEEP = [
    "sweep", "greedy", "cloud", "--scenario", "quickstart", "--preferences", "3", "--episodes", "20", "--workers", "1",
]  # fmt: skip
NUMBERS = {"run": ("metrics.csv", "agent.safetensors", "replay.safetensors"), "sweep": ("front.csv", "options.csv")}
"""Files of which equal numbers are equal bytes; of several checkpoints the newest counts."""


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """One bit is another one."""
    changed = bytearray(content)
    changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """The end is missing."""
    return content[: rng.integers(len(content))]


def zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    """A piece is zero, as a block that never came to the disk."""
    first = int(rng.integers(len(content)))
    length = min(int(rng.integers(1, 513)), len(content) - first)
    return content[:first] + bytes(length) + content[first + length :]


def doubled(content: bytes, rng: np.random.Generator) -> bytes:
    """A line is there twice, or a piece of what has no lines."""
    lines = content.splitlines(keepends=True)
    line = int(rng.integers(len(lines)))
    return b"".join([*lines[: line + 1], *lines[line:]])


def digit(content: bytes, rng: np.random.Generator) -> bytes:
    """A digit is another one."""
    places = [place for place, letter in enumerate(content) if letter in b"0123456789"]
    if not places:
        return flip(content, rng)
    place = int(rng.choice(places))
    other = b"%d" % ((int(content[place : place + 1]) + int(rng.integers(1, 10))) % 10)
    return content[:place] + other + content[place + 1 :]


DAMAGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (flip, cut, zeroed, doubled, digit)


def corrupted(folder: Path, other: Path, rng: np.random.Generator) -> tuple[str, str]:
    """Damage one file of a folder; `other` is a folder like it with other numbers. Returns the file and the damage."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size and _counts(path))
    path = files[rng.integers(len(files))]
    place = path.relative_to(folder)
    kind = int(rng.integers(len(DAMAGES) + 2))
    theirs = sorted(other.rglob(f"*{path.suffix}")) if path.parent.name == "parts" else [other / place]
    if kind == len(DAMAGES):
        path.unlink()
        return place.as_posix(), "removed"
    if kind > len(DAMAGES) and theirs and theirs[0].is_file():
        shutil.copyfile(theirs[rng.integers(len(theirs))], path)
        return place.as_posix(), "of another"
    damage = DAMAGES[min(kind, len(DAMAGES) - 1)]
    path.write_bytes(damage(path.read_bytes(), rng))
    return place.as_posix(), damage.__name__


def _counts(path: Path) -> bool:
    """Whether a file is read again by mecsim: curves of TensorBoard and pictures are not."""
    return "tensorboard" not in path.parts and path.suffix not in (".png", ".svg")


class Said(NamedTuple):
    """What a command of mecsim left."""

    code: int
    out: str
    err: str


def called(*arguments: object) -> Said:
    """Give a command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


def numbers(folder: Path, kind: str) -> dict[str, str]:
    """Digests of what a folder came to."""
    return {name: digest_of_file(sorted(folder.rglob(name))[-1]) for name in NUMBERS[kind]}


def read(folder: Path, kind: str) -> Said:
    """What who reads a folder says."""
    if kind == "run":
        return called("simulate", "quickstart", "--policy", folder, "--episodes", "1")
    return called("choose", folder, "--list")


def gone_on(folder: Path, kind: str) -> Said:
    """What who goes on with it says."""
    return (
        called("train", "--resume", "--out", folder) if kind == "run" else called(*SWEEP, "--out", folder, "--resume")
    )


def verdict(folder: Path, kind: str, expected: dict[str, str], shown: str) -> str:
    """What became of a corruption, of those who read and of those who go on."""
    seen = read(folder, kind)
    after = gone_on(folder, kind)
    if any("internal error" in said.err or "Traceback" in said.err for said in (seen, after)):
        return "INTERNAL ERROR"
    told = seen.code or "used instead" in seen.err
    if (not told and seen.out != shown) or (not after.code and numbers(folder, kind) != expected):
        return "ACCEPTED"
    return "refused" if after.code else "refused, then recovered" if told else "recovered"


@experiment(__file__)
@click.option("--corruptions", type=click.IntRange(1), default=60, show_default=True, help="Of each kind of folder.")
def run(study: Study, corruptions: int) -> None:
    """Corrupt files of runs and sweeps at random."""
    rows: list[dict[str, object]] = []
    count = 4 if study.quick else corruptions
    with tempfile.TemporaryDirectory() as work:
        for kind, command in {"run": TRAIN, "sweep": SWEEP}.items():
            whole, other = (Path(work) / kind / name for name in ("whole", "other"))
            for seed, folder in enumerate((whole, other)):
                if (said := called(*command, "--seed", seed, "--out", folder)).code:
                    raise click.ClickException(said.err)
            expected, victim = numbers(whole, kind), Path(work) / "victim"
            shutil.copytree(whole, victim)
            shown = read(victim, kind).out
            shutil.rmtree(victim)
            for number in range(count):
                rng = np.random.default_rng([study.seed, number, kind == "sweep"])
                shutil.copytree(whole, victim)
                place, damage = corrupted(victim, other, rng)
                found = verdict(victim, kind, expected, shown)
                rows.append({"folder": kind, "corruption": number, "file": place, "damage": damage, "verdict": found})
                shutil.rmtree(victim)
    study.write(rows)
    for found, times in sorted(Counter(str(row["verdict"]) for row in rows).items()):
        click.echo(f"{found}: {times}")
    if bad := [row for row in rows if str(row["verdict"]).isupper()]:
        raise click.ClickException(f"{len(bad)} corruptions were not found, such as {bad[0]}")


if __name__ == "__main__":
    main(program=run)
