"""What can be set of a training: names, defaults, what is expected, and what the classes' texts say of it."""

import dataclasses
import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mecsim_agents.config import expected

from mecsim.training import TrainingConfig

_ENTRY = re.compile(r"(?P<indent> *)(?P<names>[a-z_]\w*(?:, [a-z_]\w*)*): (?P<text>.+)")


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of `mecsim train --set`."""

    name: str
    of: str  # "training", or the name of the agent
    default: str  # as JSON, which is YAML too
    expected: str  # in words
    about: str


def known_settings(algorithm: str = TrainingConfig.algorithm, device: str = "cpu") -> list[Setting]:
    """All settings of a training with that agent on that kind of device.

    Raises:
        InputError: there is no agent of that name.
    """
    config = TrainingConfig.of(algorithm, device)
    found: list[Setting] = []
    for part, of, left_out in ((config, "training", ("algorithm", "agent")), (config.agent, algorithm, ())):
        about = told_of_fields(type(part))
        values, fields = part.to_mapping(), vars(type(part))["__pydantic_fields__"]
        found += [
            Setting(
                field.name, of, json.dumps(values[field.name]), expected(fields[field.name], str), about[field.name]
            )
            for field in dataclasses.fields(part)
            if field.name not in left_out
        ]
    return found


def told_of_fields(cls: type) -> Mapping[str, str]:
    """What the texts of a class and of its bases say of its fields, in entries `name, name: text`."""
    names = {field.name for field in dataclasses.fields(cls)}
    told: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        indent: int | None = None  # of the entry that the next lines may belong to
        own: list[str] = []
        for line in inspect.cleandoc(base.__doc__ or "").splitlines():
            entry = _ENTRY.fullmatch(line)
            if entry and names.issuperset(entry["names"].split(", ")):
                indent, own = len(entry["indent"]), entry["names"].split(", ")
                told |= dict.fromkeys(own, entry["text"])
            elif indent is not None and line.startswith(" " * (indent + 1)):
                told |= {name: f"{told[name]} {line.strip()}" for name in own}
            else:
                indent = None
    return told
