"""The manifest of a run: what was settled when it began. Edits of its settings or its scenario are so noticed.

manifest.json holds the scenario's text, the settings of config.yaml, the lengths that were asked for, and its own
digest. Checkpoints name the manifest that they belong to. Runs of earlier versions have none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from mecsim.core.json_files import digest_of_json, read_sealed, write_sealed
from mecsim.errors import RunError
from mecsim.schema.words import first_line, one_line

MANIFEST = "manifest.json"
FORMAT = 1
FREE = ("steps", "mecsim_version")
"""Entries of config.yaml that are not settled for good: a run may become longer, and another version may go on."""

SHOWN = 3
"""So many differences are told one by one."""

CURE = "put it back, or begin anew in another folder"


@dataclass(frozen=True)
class Manifest:
    """What a run was begun with."""

    scenario: str  # the text of scenario.yaml
    config: Mapping[str, Any]  # of config.yaml, without what is `FREE`
    steps: tuple[int, ...]  # lengths that were asked for

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a run has one."""
        return (folder / MANIFEST).exists()

    @classmethod
    def of(cls, scenario: str, config: Mapping[str, Any]) -> Self:
        """That of a run that begins."""
        settled = {name: value for name, value in config.items() if name not in FREE}
        return cls(scenario, settled, (config["steps"],))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """That of a run.

        Raises:
            RunError: it is damaged.
        """
        path = folder / MANIFEST
        try:
            content = read_sealed(path)
            return cls(content["scenario"], content["config"], tuple(content["steps"]))
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(one_line(f"{path}: damaged: {first_line(error)}; {CURE}")) from None

    def write(self, folder: Path) -> None:
        """Write it into a run's folder."""
        content = {"format": FORMAT, "steps": list(self.steps), "config": self.config, "scenario": self.scenario}
        write_sealed(folder / MANIFEST, content)

    @property
    def digest(self) -> str:
        """Of all that stays as it is."""
        return digest_of_json([self.scenario, self.config])

    def check(self, folder: Path, scenario: str, config: Mapping[str, Any]) -> None:
        """Compare what is in the folder now: the text of scenario.yaml and the values of config.yaml.

        Raises:
            RunError: they differ; it says in what.
        """
        now = {name: value for name, value in config.items() if name not in FREE}
        changed = [f"config.yaml: {told}" for told in _differences(now, self.config)]
        if config.get("steps") not in self.steps:
            changed.append(f"config.yaml: steps is {config.get('steps')!r}, was {self.steps[-1]}")
        if scenario != self.scenario:  # comments and line ends may differ
            found = _differences(yaml.safe_load(scenario), yaml.safe_load(self.scenario))
            changed += [f"scenario.yaml: {told}" for told in found]
        if changed:
            more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            told = f"{'; '.join(changed[:SHOWN])}{more}"
            raise RunError(one_line(f"{folder}: has been edited since it began: {told}: {CURE}"))


def _differences(now: Any, before: Any, key: str = "") -> Iterator[str]:
    """Where two trees of plain values differ, as `users.count is 3, was 30`."""
    if isinstance(now, Mapping) and isinstance(before, Mapping):
        for name in dict.fromkeys((*before, *now)):
            below = f"{key}.{name}" if key else str(name)
            if name not in now:
                yield f"{below} is missing, was {_shown(before[name])}"
            elif name not in before:
                yield f"{below} is {_shown(now[name])}, was not there"
            else:
                yield from _differences(now[name], before[name], below)
    elif type(now) is not type(before) or now != before:
        yield f"{key or 'it'} is {_shown(now)}, was {_shown(before)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
