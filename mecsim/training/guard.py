"""What stops a training in which a number went wrong: where, which number, and how to come there again."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import torch
from mecsim_agents import Transitions
from torch import Tensor

from mecsim.core.files import write_text
from mecsim.core.json_files import read_json
from mecsim.errors import MecsimError
from mecsim.schema.words import one_line
from mecsim.training.run import Run

_NUMBERS = ("reward", "context", "next_context", "options", "next_options")


class Guard:
    """Watches the epochs of a training.

    A training repeats itself bit for bit from a checkpoint, which is how to come to the same place again. So the epoch
    that went wrong is written into the run's folder, and when the run is resumed every transition until then is checked
    as it is stored, which tells the first number that is at fault.
    """

    def __init__(self, run: Run, saved_epoch: int, device: str) -> None:
        """`saved_epoch`: that of the checkpoint from which the training goes on, 0 for none."""
        self._run, self._saved_epoch, self._device = run, saved_epoch, device
        self._path = run.folder / run.FAILURE
        self._checked_epoch = max(saved_epoch + 1, self._failed_epoch())

    def checks(self, epoch: int) -> bool:
        """Whether every number of an epoch is checked: of the first one that is played, and until a known failure."""
        return epoch <= self._checked_epoch

    def saved(self, epoch: int) -> None:
        """There is a checkpoint after an epoch now."""
        self._saved_epoch = epoch
        if not self.checks(epoch):
            self._path.unlink(missing_ok=True)

    @contextmanager
    def storing(self, epoch: int, step: int, batch: Transitions) -> Iterator[None]:
        """Meanwhile what is wrong with the transitions of a step stops the training."""
        try:
            yield
        except ValueError as error:
            self._stop(epoch, f"step {step}: {_first_not_finite(batch) or error}", "the scenario's system gave it")

    @contextmanager
    def learning(self, epoch: int) -> Iterator[None]:
        """Meanwhile a loss or a gradient that is not finite stops the training."""
        try:
            yield
        except FloatingPointError as error:
            self._stop(
                epoch, str(error), "if everything that was played is finite, begin anew with a lower learning_rate"
            )

    def check_returns(self, epoch: int, returns: Tensor) -> None:
        """Stop the training where an episode's returns (num_envs, objectives) are not finite."""
        wrong = _first(~torch.isfinite(returns))
        if wrong is not None:
            objective = self._run.scenario.objectives[wrong[1]]
            told = f"the return of environment {wrong[0]} in {objective} is {returns[wrong].item()}"
            self._stop(epoch, told, "the scenario's system gave it")

    def _stop(self, epoch: int, told: str, cure: str) -> NoReturn:
        run = self._run
        again = shlex.join(["mecsim", "train", "--resume", "--out", str(run.folder), "--device", self._device])
        content = {"epoch": epoch, "told": told, "checkpoint_epoch": self._saved_epoch, "command": again}
        write_text(self._path, json.dumps(content, indent=2) + "\n")
        kept = f"the last checkpoint is of epoch {self._saved_epoch}" if self._saved_epoch else "there is no checkpoint"
        raise MecsimError(
            one_line(
                f"{run.folder}: stopped in epoch {epoch}, {told}; {cure}; {kept}, and {again} comes to the same place, "
                "checking every number on the way"
            )
        )

    def _failed_epoch(self) -> int:
        """The epoch that went wrong when the run was trained before; 0 if none did."""
        try:
            return int(read_json(self._path)["epoch"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0


def _first_not_finite(batch: Transitions) -> str:
    """The first number of transitions that is not finite, in words; nothing if all are."""
    for name in _NUMBERS:
        values = getattr(batch, name)
        wrong_B = ~torch.isfinite(values)
        if name.endswith("options"):  # absent ones may hold anything
            wrong_B &= getattr(batch, name.replace("options", "mask")).bool().unsqueeze(-1)
        at = _first(wrong_B)
        if at is not None:
            place = ", ".join(map(str, at[1:]))
            return f"{name}[{place}] of environment {at[0]} is {values[at].item()}"
    return ""


def _first(wrong: Tensor) -> tuple[int, ...] | None:
    """Where the first true one is; None if there is none."""
    found = wrong.nonzero()
    return tuple(found[0].tolist()) if len(found) else None
