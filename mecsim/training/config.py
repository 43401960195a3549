"""What `mecsim train --set key=value` can set: how training runs, and the agent's own hyper-parameters."""

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import yaml
from mecsim_agents import DiscreteSACConfig

from mecsim.errors import InputError

_MOST = {"num_envs": 65_536, "evaluation_preferences": 100_000, "evaluation_episodes": 1_000_000}


@dataclass(frozen=True)
class TrainingConfig:
    """How training runs. An epoch is one episode of every environment.

    num_envs: environments side by side.
    copies: environments that play the same episode at a time. The agent learns from what differs among them.
    warmup_epochs: epochs played before the first update.
    updates_per_step: gradient updates per step of all environments together.
    steps_per_round: steps of all environments that are played while the agent learns from what was played before them.
    evaluation_epochs: epochs between evaluations on fixed tapes; the last epoch is always evaluated.
    evaluation_preferences, evaluation_episodes: size of such an evaluation.
    checkpoint_epochs: epochs between checkpoints; the last epoch always leaves one.
    preference: one weight per objective; the policy is then trained, evaluated and played for this preference alone,
        whatever other is asked for. Without it, which is the default, one policy is trained for all preferences.
    agent: see `mecsim_agents.DiscreteSACConfig`.
    """

    num_envs: int = 64
    copies: int = 8
    warmup_epochs: int = 1
    updates_per_step: float = 0.5
    steps_per_round: int = 10
    evaluation_epochs: int = 25
    evaluation_preferences: int = 21
    evaluation_episodes: int = 64
    checkpoint_epochs: int = 50
    preference: tuple[float, ...] | None = None
    agent: DiscreteSACConfig = field(default_factory=DiscreteSACConfig)

    def __post_init__(self) -> None:
        """Raise InputError for the first value that cannot be used."""
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            if entry.type not in (int, "int"):
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{entry.name}: expected a whole number of at least 1, got {value!r}")
            if value > (most := _MOST.get(entry.name, value)):
                raise InputError(f"{entry.name}: expected at most {most:,}, got {value:,}")
        in_groups = {"num_envs": self.num_envs}
        in_groups |= {name: getattr(self.agent, name) for name in ("batch_size", "replay_capacity")}
        for name, count in in_groups.items():
            if count % self.copies:
                raise InputError(f"{name}: expected a multiple of copies={self.copies}, got {count}; set either")
        rate = self.updates_per_step
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.0 <= rate <= 1000.0:
            raise InputError(f"updates_per_step: expected a number from 0 to 1000, got {rate!r}")
        if self.preference is not None and not _is_preference(self.preference):
            told = list(self.preference) if isinstance(self.preference, tuple) else self.preference
            raise InputError(f"preference: expected weights that sum to 1, such as [0.3, 0.7], got {told!r}")

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """From plain values; `agent` is a mapping of its own.

        Raises:
            InputError: an unknown key, or a value that cannot be used.
        """
        names = [entry.name for entry in dataclasses.fields(cls)]
        for name in mapping:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.0)[0]
                raise InputError(f"{name}: no such training setting; did you mean {near}?")
        values = dict(mapping)
        if isinstance(preference := values.get("preference"), list):
            values["preference"] = tuple(preference)
        try:
            agent = DiscreteSACConfig.from_mapping(dict(mapping.get("agent", {})))
        except (TypeError, ValueError) as error:
            raise InputError(f"agent.{error}") from error
        return cls(**{**values, "agent": agent})

    def to_mapping(self) -> dict[str, Any]:
        """Plain values that `from_mapping` turns into an equal config."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        preference = None if self.preference is None else list(self.preference)
        return {**values, "preference": preference, "agent": self.agent.to_mapping()}

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """Changed by `key=value` texts; the values are YAML, agent's keys may be written with or without `agent.`.

        Raises:
            InputError: an unknown key, or a value that cannot be used.
        """
        own, agent = self.to_mapping(), self.agent.to_mapping()
        for key, text in settings.items():
            try:
                value = yaml.safe_load(text)
            except yaml.YAMLError:
                raise InputError(f"--set {key}: {text!r} is not a number, word or list") from None
            if isinstance(value, str):
                value = _number(value)
            name = key.removeprefix("agent.")
            if name in agent:
                agent[name] = value
            elif key in own and key != "agent":
                own[key] = value
            else:
                names = [*(name for name in own if name != "agent"), *agent]
                near = difflib.get_close_matches(key, names, n=1, cutoff=0.0)[0]
                raise InputError(f"--set {key}: no such setting; did you mean {near}?")
        return self.from_mapping({**own, "agent": agent})


def _is_preference(weights: object) -> bool:
    return (
        isinstance(weights, tuple)
        and all(isinstance(weight, int | float) and not isinstance(weight, bool) for weight in weights)
        and all(0.0 <= weight <= 1.0 for weight in weights)
        and abs(sum(weights) - 1.0) <= 1e-6
    )


def _number(text: str) -> float | str:
    """YAML 1.1 reads 1e-4 as a word."""
    try:
        return float(text)
    except ValueError:
        return text
