"""Optimiser states as named tensors, and one file for all of an agent: safetensors with a JSON header, no pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

_FORMAT = 3
_WITHOUT_NAME = 2  # an earlier format, the same but for the name of the agent, of which there was one
_KEY = "mecsim_agents"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam remembers of each parameter


def optimiser_tensors(name: str, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return Adam's moments as `NAME.INDEX.MOMENT`; nothing before its first step."""
    return {
        f"{name}.{index}.{moment}": optimiser.state[parameter][moment]
        for index, parameter in enumerate(_parameters(optimiser))
        if parameter in optimiser.state
        for moment in _MOMENTS
    }


def load_optimiser_tensors(name: str, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore what `optimiser_tensors` returned; without such tensors the optimiser is as new.

    Raises ValueError for those of other parameters.
    """
    optimiser.state.clear()
    for index, parameter in enumerate(_parameters(optimiser)):
        if f"{name}.{index}.step" in tensors:
            given = {moment: tensors[f"{name}.{index}.{moment}"] for moment in _MOMENTS}
            if any(tensor.ndim and tensor.shape != parameter.shape for tensor in given.values()):
                raise ValueError(f"{name}.{index}: moments of another shape than {tuple(parameter.shape)}")
            optimiser.state[parameter] = {
                moment: tensor.to(parameter.device, copy=True) for moment, tensor in given.items()
            }


def write(path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header. Whoever wants an earlier file to stay until all is there names another place."""
    metadata = {_KEY: json.dumps({"format": _FORMAT, **header})}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)


def read(path: str | Path, agent: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write` wrote: tensors on the CPU, and the header without the entry `agent`.

    Raises ValueError for another kind of file, for one whose header names another agent, and for numbers that are not
    finite.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        header = _header((file.metadata() or {}).get(_KEY, "{}"))
        if (version := header.pop("format", None)) not in (_WITHOUT_NAME, _FORMAT):
            raise ValueError(f"{path}: not an agent of format {_FORMAT}")
        found = "sac" if version == _WITHOUT_NAME else header.pop("agent", None)
        if found != agent:
            raise ValueError(f"{path}: an agent of {found}, not of {agent}")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name}: not finite")
    return tensors, header


def _header(text: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except RecursionError:
        raise ValueError("its header is too deeply nested") from None
    if not isinstance(header, dict):
        raise ValueError("its header holds no names with values")
    return header


def _parameters(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
