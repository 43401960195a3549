"""MLflow: `mecsim train --log mlflow`.

Its own variables hold: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and the others.
"""

import os
from types import TracebackType
from typing import Any, Self

from mecsim.report.learning import Pictures, greedy_curves, report_curves
from mecsim.report.monitors import keep_id, known_id, needed, plain_settings, run_name
from mecsim.scenario import scenario_to_yaml
from mecsim.training import EpochReport, Watched


class MlflowMonitor:
    """Writes every epoch of a training as the curves that TensorBoard shows; greedy's begin with `greedy/`."""

    def __init__(self, watched: Watched) -> None:
        self._mlflow: Any = needed("mlflow")
        self._watched, self._pictures = watched, Pictures(watched)
        greedy = greedy_curves(watched.greedy, watched.run.scenario)
        self._greedy = {f"greedy/{name}": value for name, value in greedy.items()}

    def __enter__(self) -> Self:
        """Begin the tracker's run, or go on with it."""
        run, mlflow = self._watched.run, self._mlflow
        known = known_id(self._watched, "mlflow")
        if known is None:
            if "MLFLOW_EXPERIMENT_NAME" not in os.environ and "MLFLOW_EXPERIMENT_ID" not in os.environ:
                mlflow.set_experiment("mecsim")
            mlflow.start_run(run_name=run_name(run))
            mlflow.log_params(plain_settings(run))
            mlflow.log_text(scenario_to_yaml(run.scenario), "scenario.yaml")
            keep_id(run, "mlflow", mlflow.active_run().info.run_id)
        else:
            mlflow.start_run(run_id=known)
        return self

    def on_epoch(self, report: EpochReport) -> None:
        """Write the curves of an epoch, and the pictures if it was evaluated."""
        told = report_curves(report, self._watched.run.scenario)
        if report.evaluation is not None:
            told |= self._greedy
        self._mlflow.log_metrics(told, step=report.env_steps)
        for name, figure in self._pictures.of(report):
            self._mlflow.log_figure(figure, f"{name}/{report.env_steps:012}.png")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the tracker's run; an error marks it as failed."""
        self._mlflow.end_run("FINISHED" if kind is None else "FAILED")
