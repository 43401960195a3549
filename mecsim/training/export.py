"""The policy of a run as an ONNX file, which other programs can play without mecsim.

Inputs are `options` float32 (N, A, F), `mask` int8 (N, A), `context` float32 (N, G) and `preference` float32 (N, d),
outputs `action` int64 (N,) and `probabilities` float32 (N, A), as `mecsim_agents.Learner.deployed` has them. N is free,
and so is A with the set architecture.
"""

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mecsim_agents import Learner

from mecsim.core.system import layout_of, objectives_of
from mecsim.errors import InputError
from mecsim.scenario import Scenario, builtin_names, load_scenario
from mecsim.training.run import Run
from mecsim.version import __version__

FORMAT = 1
METADATA_KEY = "mecsim"
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def check_export_packages() -> None:
    """Raise InputError if a package is missing that exporting and playing exported files needs."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"export needs {' and '.join(missing)}: pip install 'mecsim[export]'")


class _Baked(torch.nn.Module):
    """A policy of a single preference, without the input that asks for one."""

    def __init__(self, policy: torch.nn.Module, objectives: int) -> None:
        super().__init__()
        self.policy, self.objectives = policy, objectives

    def forward(
        self, options: torch.Tensor, mask: torch.Tensor, context: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        unread = context.new_zeros((context.shape[0], self.objectives))
        action, probability = self.policy(options, mask, context, unread)
        return action, probability


def export_onnx(run: Run, agent: Learner, path: Path, preference: tuple[float, ...] | None = None) -> None:
    """Write the averaged policy of `agent`, the one of `run`, to a file, on the CPU.

    A run of a single preference plays by that one, whatever is asked of the file. With a `preference`, in the scale of
    the run's scenario, the policy plays by that one, and its file has no such input.

    Raises:
        InputError: a package is missing; OSError: the file cannot be written.
    """
    check_export_packages()
    inputs, axes = _examples(agent)
    policy = agent.deployed(preference or run.config.preference).eval()
    if preference is not None:
        policy, axes = _Baked(policy, agent.shape.num_objectives).eval(), axes[:-1]
        del inputs["preference"]
    with _quiet():
        program = torch.onnx.export(
            policy,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["action", "probabilities"],
            dynamic_shapes=axes,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise TypeError("torch.onnx.export gave no program")
    for node in program.model.graph:
        node.metadata_props.clear()  # where in this machine's files the exporter met it
    program.model.metadata_props[METADATA_KEY] = json.dumps(metadata(run, agent, preference))
    program.save(path, external_data=False)


def metadata(run: Run, agent: Learner, preference: tuple[float, ...] | None = None) -> dict[str, Any]:
    """What has to be known to use the file: JSON, stored in it under `METADATA_KEY`."""
    scenario = run.scenario
    layout = layout_of(scenario)
    only = preference or run.config.preference
    return {
        "format": FORMAT,
        "mecsim_version": __version__,
        "scenario": _name_of(scenario),
        "description": scenario.description,
        "objectives": list(scenario.objectives),
        "objective_units": [one.unit for one in objectives_of(scenario)],
        "objective_scale": list(agent.shape.objective_scale),
        "preference": None if only is None else list(only),
        "option_columns": list(layout.option_columns),
        "context_columns": list(layout.context_columns),
        "agent": run.config.algorithm,
        "architecture": agent.config.to_mapping().get("architecture"),
        "num_options": agent.fixed_options,
    }


def _name_of(scenario: Scenario) -> str | None:
    """The built-in scenario that this one is, if it is one; how long it is trained by default does not matter."""

    own = scenario.apart_from_texts()
    return next((name for name in builtin_names() if load_scenario(name).apart_from_texts() == own), None)


def _examples(agent: Learner) -> tuple[dict[str, torch.Tensor], tuple[dict[int, Any], ...]]:
    """Inputs to trace the policy with, and which of their axes are free."""
    states, fixed = 2, agent.fixed_options  # an axis of length 1 would be taken as one that is always 1
    choices = fixed or 3
    inputs = {
        "options": torch.zeros(states, choices, agent.shape.option_features),
        "mask": torch.ones(states, choices, dtype=torch.int8),
        "context": torch.zeros(states, agent.shape.context_features),
        "preference": torch.full((states, agent.shape.num_objectives), 1.0 / agent.shape.num_objectives),
    }
    free = torch.export.Dim.DYNAMIC
    # Axes that are the same may have their name only once, or the exporter warns.
    named: dict[int, Any] = {0: "N"} if fixed else {0: "N", 1: "A"}
    return inputs, (named, dict.fromkeys(named, free), {0: free}, {0: free})


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the exporter says of itself, such as deprecations inside torch: the file is checked anyway."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
