"""Whether two runs are the same, and how one is interrupted."""

import csv
from typing import Any

import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from safetensors.numpy import load_file

from mecsim.training import EpochReport, Run

EPOCHS = 6
ANY = pytest.mark.parametrize("algorithm", ["sac", "double-dqn"])


def metrics_of(run: Run) -> list[dict[str, str]]:
    with (run.folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def tensors_of(run: Run) -> dict[tuple[str, str], NDArray[Any]]:
    """Everything in the newest checkpoint, by file and name."""
    folder = run.latest_checkpoint()
    names = ("agent.safetensors", "replay.safetensors")
    return {(name, key): value for name in names for key, value in load_file(folder / name).items()}


def assert_same_run(one: Run, other: Run) -> None:
    assert (one.folder / "metrics.csv").read_bytes() == (other.folder / "metrics.csv").read_bytes()
    assert one.latest_checkpoint().name == other.latest_checkpoint().name
    first, second = tensors_of(one), tensors_of(other)
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert_array_equal(value, second[key], err_msg=str(key))


class Interrupt:
    """Presses Ctrl-C at the end of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch(self, report: EpochReport) -> None:
        if report.epoch == self.epoch:
            raise KeyboardInterrupt
