"""Other people's tools on mecsim's environments: each example of `examples/tools` is run, and what it reached is told.

    bash experiments/tools/setup.sh         # an environment of its own for each group of tools
    python experiments/tools/run.py

All play the scenario `gmorl` at equal weights of delay and energy, in units of its scale, and then the same 100
episodes, once for each of three seeds of the training (`--seeds`). `result.csv` has a line per method: the tool's
version, the day and mecsim's revision, how many lines the example has and how many of them are glue (classes between
tool and environment), the mean return with half its 95 % interval over the seeds, that of random and of greedy play on
the same episodes, and the time of the processor of one run of the whole example. README.md shows the table that it
prints.

`--quick` trains once and for next to nothing, with those tools that this Python has.
"""

import ast
import os
import re
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl
from matplotlib.figure import Figure

from mecsim.cli import main
from mecsim.core.seeds import Stream
from mecsim.errors import RunError
from mecsim.policies import calibrate
from mecsim.report.charts import DPI
from mecsim.report.provenance import provenance
from mecsim.report.tables import with_interval
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment
from mecsim.sweep import evaluate, policy_factory
from mecsim.sweep.front import half_width_95

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples" / "tools"
SCENARIO, EPISODES, SEED = "gmorl", 100, 10_000  # as in the examples
REACHED = re.compile(r"^(.+): mean return (-?\d+\.\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tool:
    """An example and the package that it shows."""

    package: str  # as pip knows it
    example: str
    environment: str  # that has it, see setup.sh
    quick: int  # steps, or episodes, that show that it runs
    arguments: tuple[str, ...] = ()


TOOLS = (
    Tool("gymnasium", "gymnasium_wrappers", "mo", 2),
    Tool("mo-gymnasium", "mo_gymnasium_wrappers", "mo", 2),
    Tool("stable-baselines3", "sb3_ppo_dqn", "sb3", 400),
    Tool("sb3-contrib", "sb3_maskable_ppo", "sb3", 400),
    Tool("rl_zoo3", "rl_zoo3_by_id", "zoo", 400),
    Tool("ray", "rllib_masks", "rllib", 400),
    Tool("torchrl", "torchrl_ppo", "torchrl", 400),
    Tool("tianshou", "tianshou_masks", "tianshou", 400),
    Tool("torch", "cleanrl_ppo", "mo", 400),
    *(Tool("morl-baselines", "morl_algorithms", "morl", 400, (name,)) for name in ("envelope", "gpi-ls", "capql")),
    Tool("morl-baselines", "morl_algorithms", "morl", 2000, ("pcn",)),
)

ORDER = [f"{tool.example}.py" for tool in TOOLS]


@experiment(__file__)
@click.option(
    "--environments",
    type=click.Path(path_type=Path),
    default=HERE,
    help="Folder of the environments that setup.sh makes.  [default: its own]",
)
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Trainings of each method.")
@click.option("--only", help="Examples to run, by name and separated by commas; the others keep their lines.")
def run(study: Study, environments: Path, seeds: int, only: str | None) -> None:
    """What each tool reaches on the same episodes, unmodified."""
    asked = only.split(",") if only else [tool.example for tool in TOOLS]
    if unknown := set(asked) - {tool.example for tool in TOOLS}:
        raise click.BadParameter(f"there is no example {', '.join(sorted(unknown))}", param_hint="--only")
    levels = {name: mean_return(name) for name in ("random", "greedy")}
    table = study.out / "result.csv"
    kept = pl.read_csv(table).to_dicts() if only and table.exists() else []
    rows: list[dict[str, Any]] = [row for row in kept if Path(row["example"]).stem not in asked]
    for tool in (tool for tool in TOOLS if tool.example in asked):
        python = environments.absolute() / f".venv-{tool.environment}" / "bin" / "python"
        found = str(python) if python.exists() else sys.executable
        rows += _rows(tool, found, levels, 1 if study.quick else seeds, study.quick)
        rows.sort(key=lambda row: ORDER.index(row["example"]))
        if rows:  # what one tool has reached stays, whatever the next one does
            study.write(rows, scenario=SCENARIO, episodes=EPISODES, episode_seed=SEED)
    if not rows:
        raise RunError("none of the tools is installed: run setup.sh, or name its folder with --environments")
    _draw(rows, levels, study.out / "tools.png")
    click.echo(table_of(rows))
    if failed := [row["method"] for row in rows if row["message"]]:
        raise RunError(f"failed: {', '.join(failed)}; the column message of result.csv says why")


def mean_return(policy: str, episodes: int = EPISODES) -> float:
    """What a policy of mecsim earns on the episodes that the examples play at their end."""
    scenario = load_scenario(SCENARIO)
    weights = np.full(len(scenario.objectives), 1.0 / len(scenario.objectives))
    totals = evaluate(policy_factory(policy, scenario), scenario, weights[None], episodes, SEED, Stream.TRAINING)
    return -float((totals[0] @ (weights / calibrate(scenario).scale)).mean())


def _rows(tool: Tool, python: str, levels: dict[str, float], seeds: int, quick: bool) -> list[dict[str, Any]]:
    version = _version(python, tool.package)
    if version is None:
        click.echo(f"{tool.example}: skipped, as {tool.package} is not installed in {python}", err=True)
        return []
    path = EXAMPLES / f"{tool.example}.py"
    click.echo(f"{tool.example} {' '.join(tool.arguments)}", err=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    told = [_told(tool, python, path, seed, quick) for seed in range(seeds)]
    cpu_s = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) / seeds
    returns: dict[str, list[float]] = {}
    for method, value in (line for reached, _ in told for line in reached):
        returns.setdefault(method, []).append(value)
    failed = next((message for _, message in told if message), None)
    lines, glue = counted(path)
    return [
        {
            "tool": tool.package,
            "version": version,
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "example": path.name,
            "method": method,
            "lines": lines,
            "glue_lines": glue,
            "mean_return": float(np.mean(values)) if values else None,
            "random_return": levels["random"],
            "greedy_return": levels["greedy"],
            "cpu_s": round(cpu_s, 1),
            "message": failed,
            "seeds": len(values),
            "mean_return_ci95": float(half_width_95(np.array(values))) if values else None,
            "revision": provenance()["git_revision"],
        }
        for method, values in (returns or {" ".join([tool.example, *tool.arguments]): []}).items()
    ]


def _told(tool: Tool, python: str, path: Path, seed: int, quick: bool) -> tuple[list[tuple[str, float]], str | None]:
    """What an example says that its methods reach, and why it says nothing."""
    command = [python, str(path), *tool.arguments, str(seed), *([str(tool.quick)] if quick else [])]
    # One thread each, whatever a library would like to take, and nothing that asks for an account.
    alone = {
        "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "WANDB_MODE": "disabled", "RAY_AUTH_MODE": "disabled",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, env={**os.environ, **alone}, cwd=folder, capture_output=True, text=True, check=False
        )
    reached = REACHED.findall(done.stdout) if done.returncode == 0 else []
    message = None if reached else (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
    return [(method, float(value)) for method, value in reached], message


def _version(python: str, package: str) -> str | None:
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    told = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else None


def counted(path: Path) -> tuple[int, int]:
    """Lines of code of an example, without what only explains, and how many of them are of classes: its glue."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    explains = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    text = path.read_text(encoding="utf-8").splitlines()
    code = [
        number
        for number, line in enumerate(text, 1)
        if line.strip() and not line.lstrip().startswith("#") and number not in explains
    ]
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    glue = sum(node.lineno <= number <= (node.end_lineno or 0) for node in classes for number in code)
    return len(code), glue


def table_of(rows: list[dict[str, Any]]) -> str:
    """The table of README.md."""
    heading = ["tool", "version", "method", "lines", "glue", "trainings", "mean return", "CPU (s)"]
    cells = [
        [
            row["tool"],
            row["version"],
            row["method"],
            str(row["lines"]),
            str(row["glue_lines"]),
            str(row["seeds"]),
            "failed" if row["message"] else _reached(row),
            f"{row['cpu_s']:.0f}",
        ]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heading, ["---"] * len(heading), *cells])


def _reached(row: dict[str, Any]) -> str:
    return with_interval(row["mean_return"], row["mean_return_ci95"]).replace("-", "−")


def _draw(rows: list[dict[str, Any]], levels: dict[str, float], path: Path) -> None:
    shown = [row for row in rows if not row["message"]]
    figure = Figure(figsize=(6.4, 1.2 + 0.28 * len(shown)), layout="constrained")
    axes = figure.subplots()
    names = [f"{row['tool']}: {row['method']}" for row in shown]
    half = np.nan_to_num([row["mean_return_ci95"] or 0.0 for row in shown])
    axes.errorbar([row["mean_return"] for row in shown], names, xerr=half, fmt="o", color="black", markersize=4)
    for name, level in levels.items():
        axes.axvline(level, color="black", lw=0.8, ls=":" if name == "random" else "--", label=name)
    axes.invert_yaxis()
    axes.set_xlabel("mean return over trainings, larger is better")
    axes.legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI)


if __name__ == "__main__":
    main(program=run)
