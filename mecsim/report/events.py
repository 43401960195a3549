"""Event files of TensorBoard: what its plugins read, written without TensorFlow or PyTorch.

The layouts are those of TensorBoard's own protocol buffers: https://github.com/tensorflow/tensorboard, version 2.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from matplotlib.figure import Figure
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layout_metadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

DPI = 80
"""Of pictures: some 40 kB each, of which TensorBoard shows ten of a tag."""


@dataclass(frozen=True, slots=True)
class MarginChart:
    """A chart of one curve within its interval, each by its tag."""

    value: str
    low: str
    high: str


Chart = MarginChart | Sequence[str]
"""A chart of several curves is given by regular expressions of their tags."""


class EventFile:
    """A new event file in the folder of a TensorBoard run. Use as a context, or flush."""

    def __init__(self, folder: Path, purge_step: int | None = None) -> None:
        """`purge_step`: whatever earlier files of the folder hold from this step on is void."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time():020.9f}.mecsim"  # files of a folder are read in this order
        self._records = RecordWriter((folder / name).open("xb"))
        self._described: set[str] = set()
        self._write(Event(file_version="brain.Event:2"))
        if purge_step is not None:
            self._write(Event(step=purge_step, session_log=SessionLog(status=SessionLog.START)))

    def scalar(self, tag: str, value: float, step: int, about: str = "") -> None:
        """A point of a curve; `about` is shown beside it."""
        told = Summary.Value(tag=tag, simple_value=value)
        if tag not in self._described:  # later points need not repeat it
            self._described.add(tag)
            told.metadata.CopyFrom(scalar_metadata.create_summary_metadata(None, about))
        self._summary(step, told)

    def figure(self, tag: str, figure: Figure, step: int) -> None:
        """A picture."""
        width, height = (int(inch * DPI) for inch in figure.get_size_inches())
        image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png(figure))
        self._summary(
            step, Summary.Value(tag=tag, image=image, metadata=image_metadata.create_summary_metadata("", ""))
        )

    def text(self, tag: str, markdown: str, step: int = 0) -> None:
        """A card of text."""
        self._tensor(tag, markdown.encode(), text_metadata.create_summary_metadata("", ""), step)

    def layout(self, categories: Mapping[str, Mapping[str, Chart]]) -> None:
        """What the dashboard of custom scalars shows: charts by title, in categories by title."""
        content = layout_pb2.Layout(
            category=[
                layout_pb2.Category(title=title, chart=[_chart(name, chart) for name, chart in charts.items()])
                for title, charts in categories.items()
            ]
        )
        metadata = layout_metadata.create_summary_metadata()
        self._tensor("custom_scalars__config__", content.SerializeToString(), metadata, 0)

    def experiment(self, hparams: Sequence[api_pb2.HParamInfo], metrics: Sequence[api_pb2.MetricInfo]) -> None:
        """What the sessions below this folder have in common."""
        content = api_pb2.Experiment(hparam_infos=hparams, metric_infos=metrics)
        self._hparams(hparams_metadata.EXPERIMENT_TAG, experiment=content)

    def session(self, hparams: Mapping[str, str | float], metrics: Mapping[str, float]) -> None:
        """What was chosen in this run, and what came of it."""
        start = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
        for name, value in hparams.items():
            if isinstance(value, str):
                start.hparams[name].string_value = value
            else:
                start.hparams[name].number_value = value
        self._hparams(hparams_metadata.SESSION_START_INFO_TAG, session_start_info=start)
        for tag, metric in metrics.items():
            self.scalar(tag, metric, 0)
        end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
        self._hparams(hparams_metadata.SESSION_END_INFO_TAG, session_end_info=end)

    def flush(self) -> None:
        """Make what was written readable."""
        self._records.flush()

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self._records.close()

    def _hparams(self, tag: str, **content: Any) -> None:
        metadata = hparams_metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(**content))
        self._summary(0, Summary.Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR))

    def _tensor(self, tag: str, content: bytes, metadata: SummaryMetadata, step: int) -> None:
        self._summary(step, Summary.Value(tag=tag, metadata=metadata, tensor=make_tensor_proto(content)))

    def _summary(self, step: int, value: Summary.Value) -> None:
        self._write(Event(step=step, wall_time=time.time(), summary=Summary(value=[value])))

    def _write(self, event: Event) -> None:
        self._records.write(event.SerializeToString())


def _chart(title: str, chart: Chart) -> layout_pb2.Chart:
    if isinstance(chart, MarginChart):
        series = layout_pb2.MarginChartContent.Series(value=chart.value, lower=chart.low, upper=chart.high)
        return layout_pb2.Chart(title=title, margin=layout_pb2.MarginChartContent(series=[series]))
    return layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=chart))


def png(figure: Figure) -> bytes:
    """A picture as it is logged."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()
