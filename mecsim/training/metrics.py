"""What metrics.csv of a run holds."""

from collections.abc import Mapping, Sequence

from mecsim.core.frames import Column, Schema


def metrics_schema(objectives: Sequence[str], told: Mapping[str, str]) -> Schema:
    """A row per epoch, empty where nothing is to tell; `told` are the learner's metrics, each with its meaning."""
    return Schema(
        (
            Column("epoch", "Int64", "from 1; an epoch is one episode of every environment"),
            Column("env_steps", "Int64", "decisions in all environments so far"),
            Column("updates", "Int64", "gradient updates so far"),
            *(
                Column(f"return_{name}", "Float64", "mean per episode while exploring, as the objective is shown")
                for name in objectives
            ),
            *(Column(name, "Float64", f"mean of the epoch: {about}", gaps=True) for name, about in told.items()),
            Column("hypervolume", "Float64", "of the evaluation after the epoch", gaps=True),
            Column("mean_cost", "Float64", "of the evaluation, at the asked preferences; no unit", gaps=True),
            Column("hypervolume_ci95", "Float64", "half width of its 95 % interval over episodes", True, True),
        )
    )
