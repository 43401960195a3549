"""mecsim train: learn one policy for all preferences."""

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.options import force_option, key_values, output_folder, threads_option, use_threads
from mecsim.errors import InputError, RunError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from mecsim.training import EpochReport, Evaluate, Run


@click.command()
@click.argument("scenario", metavar="[SCENARIO]", required=False)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="RUN", help="Folder of the run.")
@click.option("--steps", type=click.IntRange(1), help="Environment steps.  [default: the scenario's]")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of everything random.  [default: 0]")
@click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda", help="Where networks are trained."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a training setting; repeatable.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out, with its own scenario and settings.")
@force_option
@threads_option
def train(
    scenario: str | None, out: Path, steps: int | None, seed: int | None, device: str, settings: tuple[str, ...],
    resume: bool, force: bool, num_threads: int | None,
) -> None:  # fmt: skip
    """Train an agent on SCENARIO (a file or a built-in's name) into the folder --out."""
    from mecsim.report.tensorboard import TensorBoardMonitor
    from mecsim.scenario import load_scenario
    from mecsim.training import Run, TrainingConfig, check_memory
    from mecsim.training import train as run_training

    if resume:
        if any(given is not None for given in (scenario, steps, seed)) or settings or force:
            raise InputError("--resume goes on with the run as it is: give only --out, --device and --num-threads")
        run = Run.open(out)
        resumed_at: int | None = run.latest_env_steps() if run.has_checkpoint() else 0
    else:
        if scenario is None:
            raise InputError("name a scenario (mecsim scenarios lists the built-in ones), or --resume a run")
        learned = load_scenario(scenario)
        config = TrainingConfig().with_settings(key_values(settings, "--set"))
        run = Run(out, learned, config, steps or learned.training.steps, seed or 0)
        resumed_at = None
    chosen_device = _device(device)
    threads = use_threads(num_threads or run.threads)
    if run.threads not in (None, threads):
        click.echo(f"on {threads} threads instead of {run.threads} the run goes on, but not bit for bit", err=True)
    run = dataclasses.replace(run, threads=threads)
    check_memory(run)
    evaluate = _evaluation(run)
    if not resume:
        output_folder(out, Run.OWN_ENTRIES, "config.yaml", force)
        run.create("mecsim " + shlex.join(sys.argv[1:]))
    with (
        TensorBoardMonitor(out / "tensorboard", run.scenario, resumed_at) as tensorboard,
        ProgressMonitor() as progress,
    ):
        try:
            run_training(run, evaluate, [tensorboard, progress], chosen_device, resume)
        except KeyboardInterrupt:
            click.echo(f"interrupted; go on with: mecsim train --resume --out {shlex.quote(str(out))}", err=True)
            raise
    if run.epochs <= run.config.warmup_epochs:
        click.echo(f"nothing was learned: --steps ended within the warm-up of {run.warmup_steps:,} steps", err=True)
    click.echo(f"wrote {out} ({threads} threads, {chosen_device}); next: mecsim sweep {out} greedy --out {out}-sweep")


class ProgressMonitor:
    """A progress bar with the time left and the current hypervolume; plain lines where output is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._console = Console(stderr=True)
        columns = (BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeElapsedColumn(), TimeRemainingColumn())
        self._progress: Progress = Progress(
            TextColumn("training"), *columns, TextColumn("{task.description}"), console=self._console,
            disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None

    def on_epoch(self, report: "EpochReport") -> None:
        """Move the bar; say what an evaluation found."""
        if self._task is None:
            self._task = self._progress.add_task("no evaluation yet", total=report.epochs, completed=report.epoch - 1)
        found = report.evaluation
        if found is None:
            self._progress.update(self._task, completed=report.epoch)
            return
        told = f"hypervolume {found.hypervolume:.1f}, mean cost {found.mean_cost:.4f}"
        self._progress.update(self._task, completed=report.epoch, description=told)
        if not self._console.is_terminal:
            share = report.epoch / report.epochs
            self._console.print(f"{share:4.0%}  {report.env_steps:,} steps  {told}", highlight=False)

    def __enter__(self) -> "ProgressMonitor":
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave it as it is."""
        self._progress.stop()


def _evaluation(run: "Run") -> "Evaluate":
    from mecsim.baselines import Policy, calibrate
    from mecsim.engines.tape import Stream
    from mecsim.sweep import evaluate, hypervolume, mean_cost, preference_grid
    from mecsim.training import Evaluation

    scenario, config = run.scenario, run.config
    calibration = calibrate(scenario)
    preferences = preference_grid(len(scenario.objectives), config.evaluation_preferences)

    def evaluated(policy: Policy) -> Evaluation:
        episodes = config.evaluation_episodes
        totals = evaluate(lambda seed: policy, scenario, preferences, episodes, run.seed, Stream.VALIDATION)
        mean = totals.mean(axis=1)
        return Evaluation(
            preferences,
            totals,
            hypervolume=hypervolume(mean, calibration.reference),
            mean_cost=mean_cost(mean, preferences, calibration.scale),
        )

    return evaluated


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise RunError(f"--device {name}: no such device; use auto, cpu or cuda")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise RunError(f"--device {name}: {str(error).splitlines()[0]}; use auto or cpu") from None
    return name
