"""How soon each method gets how far: mecsim's agent, Envelope, GPI-LS and DQN over the time that they train.

Not in the GMORL paper (arXiv 2509.10474), which counts epochs. All methods train on `gmorl-e6`, each on one thread for
the same time, and are measured on the way by `train_peer.py`: 11 preferences and 64 episodes that are used for nothing
else, with the clock standing still.

    bash experiments/peers/setup.sh
    python experiments/peers/run.py --peer-python experiments/peers/.venv/bin/python

`curves.csv` has the learning curves. `result.csv` compares mecsim with each peer, in hypervolume and in mean cost at
the asked preference, at four levels: the peer's best, what the peer had last, 1 % short of the peer's best, and what
mecsim had after a twentieth of the time. `ours_s` is the moment from which on mecsim stays at the level or above,
`peer_s` the first at which the peer reaches it; it is empty if the peer never does, and `times_sooner` then says how
often `ours_s` goes into all the time that the peer had, so it is a lower bound. Columns with `cpu` are the same of the
processor's time, which says more where other work shares the machine.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl
from course import CURVE, SCENARIO
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mecsim.cli import main
from mecsim.core.frames import read_csv
from mecsim.core.seeds import Stream
from mecsim.errors import InputError, MecsimError, RunError
from mecsim.policies import calibrate
from mecsim.report.charts import DPI
from mecsim.report.style import COLOURS
from mecsim.scenario import load_scenario
from mecsim.studies.study import PLAIN_AGENT, QUICK_EPOCHS, QUICK_SETTINGS, Study, experiment
from mecsim.sweep import Front, evaluate, measured, policy_factory

OURS = ("mecsim", "mecsim-plain")
OF_MORL_BASELINES = ("envelope", "gpi-ls")
METHODS = (*OURS, "dqn", *OF_MORL_BASELINES)
QUICK_METHODS = ("mecsim", "dqn")
PREFERENCES, EPISODES, QUICK_SECONDS = 11, 64, 1.0

CLOCKS = {"wall": "wall_s", "cpu": "cpu_s"}  # columns of the curves
SIGN = {"hypervolume": 1.0, "mean_cost": -1.0}  # larger is better after multiplication
SHARE = 20  # the bar: as many times sooner
SHOWN = {"hypervolume": (0.6, 1.08), "mean_cost": (0.9, 1.6)}  # of the ratios to greedy, in the picture


@experiment(__file__)
@click.option("--methods", help=f"Which of {', '.join(METHODS)} to train.  [default: all]")
@click.option("--peer-python", help="Python of the environment that setup.sh makes; Envelope and GPI-LS need it.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.0, min_open=True),
    default=1200.0,
    show_default=True,
    help="Training time of each method; DQN shares it among its models.",
)
@click.option(
    "--clock",
    type=click.Choice(list(CLOCKS)),
    default="wall",
    show_default=True,
    help="What --seconds counts; the processor's time where other work shares the machine.",
)
@click.option("--steps", type=click.IntRange(1), help="Length of mecsim's schedule.  [default: the scenario's]")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Trainings of each method.")
def run(
    study: Study, methods: str | None, peer_python: str | None, seconds: float, clock: str, steps: int | None,
    seeds: int,
) -> None:  # fmt: skip
    """Learning curves over the time of training, and how many times sooner mecsim is where its peers get."""
    names = _asked(methods, peer_python, study.quick)
    scenario = load_scenario(SCENARIO)
    grid, episodes = study.grid(scenario, PREFERENCES), study.episodes(EPISODES)
    options: dict[str, Any] = {
        "seconds": QUICK_SECONDS if study.quick else seconds,
        "clock": clock,
        "preferences": len(grid),
        "episodes": episodes,
        "episode-seed": study.seed,
        "steps": steps,
        "set": PLAIN_AGENT,
    }
    if study.quick:
        options["steps"] = QUICK_EPOCHS * int(QUICK_SETTINGS["num_envs"]) * scenario.episode.steps
        options["set"] = {**PLAIN_AGENT, **QUICK_SETTINGS}
    courses: list[Course] = []
    for seed in range(seeds):
        for name in names:
            python = peer_python if name in OF_MORL_BASELINES and peer_python else sys.executable
            courses.append(_course(study.runs / "peers" / f"{name}-{seed}", python, name, {"seed": seed, **options}))
    levels = {name: _of_baseline(name, grid, episodes, study.seed) for name in ("greedy", "random")}
    trainings = {f"{course.method}-{course.seed}": course.told for course in courses}
    told = {"scenario": SCENARIO, "baselines": levels, "trainings": trainings}
    study.write([row for course in courses for row in course.curve.to_dicts()], "curves", **told)
    rows = [
        row
        for ours in courses
        for peer in courses
        if ours.method in OURS and peer.method not in OURS and ours.seed == peer.seed
        for row in _compared(ours, peer, clock)
    ]
    study.write(rows, scenario=SCENARIO, seconds=options["seconds"], clock=clock)
    _save_curves(study.out / "peers.png", courses, levels, clock)


def _asked(methods: str | None, peer_python: str | None, quick: bool) -> list[str]:
    """The methods to train.

    Raises:
        InputError: there is no Python for one of them; BadParameter: there is no such method.
    """
    if methods is None:
        default = METHODS if not quick else (*QUICK_METHODS, *(OF_MORL_BASELINES if peer_python else ()))
        methods = ",".join(default)
    names = methods.split(",")
    for name in names:
        if name not in METHODS:
            raise click.BadParameter(f"{name} is none of {', '.join(METHODS)}", param_hint="--methods")
        if name in OF_MORL_BASELINES and peer_python is None:
            raise InputError(f"{name}: make its environment with setup.sh and name its Python with --peer-python")
    return names


@dataclass(frozen=True, slots=True)
class Course:
    """What one training was, and what was measured on its way."""

    method: str
    seed: int
    curve: pl.DataFrame  # curve.csv
    told: dict[str, Any]  # of told.json

    def column(self, name: str) -> NDArray[np.float64]:
        """A number at each moment."""
        return self.curve[name].to_numpy().astype(np.float64)


def _course(folder: Path, python: str, name: str, options: Mapping[str, Any]) -> Course:
    """A training: what is in the folder if it is finished, or else trained now.

    Raises:
        RunError: the folder holds another training; MecsimError: the training failed.
    """
    if not (folder / "told.json").exists():
        _train(folder, python, name, options)
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    if told["asked"] != {"name": name, **options}:
        raise RunError(f"{folder}: was trained with other options; remove it, or choose other --runs")
    return Course(name, options["seed"], read_csv(folder / "curve.csv", CURVE), told)


def _train(folder: Path, python: str, name: str, options: Mapping[str, Any]) -> None:
    command = [python, str(Path(__file__).with_name("train_peer.py")), name, "--out", str(folder)]
    for key, value in options.items():
        if key == "set":
            command += [part for pair in value.items() for part in ("--set", "=".join(pair))]
        elif value is not None:
            command += [f"--{key}", str(value)]
    # One thread each, whatever a library would like to take; and wandb, which morl-baselines imports, stays silent.
    alone = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "WANDB_MODE": "disabled"}
    if subprocess.run(command, env={**os.environ, **alone}, check=False).returncode:
        raise MecsimError(f"{name}: its training failed, see above")


def _of_baseline(name: str, preferences: NDArray[np.float64], episodes: int, seed: int) -> dict[str, float]:
    """What a baseline reaches on the episodes that the trainings were measured on."""
    scenario = load_scenario(SCENARIO)
    totals = evaluate(policy_factory(name, scenario), scenario, preferences, episodes, seed, Stream.VALIDATION)
    values = measured(Front(name, preferences, totals), calibrate(scenario))
    return {measure: values[measure] for measure in SIGN}


def _compared(ours: Course, peer: Course, clock: str) -> list[dict[str, object]]:
    """When mecsim and a peer reach the same levels."""
    key = CLOCKS[clock]
    rows: list[dict[str, object]] = []
    for measure, sign in SIGN.items():
        own, other = sign * ours.column(measure), sign * peer.column(measure)
        best, last = float(other.max()), float(other[-1])
        short = best - 0.01 * abs(best)
        early = int(np.searchsorted(ours.column(key), peer.column(key)[-1] / SHARE, side="right")) - 1
        early = max(0, early)  # its first moment, if that comes later
        levels: dict[str, tuple[float, int | None]] = {
            "peer's best": (best, _for_good(own, best)),
            "peer's last": (last, _for_good(own, last)),
            "1 % short of peer's best": (short, _for_good(own, short)),
            f"ours after 1/{SHARE} of the time": (float(own[early]), early),
        }
        for level, (value, at) in levels.items():
            reached = np.flatnonzero(other >= value)
            where = int(reached[0]) if len(reached) else None
            row: dict[str, object] = {"ours": ours.method, "peer": peer.method, "seed": ours.seed}
            row |= {"measure": measure, "level": level, "value": sign * value}
            for suffix, column in (("", "wall_s"), ("_cpu", "cpu_s")):
                our_time, peer_time = ours.column(column), peer.column(column)
                row[f"ours{suffix}_s"] = None if at is None else float(our_time[at])
                row[f"peer{suffix}_s"] = None if where is None else float(peer_time[where])
                needed = peer_time[-1 if where is None else where]  # all of its time was not enough
                row[f"times_sooner{suffix}"] = None if at is None else float(needed / our_time[at])
            rows.append(row)
    return rows


def _for_good(values: NDArray[np.float64], level: float) -> int | None:
    """The first index from which on no value is below the level; None if the last one is."""
    below = np.flatnonzero(values < level)
    first = int(below[-1]) + 1 if len(below) else 0
    return first if first < len(values) else None


def _save_curves(path: Path, courses: Sequence[Course], levels: Mapping[str, Mapping[str, float]], clock: str) -> None:
    figure = Figure(figsize=(10.2, 3.8), layout="constrained")
    names = list(dict.fromkeys(course.method for course in courses))
    for index, (measure, shown) in enumerate(SHOWN.items()):
        axes = figure.add_subplot(1, len(SHOWN), index + 1)
        for course in courses:
            values = course.column(measure) / levels["greedy"][measure]
            label = course.method if course.seed == 0 else None
            axes.plot(
                course.column(CLOCKS[clock]), values, color=COLOURS[names.index(course.method)], lw=1.2, label=label
            )
        axes.axhline(1.0, color="black", lw=0.8, ls=":")
        axes.set_xscale("log")
        axes.set_ylim(*shown)
        axes.set_xlabel("training time (s)" if clock == "wall" else "training time (s of the processor)")
        axes.set_ylabel(f"{measure.replace('_', ' ')}, ratio to greedy")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize="small")
    figure.suptitle("Learning curves over the time of training, one thread each")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI)


if __name__ == "__main__":
    main(program=run)
