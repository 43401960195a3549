"""mecsim train: learn one policy for all preferences, or one for each of several preferences or seeds."""

import dataclasses
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.completion import scenarios
from mecsim.cli.completion import settings as complete_settings
from mecsim.cli.options import (
    context_option,
    force_option,
    key_values,
    output_folder,
    ray_option,
    sole_writer,
    threads_option,
    warn,
)
from mecsim.core.files import MAX_RUNS
from mecsim.core.lock import writing_folder
from mecsim.core.stopping import Stopping, exit_code, undisturbed
from mecsim.core.threads import use_threads
from mecsim.errors import InputError

if TYPE_CHECKING:
    from mecsim.core.scenario import Scenario
    from mecsim.sweep.distribute import Place
    from mecsim.training import MultiRun, Run, TrainingConfig


@click.command()
@click.argument("scenario", metavar="[SCENARIO]", required=False, shell_complete=scenarios)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="RUN", help="Folder of the run.")
@click.option(
    "--agent", metavar="NAME", help="Who learns: sac, double-dqn, or an agent of another package.  [default: sac]"
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    help="Environment steps; of each policy, where there are several.  [default: the scenario's]",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of everything random.  [default: 0]")
@click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda",
    help="Where the agent learns. A GPU, which auto takes if there is one, has other default settings: more "
    "environments, which are played on it, wider networks and larger batches. RUN/config.yaml says which.",
)  # fmt: skip
@context_option
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a training setting; repeatable.",
              shell_complete=complete_settings)  # fmt: skip
