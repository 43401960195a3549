"""`mecsim.train`, and the run that it leaves."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mecsim.api.notebook import Shown
from mecsim.api.places import result_folder
from mecsim.api.progress import progress, say
from mecsim.core.lock import writing_folder
from mecsim.core.scenario import Scenario
from mecsim.core.stopping import Stopping, interruption
from mecsim.errors import InputError
from mecsim.report.curves import training_figure
from mecsim.report.watching import learn
from mecsim.scenario import load_scenario
from mecsim.sweep import training_evaluation
from mecsim.training import EpochReport, TrainingConfig, check_engine, check_memory
from mecsim.training import Run as StoredRun
from mecsim.training.devices import on_usable_engine, usable_device

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

Callback = Callable[[EpochReport], object]
"""Is told of each epoch: `epoch`, `epochs`, `env_steps`, `returns`, `metrics`, and `evaluation` (`hypervolume`,
`mean_cost`) or None where there was none. If it returns True, the training ends there and can be gone on with; what it
raises ends the training, too, and reaches whoever trains."""


class Run(Shown, StoredRun):
    """A training in its folder. `Run.open("FOLDER")` reads one that a command or an earlier session left.

    A target of `mecsim.sweep` and a policy of `mecsim.simulate`.
    """

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self.config.algorithm}, {self.steps:,} steps, seed {self.seed})"

    def frame(self) -> "pl.DataFrame":
        """A row per epoch: the columns of metrics.csv.

        Raises:
            RunError: the file is damaged.
        """
        return self.metrics.rows(self.read_metrics(self.epochs))

    def table(self) -> "pl.DataFrame":
        """The evaluations: environment steps, hypervolume (higher is better) and mean cost (lower)."""
        return self.frame().select("epoch", "env_steps", "hypervolume", "mean_cost").drop_nulls()

    def figure(self) -> "Figure":
        """Learning curves: hypervolume and mean cost of the evaluations, over environment steps."""
        return training_figure([(self.folder.name, self.table())])

    def resume(
        self, steps: int | None = None, callbacks: Sequence[Callback] = (), device: str = "auto", show: bool = True
    ) -> "Run":
        """Go on where the training stopped, to `steps` if they are given; returns the run as it is then.

        Raises:
            InputError: it was trained for more already; RunError: it is damaged; MecsimError: somebody else writes it.
        """
        with writing_folder(self.folder):
            run = self if steps is None else self.with_steps(steps)
            _train(run, callbacks, usable_device(device), resume=True, show=show)
        return run


def train(
    scenario: str | Path | Scenario,
    steps: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    agent: str = TrainingConfig.algorithm,
    callbacks: Sequence[Callback] = (),
    device: str = "auto",
    show: bool = True,
    **settings: Any,
) -> Run:
    """Train an agent, as `mecsim train` does.

    Ctrl-C ends it after the epoch and saves what is learned: `Run.open(out).resume()` goes on from there.

    Args:
        scenario: a built-in's name, a file, or a `Scenario`.
        steps: environment steps; the scenario's if not given.
        seed: of everything random.
        out: a new or empty folder for the run; a temporary one, which goes when Python ends, if not given.
        agent: the name of a learner.
        callbacks: are told of each epoch; see `Callback`.
        device: `auto`, `cpu` or `cuda`, which have different default settings.
        show: whether a bar shows the progress, in a terminal or a notebook.
        settings: training settings, such as `learning_rate=1e-3`; `mecsim settings` lists them.

    Raises:
        InputError: something given cannot be used; ScenarioError: the scenario cannot.
    """
    described, where = load_scenario(scenario), usable_device(device)
    config = TrainingConfig.of(agent, where)
    if "engine" not in settings:
        config = on_usable_engine(config, described)
    config = config.with_settings(settings)
    if steps is not None and steps < 1:
        raise InputError(f"steps: expected at least 1, got {steps}")
    unplaced = Run(Path(), described, config, steps or described.training.steps, seed, torch.get_num_threads())
    check_engine(unplaced, where)
    check_memory(unplaced)
    with result_folder(out, "run") as folder:
        run = Run(folder, described, config, unplaced.steps, seed, unplaced.threads)
        run.create(f"mecsim.train({described.description!r}, steps={run.steps}, seed={seed}, agent={agent!r})")
        if out is None and show:
            say(f"training in {folder}, which goes when Python ends; keep a run by out=FOLDER")
        _train(run, callbacks, where, resume=False, show=show)
    return run


def _train(run: Run, callbacks: Sequence[Callback], device: str, resume: bool, show: bool) -> None:
    with progress("training", run.epochs, show) as advance, Stopping() as stopping:
        watching = _Callbacks(callbacks, advance)
        learn(run, training_evaluation(run), watching, device, resume, lambda: stopping() or watching.stops)
    if stopping.signal is not None:
        say(f"stopped after {run.latest_env_steps():,} of {run.steps:,} steps; go on with: "
            f"mecsim.Run.open({str(run.folder)!r}).resume()")  # fmt: skip
        raise interruption(stopping.signal)


class _Callbacks:
    """The monitor that moves the bar and asks callbacks."""

    def __init__(self, callbacks: Sequence[Callback], advance: Callable[[float, str], None]) -> None:
        self.stops = False
        self._callbacks, self._advance, self._told = callbacks, advance, "no evaluation yet"

    def on_epoch(self, report: EpochReport) -> None:
        """Tell all callbacks, whatever the first of them wants."""
        found = report.evaluation
        if found is not None and math.isfinite(found.mean_cost):
            self._told = f"hypervolume {found.hypervolume:.5g}, mean cost {found.mean_cost:.5g}"
        self._advance(report.epoch, self._told)
        answers = [callback(report) for callback in self._callbacks]
        self.stops = any(answer is True for answer in answers)
