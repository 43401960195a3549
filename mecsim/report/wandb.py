"""Weights & Biases: `mecsim train --log wandb`.

Its own variables hold: WANDB_PROJECT, WANDB_MODE=offline, WANDB_DIR and the others.
"""

import os
from io import BytesIO
from types import TracebackType
from typing import Any, Self

from PIL import Image

from mecsim.report.events import png
from mecsim.report.learning import Pictures, greedy_curves, report_curves
from mecsim.report.monitors import keep_id, known_id, needed, plain_settings, run_name
from mecsim.training import EpochReport, Watched

STEP = "env_steps"
"""What all curves are drawn over. The tracker's own steps may never go back, as a resumed training does."""


class WandbMonitor:
    """Writes every epoch of a training as the curves that TensorBoard shows; greedy's begin with `greedy/`."""

    def __init__(self, watched: Watched) -> None:
        self._wandb: Any = needed("wandb")
        self._watched, self._pictures = watched, Pictures(watched)
        greedy = greedy_curves(watched.greedy, watched.run.scenario)
        self._greedy = {f"greedy/{name}": value for name, value in greedy.items()}

    def __enter__(self) -> Self:
        """Begin the tracker's run, or go on with it."""
        run = self._watched.run
        self._run = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", "mecsim"),
            name=run_name(run),
            config=plain_settings(run),
            id=known_id(self._watched, "wandb"),
            resume="allow",
        )
        self._run.define_metric(STEP)
        self._run.define_metric("*", step_metric=STEP)
        keep_id(run, "wandb", self._run.id)
        return self

    def on_epoch(self, report: EpochReport) -> None:
        """Write the curves of an epoch, and the pictures if it was evaluated."""
        told: dict[str, Any] = {STEP: report.env_steps, **report_curves(report, self._watched.run.scenario)}
        if report.evaluation is not None:
            told |= self._greedy
        for name, figure in self._pictures.of(report):
            told[name] = self._wandb.Image(Image.open(BytesIO(png(figure))))
        self._run.log(told)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the tracker's run; an error marks it as failed."""
        self._run.finish(exit_code=0 if kind is None else 1)
