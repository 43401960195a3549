"""Where an agent learns, and what plays its environments there."""

import dataclasses

from mecsim.core.scenario import Scenario
from mecsim.core.system import system_of
from mecsim.errors import RunError
from mecsim.training.config import TrainingConfig


def check_device(name: str) -> None:
    """Refuse what no device is called, without looking which there are.

    Raises:
        RunError: nothing is.
    """
    if name.partition(":")[0] not in ("auto", "cpu", "cuda"):
        raise RunError(f"--device {name}: no such device; use auto, cpu or cuda")


def usable_device(name: str) -> str:
    """The device of a name, `auto` being a GPU where there is one.

    Raises:
        RunError: there is no such device.
    """
    check_device(name)

    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise RunError(f"--device {name}: {str(error).splitlines()[0]}; use auto or cpu") from None
    return name


def on_usable_engine(config: TrainingConfig, scenario: Scenario) -> TrainingConfig:
    """The same on an engine that can be used here: the one on the processor if its own cannot."""
    if config.engine in system_of(scenario).usable_engines():
        return config
    return dataclasses.replace(config, engine="batched")
