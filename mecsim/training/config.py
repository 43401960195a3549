"""What `mecsim train --set key=value` can set: how training runs, and the agent's own hyper-parameters."""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal, Self

import yaml
from mecsim_agents import LEARNERS, DiscreteSACConfig, LearnerConfig
from mecsim_agents.config import SETTINGS, checked, no_such, number
from pydantic import AfterValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from mecsim.errors import InputError


def _up_to(most: int) -> Any:
    return Field(ge=1, le=most, description=f"a whole number from 1 to {most:,}")


def _summing_to_one(weights: tuple[float, ...] | None) -> tuple[float, ...] | None:
    if weights is not None and abs(sum(weights) - 1.0) > 1e-6:
        raise ValueError("the sum is not 1")
    return weights


Count = Annotated[int, Field(ge=1, description="a whole number of at least 1")]
Weights = Annotated[
    tuple[Annotated[float, Field(ge=0.0, le=1.0)], ...] | None,
    AfterValidator(_summing_to_one),
    Field(description="weights that sum to 1, such as [0.3, 0.7]"),
]


ON_CUDA: Mapping[str, Any] = {
    "num_envs": 2048,
    "updates_per_step": 2.0,
    "engine": "cuda",
    "precision": "tf32",
    "evaluation_epochs": 5,
    "checkpoint_epochs": 10,
}
AGENT_ON_CUDA: Mapping[str, Any] = {
    "batch_size": 8192,
    "encoder_sizes": [128, 128],
    "head_sizes": [128],
    "learning_rate": 2e-3,
}
"""Defaults on a GPU where they differ: so many environments and transitions keep one busy, and wide networks, of the
kind that `experiments/learning` found best, cost little there."""


