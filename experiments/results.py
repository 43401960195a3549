"""Does every experiment anew, one after another: all tables and pictures of `experiments/`.

    python experiments/results.py              # or: make results
    python experiments/results.py --list       # what there is, how long it takes, and what is done
    python experiments/results.py --only edges,learning
    python experiments/results.py --quick      # tiny sizes, below the folder of runs: shows that all of it runs

What is finished is kept in results.json of the folder of runs, for the revision that it was measured at, and is not
done again at that revision; nor is what an experiment itself keeps, trained runs and parts of sweeps. An experiment
that fails, such as one that needs a GPU or an environment of its own, is told at the end, and the others go on.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from mecsim.cli import main
from mecsim.core.files import atomic_write
from mecsim.report.provenance import provenance

HERE = Path(__file__).resolve().parent
PYTHON, MECSIM = (sys.executable,), (sys.executable, "-m", "mecsim")


@dataclass(frozen=True)
class Job:
    """An experiment: its own script with some options, or commands whose files are copied to its folder."""

    minutes: float  # about, on two cores, with all trainings
    options: tuple[str, ...] = ()
    quick: bool = True  # whether the script has --quick
    commands: tuple[tuple[str, ...], ...] = ()  # instead of a script; RUNS and HERE stand for folders
    copied: tuple[str, ...] = ()  # from RUNS


JOBS = {
    "known_behaviour": Job(1),
    "snapshots": Job(10),
    "queues": Job(20),
    "interference": Job(60),
    "intervals": Job(15),
    "learning": Job(60),
    "memory": Job(25),
    "each_task": Job(50),
    "fronts": Job(15),
    "preferences": Job(10),
    "frequency": Job(15),
    "edges": Job(40),
    "convergence": Job(5),
    "curves": Job(30),
    "bound": Job(20),
    "decisions": Job(30),
    "hypervolume": Job(120),
    "ablation": Job(240),
    "ablation_network": Job(120),
    "latency": Job(10),
    "interrupts": Job(30),
    "traces": Job(10),
    "tools": Job(30),
    "scaling": Job(60),
    "peers": Job(120, ("--peer-python", str(HERE / "peers/.venv/bin/python"))),
    "personal_offloading": Job(120),
    "own_log": Job(60),
    "personalization": Job(360, ("--num-threads", "1")),
    "gpu": Job(60),
    "corruption": Job(10),
    "fuzz": Job(15),
    "planted": Job(60),
    "scaleout": Job(15),
    "unchanged": Job(5, ("--work", "RUNS/unchanged", "--out", "HERE/unchanged/digests.csv"), quick=False),
    "speed": Job(10, commands=((*MECSIM, "bench", "--training", "--out", "HERE/speed/result.json", "--force"),)),
    "quickstart": Job(
        10,
        commands=(
            (*MECSIM, "train", "quickstart", "--out", "RUNS/quickstart", "--force"),
            (*MECSIM, "sweep", "RUNS/quickstart", "greedy", "random", "--preferences", "101", "--episodes", "200",
             "--out", "RUNS/quickstart-sweep", "--force"),
        ),
        copied=("quickstart-sweep/front.csv", "quickstart-sweep/front.png", "quickstart-sweep/summary.json"),
    ),
}  # fmt: skip


@click.command("results")
@click.option("--only", help="Some of them, by name and separated by commas.")
@click.option("--quick", is_flag=True, help="Tiny sizes of those that have them; no stored result changes.")
@click.option("--list", "listed", is_flag=True, help="Say what there is and what is done, and do nothing.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
              help="Folder of trained runs, of parts of sweeps and of what is finished.")  # fmt: skip
def run(only: str | None, quick: bool, listed: bool, runs: Path) -> None:
    """Do all experiments anew; what is finished at this revision is kept."""
    names = list(JOBS) if only is None else only.split(",")
    for name in names:
        if name not in JOBS:
            raise click.BadParameter(f"{name} is none of {', '.join(JOBS)}", param_hint="--only")
    if quick:
        names = [name for name in names if JOBS[name].quick and not JOBS[name].commands]
    revision = (provenance()["git_revision"] or "").rstrip("+")  # finished experiments change the working tree
    state = runs / ("results-quick.json" if quick else "results.json")
    done = _done(state, revision)
    missing = [name for name in names if name not in done]
    if listed:
        for name in names:
            took = f"done in {done[name] / 60.0:.0f} min" if name in done else f"about {JOBS[name].minutes:g} min"
            click.echo(f"{name:20} {took}")
        return
    failed = []
    for number, name in enumerate(missing, 1):
        left = sum(JOBS[other].minutes for other in missing[number - 1 :]) / 60.0
        click.echo(f"{number} of {len(missing)}: {name}" + ("" if quick else f", about {left:.1f} h left"))
        started = time.monotonic()
        if not _did(name, JOBS[name], runs, quick):
            failed.append(name)
            continue
        done[name] = time.monotonic() - started
        state.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(state) as partial:
            partial.write_text(json.dumps({"git_revision": revision, "seconds": done}, indent=2), encoding="utf-8")
    if failed:
        click.echo(f"failed, see above: {', '.join(failed)}; the same command tries them again", err=True)
        raise click.exceptions.Exit(1)


def _done(state: Path, revision: str) -> dict[str, float]:
    """Seconds of what is finished at a revision."""
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
        return dict(found["seconds"]) if found["git_revision"] == revision else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _did(name: str, job: Job, runs: Path, quick: bool) -> bool:
    """Whether all commands of a job ended well; then what they made is where it belongs."""
    own = (*PYTHON, str(HERE / name / "run.py"), *job.options)
    if job.quick and not job.commands:
        own = (*own, "--runs", str(runs), *(("--quick",) if quick else ()))
    if any(subprocess.run(_placed(command, runs), check=False).returncode for command in job.commands or (own,)):
        return False
    for file in job.copied:
        shutil.copy(runs / file, HERE / name)
    return True


def _placed(command: Sequence[str], runs: Path) -> list[str]:
    return [part.replace("RUNS", str(runs)).replace("HERE", str(HERE)) for part in command]


if __name__ == "__main__":
    main(program=run)