@click.option(
    "--multi-policy",
    "policies",
    type=click.IntRange(2, MAX_RUNS),
    metavar="K",
    help="Train K policies instead of one, each for one of K equally spaced preferences, into RUN/policy-00 and so on. "
    "--steps and --seed hold for each of them. RUN is played and swept like any run, for each preference by the policy "
    "that was trained for the nearest one.",
)
@click.option(
    "--seeds",
    type=click.IntRange(2, MAX_RUNS),
    metavar="K",
    help="Train K times, with --seed and the seeds that follow it, into RUN/seed-00 and so on, each named by its seed. "
    "A sweep of RUN plays all of them, and says how much trainings differ. With --resume more seeds can be added.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Processes that train what --multi-policy or --seeds asks for, which share --num-threads.  [default: 1]",
)
@ray_option
@click.option(
    "--gpu-share", type=click.FloatRange(0, 1, min_open=True), metavar="F",
    help="Of a GPU for each training with --ray on cuda, such as 0.25 for four that share one.  [default: 1]",
)  # fmt: skip
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Stop after so many minutes, at the end of an epoch, as Ctrl-C does: --resume goes on.",
)
@click.option(
    "--log", multiple=True, metavar="NAME",
    help="Who is told of every epoch beside TensorBoard: wandb, mlflow, a monitor of another package, or your own as "
    "package.module:Object; repeatable, and to be given again with --resume.",
)  # fmt: skip
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run in --out, with its own scenario and settings; with --steps to more of them.",
)
@force_option
@threads_option
def train(
    scenario: str | None, out: Path, agent: str | None, steps: int | None, seed: int | None, device: str,
    context: tuple[str, ...], settings: tuple[str, ...],
    policies: int | None, seeds: int | None, workers: int | None, address: str | None, gpu_share: float | None,
    minutes: float | None, log: tuple[str, ...], resume: bool, force: bool, num_threads: int | None,
) -> None:  # fmt: skip
    """Train an agent on SCENARIO (a file or a built-in's name) into the folder --out.

    Ctrl-C, SIGTERM or SIGHUP ends it after the epoch and saves what is learned: --resume goes on from there.
    """
    from mecsim.training.config import TrainingConfig, check_settings
    from mecsim.training.devices import check_device, usable_device

    if resume and (
        any(given is not None for given in (scenario, agent, seed, policies)) or context or settings or force
    ):
        raise InputError(
            "--resume goes on with the run as it is: give only --out, --device, --num-threads, --workers and "
            "--minutes, --steps for longer trainings, and --seeds for more"
        )
    check_device(device)  # before PyTorch, as the next lines: a wrong name is told at once
    check_settings(agent or TrainingConfig.algorithm, key_values(settings, "--set"))
    learned = None if resume else _scenario(scenario, context)

    from mecsim.report.monitors import find_monitor
    from mecsim.sweep import Workers, foreseen, training_evaluation
    from mecsim.sweep.cluster import cluster_at
    from mecsim.sweep.distribute import process_byte
    from mecsim.training import MultiRun, check_engine, check_memory
    from mecsim.training.loop import training_byte

    for name in log:
        find_monitor(name)  # before anything is written
    if gpu_share is not None and address is None:
        raise InputError("--gpu-share: is what a training gets on the nodes of --ray; add --ray, or leave it out")
    there = address is not None and device.startswith("cuda")  # and perhaps not here
    chosen_device = device if there else usable_device(device)
    if learned is None:
        if out.is_dir():
            sole_writer(writing_folder(out))
        job = _opened(out)
        if steps is not None:
            job = job.with_steps(steps)
        if seeds is not None:
            job = _with_seeds(job, seeds)
    else:
        run = _new(learned, out, agent, settings, chosen_device, steps, seed)
        job = _several(run, policies, seeds)
    if (workers or address) and not isinstance(job, MultiRun):
        option = "--workers" if workers else "--ray"
        raise InputError(
            f"{option} trains several policies at once: add --multi-policy K or --seeds K, or leave it out"
        )
    run = job.runs[0]
    at_once = min(workers or 1, len(job.runs)) if isinstance(job, MultiRun) and address is None else 1
    check_engine(run, chosen_device)
    alone = num_threads or (None if address is None else 1)
    threads = use_threads(alone) // at_once if num_threads or not run.threads else run.threads
    threads = use_threads(max(1, threads))
    if run.threads not in (None, threads):
        click.echo(f"on {threads} threads instead of {run.threads} the run goes on, but not bit for bit", err=True)
    place: Place = Workers(at_once, at_once * threads)
    if address is None:
        check_memory(run, at_once)
    else:
        gpus = (gpu_share or 1.0) if chosen_device != "cpu" else 0.0
        place = cluster_at(address, threads, process_byte(0.0) + training_byte(run), gpus, workers)
    foretold = [] if resume else foreseen(run.scenario, run.seed)  # who goes on has been told
    again = f"mecsim train --resume --out {shlex.quote(str(out))}"
    again += f" --workers {workers}" if workers else ""
    again += f" --ray {shlex.quote(address)}" if address else ""
    again += f" --gpu-share {gpu_share}" if gpu_share else ""
    again += "".join(f" --log {shlex.quote(name)}" for name in log)
    if not isinstance(job, MultiRun):
        job = dataclasses.replace(job, threads=threads)
    if not resume:  # what cannot be evaluated is refused, and scales are measured, before anything is there
        training_evaluation(run)
    try:
        if not resume:
            with undisturbed():
                _clear(job.folder, force)
                (job.on_threads(threads) if isinstance(job, MultiRun) else job).create(_command())
        warn(foretold)
        if isinstance(job, MultiRun):
            stopped_by = _train_several(job, chosen_device, place, minutes, resume, log)
        else:
            stopped_by = _train_one(job, chosen_device, minutes, resume, log)
    except KeyboardInterrupt as interruption:
        click.echo(_unfinished("interrupted", job, again), err=True)
        raise click.exceptions.Exit(exit_code(interruption)) from None
    if not job.finished:
        click.echo(_unfinished("interrupted" if stopped_by else "stopped", job, again), err=True)
        raise click.exceptions.Exit(128 + stopped_by if stopped_by else 0)
    if run.epochs <= run.config.warmup_epochs:
        click.echo(f"nothing was learned: --steps ended within the warm-up of {run.warmup_steps:,} steps", err=True)
    run_there, sweep_there = shlex.quote(str(out)), shlex.quote(f"{out}-sweep")
    following = f"mecsim sweep {run_there} greedy --out {sweep_there}"
    click.echo(f"wrote {out} ({threads} threads, {chosen_device}); next: {following}")


def _scenario(name: str | None, context: tuple[str, ...]) -> "Scenario":
    from mecsim.scenario import load_scenario, with_context

    if name is None:
        raise InputError("name a scenario (mecsim scenarios lists the built-in ones), or --resume a run")
    return with_context(load_scenario(name), key_values(context, "--context"))