@dataclass(frozen=True, config=SETTINGS)
class TrainingConfig:
    """How training runs. An epoch is one episode of every environment.

    num_envs: environments side by side.
    copies: environments that play the same episode at a time. The agent learns from what differs among them.
    warmup_epochs: epochs played before the first update.
    updates_per_step: gradient updates per step of all environments together.
    steps_per_round: steps of all environments that are played while the agent learns from what was played before them.
    engine: that plays the environments: "batched" on the processor, "cuda" on the GPU on which the agent learns.
    precision: of matrix products. "tf32" rounds their factors to 10 bits of mantissa on GPUs that have it, which is
        several times as fast; elsewhere it changes nothing. "bf16" rounds factors and products of updates to 7 bits, on
        any device; what is played is not rounded.
    evaluation_epochs: epochs between evaluations on fixed tapes; by default a twentieth of all. What the policy is
        before its first update and after the last epoch is always evaluated.
    evaluation_preferences, evaluation_episodes: size of such an evaluation.
    checkpoint_epochs, checkpoint_minutes: a checkpoint is made after so many epochs, and after an epoch when the latest
        one is so old. The last epoch always leaves one.
    preference: one weight per objective; the policy is then trained, evaluated and played for this preference alone,
        whatever other is asked for. Without it, which is the default, one policy is trained for all preferences.
    algorithm: name of the agent in `mecsim_agents.LEARNERS`; not to be changed with `--set`.
    agent: hyper-parameters of that agent, see its config in `mecsim_agents`.
    """

    num_envs: Annotated[int, _up_to(65_536)] = 64
    copies: Count = 8
    warmup_epochs: Count = 1
    updates_per_step: Annotated[float, number(0.0, 1000.0)] = 0.5
    steps_per_round: Count = 10
    engine: Literal["batched", "cuda"] = "batched"
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    evaluation_epochs: Annotated[int | None, Field(ge=1, description="a whole number of at least 1")] = None
    evaluation_preferences: Annotated[int, _up_to(100_000)] = 21
    evaluation_episodes: Annotated[int, _up_to(1_000_000)] = 16
    checkpoint_epochs: Count = 50
    checkpoint_minutes: Annotated[float, number(0.0, 1e6)] = 2.0
    preference: Weights = None
    algorithm: Annotated[str, Field(description="the name of an agent")] = "sac"
    agent: LearnerConfig = field(default_factory=DiscreteSACConfig)

    @model_validator(mode="after")
    def _whole_groups(self) -> Self:
        in_groups = {"num_envs": self.num_envs}
        in_groups |= {name: getattr(self.agent, name) for name in ("batch_size", "replay_capacity")}
        for name, count in in_groups.items():
            if count % self.copies:
                raise ValueError(f"{name}: expected a multiple of copies={self.copies}, got {count}; set either")
        if self.agent.replay_capacity < self.num_envs:
            raise ValueError(
                f"replay_capacity: expected at least num_envs={self.num_envs}, got {self.agent.replay_capacity}"
            )
        return self

    @classmethod
    def of(cls, algorithm: str = algorithm, device: str = "cpu") -> Self:
        """The defaults for an agent on a kind of device, which are `ON_CUDA` on a GPU.

        Raises:
            InputError: there is no agent of that name, or the package that brings it cannot be used.
        """
        default = cls.from_mapping({"algorithm": algorithm})
        if not device.startswith("cuda"):
            return default
        own = default.agent.to_mapping()
        agent = own | {name: value for name, value in AGENT_ON_CUDA.items() if name in own}
        return cls.from_mapping({"algorithm": algorithm, **ON_CUDA, "agent": agent})

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """From plain values; `agent` is a mapping of its own, by default one of the soft actor-critic.

        Raises:
            InputError: an unknown key, or a value that cannot be used.
        """
        try:
            config = LEARNERS.find(str(mapping.get("algorithm", cls.algorithm))).config
        except ValueError as error:
            raise InputError(str(error)) from error
        try:
            agent = config.from_mapping(dict(mapping.get("agent", {})))
        except (TypeError, ValueError) as error:
            raise InputError(f"agent.{error}") from error
        try:
            return checked(cls, {**mapping, "agent": agent}, "training setting")
        except ValueError as error:
            raise InputError(str(error)) from error

    @classmethod
    def from_stored(cls, mapping: Mapping[str, Any]) -> Self:
        """From what `to_mapping` once returned, perhaps in an earlier version. Errors as `from_mapping`."""
        name, agent = str(mapping.get("algorithm", cls.algorithm)), mapping.get("agent", {})
        if name in LEARNERS and isinstance(agent, Mapping):
            agent = {**LEARNERS[name].config.EARLIER, **agent}
        return cls.from_mapping({**mapping, "agent": agent})

    def to_mapping(self) -> dict[str, Any]:
        """Plain values that `from_mapping` turns into an equal config."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        preference = None if self.preference is None else list(self.preference)
        return {**values, "preference": preference, "agent": self.agent.to_mapping()}

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """Changed; values are plain, or YAML if they are texts, agent's keys may be written with or without `agent.`.

        Raises:
            InputError: an unknown key, or a value that cannot be used.
        """
        own, agent = self.to_mapping(), self.agent.to_mapping()
        settable = [name for name in own if name not in ("algorithm", "agent")]
        for key, value in settings.items():
            if isinstance(value, str):
                value = _read(key, value)
            name = key.removeprefix("agent.")
            if name in agent:
                agent[name] = value
            elif key in settable:
                own[key] = value
            else:
                unknown = no_such("setting", key, [*settable, *agent])
                raise InputError(f"--set {key}: {unknown} mecsim settings lists them")
        return self.from_mapping({**own, "agent": agent})


def check_settings(algorithm: str, settings: Mapping[str, Any]) -> None:
    """Refuse what suits no device, before PyTorch is asked which there are.

    Raises:
        InputError: there is no such agent or setting, or a value cannot be used with the defaults of any device.
    """
    refusals = []
    for device in ("cpu", "cuda"):
        try:
            TrainingConfig.of(algorithm, device).with_settings(settings)
        except InputError as refusal:
            refusals.append(refusal)
        else:
            return
    raise refusals[0]


def _read(key: str, text: str) -> Any:
    """What a text of YAML 1.1 stands for, which reads 1e-4 as a word."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {key}: {text!r} is not a number, word or list") from None
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value
