"""Numbers that no change of structure may change: digests of what the commands write for every built-in scenario.

`python experiments/unchanged/run.py --work FOLDER` plays cheap policies on both engines (`mecsim simulate`), sweeps
greedy, random and a trained run over 11 preferences and 20 episodes, and trains 100,000 steps on one scenario of each
system, all with one thread and seed 0. It writes digests.csv: what was run, the file, and the first 16 digits of the
SHA-256 of its bytes. `--against digests.csv` compares with an earlier one, names what differs and exits with 1.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

import click

from mecsim.core.frames import Column, Schema, read_csv, write_csv

EPISODES = 3
STEPS = 100_000
LEARNED = {"quickstart": "quickstart", "personalized-quick": "personalized-quick"}
CHEAP = {
    "offload": ("greedy", "random", "cloud", "edge", "join-shortest-work"),
    "cells": ("greedy", "random", "universal", "minimum"),
}
SCENARIOS = {
    "quickstart": "offload",
    "gmorl": "offload",
    "gmorl-test": "offload",
    "gmorl-e6": "offload",
    "gmorl-personal": "offload",
    "personalized-quick": "cells",
    "personalized-cell": "cells",
    "personalized-city": "cells",
}
PLAYED = {
    "quickstart": ("quickstart", "gmorl", "gmorl-test", "gmorl-e6"),
    "personalized-quick": ("personalized-quick",),
}
"""On which scenarios each trained run is played: those with the same observation."""

RECORDS = {"offload": ("tasks.csv", "servers.csv"), "cells": ("requests.csv", "cells.csv")}

DIGESTS = Schema(
    (
        Column("command", "String", "that was run"),
        Column("file", "String", "that it wrote"),
        Column("sha256", "String", "first 16 digits of the digest of its bytes"),
    )
)


@click.command()
@click.option("--work", type=click.Path(path_type=Path), required=True, help="What the commands write; kept if there.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("digests.csv"), help="The table of digests.")
@click.option("--against", type=click.Path(path_type=Path, exists=True), help="An earlier table to compare with.")
def main(work: Path, out: Path, against: Path | None) -> None:
    """Run everything, write the digests, and compare them with earlier ones."""
    found: dict[tuple[str, str], str] = {}
    for scenario in LEARNED:
        run = work / f"run-{scenario}"
        _mecsim("train", scenario, "--out", run, "--steps", STEPS, "--device", "cpu")
        found[f"train {scenario}", "metrics.csv"] = _digest(run / "metrics.csv")
    for scenario, system in SCENARIOS.items():
        for policy in CHEAP[system]:
            for engine in ("batched", "simpy"):
                folder = work / f"simulate-{scenario}-{policy}-{engine}"
                played = ("--policy", policy, "--engine", engine, "--episodes", EPISODES)
                _mecsim("simulate", scenario, *played, "--out", folder)
                for name in RECORDS[system]:
                    found[f"simulate {scenario} {policy} {engine}", name] = _digest(folder / name)
        folder = work / f"sweep-{scenario}"
        runs = [f"run-{learned}" for learned, played in PLAYED.items() if scenario in played]
        targets = ["greedy", "random", *runs]
        grid = ("--scenario", scenario, "--preferences", 11, "--episodes", 20)
        _mecsim("sweep", *targets, *grid, "--out", folder.name, cwd=work)
        found[f"sweep {scenario} {' '.join(targets)}", "front.csv"] = _digest(folder / "front.csv")
    rows = [{"command": command, "file": file, "sha256": digest} for (command, file), digest in found.items()]
    write_csv(out, DIGESTS.rows(rows), DIGESTS)
    click.echo(f"wrote {out}: {len(found)} files")
    if against is not None:
        _compare(found, against)


def _mecsim(*arguments: object, cwd: Path | None = None) -> None:
    out = (cwd or Path()) / str(arguments[arguments.index("--out") + 1])
    if (out / "summary.json").exists() or (out / "metrics.csv").exists():  # of an interrupted call
        return
    command = [sys.executable, "-m", "mecsim", *map(str, arguments), "--num-threads", "1"]
    click.echo(" ".join(command[3:]), err=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=cwd)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _compare(found: dict[tuple[str, str], str], against: Path) -> None:
    earlier = {(command, file): digest for command, file, digest in read_csv(against, DIGESTS).iter_rows()}
    changed = [key for key in earlier if found.get(key) != earlier[key]]
    for command, name in changed:
        click.echo(f"changed: {command}: {name}")
    click.echo(f"{len(earlier) - len(changed)} of {len(earlier)} files are the same bytes as in {against}")
    sys.exit(1 if changed else 0)


if __name__ == "__main__":
    main()