def _new(
    learned: "Scenario", out: Path, agent: str | None, settings: tuple[str, ...], device: str, steps: int | None,
    seed: int | None,
) -> "Run":  # fmt: skip
    """A run that is to be trained. Nothing is written yet."""
    from mecsim.training import Run
    from mecsim.training.devices import on_usable_engine

    config = _config(agent, settings, device)
    usable = on_usable_engine(config, learned)
    if usable != config and not any(setting.startswith("engine=") for setting in settings):
        click.echo("environments are played on the processor: for the GPU, pip install 'mecsim[cuda]'", err=True)
        config = usable
    return Run(out, learned, config, steps or learned.training.steps, seed or 0)


def _several(run: "Run", policies: int | None, seeds: int | None) -> "Run | MultiRun":
    """The run, or what takes its place where a number of policies or of seeds is given."""
    from mecsim.sweep import preference_grid
    from mecsim.training import MultiRun

    if policies is not None and seeds is not None:
        raise InputError(
            "--seeds and --multi-policy: give one of them; train several policies again with another --seed"
        )
    if seeds is not None:
        return MultiRun.of_seeds(run, seeds)
    if policies is None:
        return run
    objectives = len(run.scenario.objectives)
    if objectives == 1:
        raise InputError("--multi-policy: a single objective leaves a single preference; train without it")
    grid = preference_grid(objectives, policies)
    if len(grid) != policies:
        click.echo(f"{len(grid)} policies: of {policies} preferences so many can be equally spaced", err=True)
    return MultiRun.of(run, grid.tolist())


def _config(agent: str | None, settings: tuple[str, ...], device: str) -> "TrainingConfig":
    from mecsim.training import TrainingConfig

    config = TrainingConfig.of(agent or TrainingConfig.algorithm, device)
    return config.with_settings(key_values(settings, "--set"))


def _opened(folder: Path) -> "Run | MultiRun":
    from mecsim.training import MultiRun, Run, is_multi_run

    return MultiRun.open(folder) if is_multi_run(folder) else Run.open(folder)


def _with_seeds(job: "Run | MultiRun", seeds: int) -> "MultiRun":
    from mecsim.training import MultiRun

    if not isinstance(job, MultiRun):
        raise InputError(f"--seeds {seeds}: {job.folder} holds a single run, to which none can be added")
    return job.with_seeds(seeds, _command())


def _unfinished(happened: str, job: "Run | MultiRun", again: str) -> str:
    done = sum(run.latest_env_steps() for run in job.runs if run.has_checkpoint())
    if not done:
        return f"{happened} before an epoch was over, so that nothing is saved; begin again with: {again}"
    return f"{happened} after {done:,} of {sum(run.steps for run in job.runs):,} steps; go on with: {again}"


def _train_one(run: "Run", device: str, minutes: float | None, resume: bool, log: tuple[str, ...]) -> int | None:
    """Train a run; the signal that it was stopped by, if any."""
    from mecsim.cli.learning import ProgressMonitor
    from mecsim.report.watching import learn
    from mecsim.sweep import collapsed, training_evaluation

    with Stopping(minutes) as stopping, ProgressMonitor() as progress:
        learn(run, training_evaluation(run), progress, device, resume, stopping, log)
    if progress.found is not None:
        warn(collapsed(progress.found.option_shares, run.scenario))
    return stopping.signal


def _train_several(
    multi: "MultiRun", device: str, place: "Place", minutes: float | None, resume: bool, log: tuple[str, ...],
) -> int | None:  # fmt: skip
    """Train several runs; the signal that they were stopped by, if any."""
    from mecsim.cli.several import learn_in_turn, learn_side_by_side

    if place.processes != 1:
        return learn_side_by_side(multi.runs, device, place, minutes, log)
    with Stopping(minutes) as stopping:
        learn_in_turn(multi, device, resume, stopping, log)
    return stopping.signal


def _clear(folder: Path, force: bool) -> None:
    """Make the folder ready for a run, or for several."""
    from mecsim.scenario.whole import data_entries
    from mecsim.training import Run
    from mecsim.training.multi import kind_of

    kind = kind_of(folder)
    several = kind.entries(folder) if kind else []
    own = (*Run.OWN_ENTRIES, *data_entries(folder), *several)
    with ExitStack() as stack:
        for part in (folder / name for name in several):  # each can be trained by itself, too
            if force and part.is_dir():
                stack.enter_context(writing_folder(part))
        output_folder(folder, own, kind.index if kind else "config.yaml", force)


def _command() -> str:
    return "mecsim " + shlex.join(sys.argv[1:])
