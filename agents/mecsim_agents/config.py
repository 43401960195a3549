"""Hyper-parameters of the agent: one frozen dataclass, checked when it is made."""

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True)
class DiscreteSACConfig:
    """Hyper-parameters of `DiscreteSAC`. The defaults are what `experiments/ablation` found.

    Networks
        architecture: "set" works for any number of options in any order. "padded" is the fixed-size form of the GMORL
            paper: an MLP over the embeddings of all options side by side, at most as many as it was made for.
        encoder_sizes: widths of the layers that embed each option, from its own features only.
        head_sizes: widths of the layers between the embeddings, with preference and context, and the output. A set
            network's head sees one option's embedding and the pooled ones, a padded network's those of all options.
        ensemble_size: number of critics; 2 is the twin of SAC.
        pessimism: "min" takes the value of the critic that is lowest, as SAC does, "mean" their mean.
        critic: "vector" learns one value per objective, "scalar" only the weighted sum.
        policy: "softmax" is exp(ω·Q/α), normalised: what SAC's policy network is fitted to, in closed form. "network"
            is that network.
        residual: critics predict only what comes after the immediate cost, and the policy starts from the greedy
            choice. Needs `reward_columns`; without them it has no effect.
        separable: what comes after, in an objective that the environment declares separable, vanishes where only that
            objective counts (see `Model`). Needs the residual form and a vector critic.
        compress: inputs x become sign(x)·log(1 + |x|/u) before they are normalised. The unit u is 1, and α for columns
            with costs.

    Learning
        batch_size, replay_capacity: transitions.
        discount: γ per decision.
        learning_rate, final_learning_rate_fraction: Adam's rate at the start, and the share of it left at the end.
        target_rate: share of the critic that moves into the target critic after each update (Polyak averaging).
        averaging_power: without exploring, an average of the weights over the updates is played, as the policy of the
            moment wanders around a good one. Update t counts with a weight of about t to this power: 0 is the plain
            average, 4 is about the latest fifth of all updates.
        huber_beta: error beyond which the critic's loss is linear, in scaled rewards.
        group_huber_beta: the same for the differences of errors within a group (see `Replay`). These are nearly
            symmetric, so that the loss may be linear early: outliers then count little and nothing is biased.
        group_mean_weight: weight of the loss on the mean error of a group, beside that on the differences. What is
            common to a group is mostly chance, and it does not decide between options.
        max_gradient_norm: the gradient of each network is shortened to this norm.
        played_fraction: share of the groups that are learned from for a preference under which they were played.
        corner_fraction: share of the preferences, played or not, that care for almost one objective only.

    Scales
        reward_multiplier: applied after division by the objective scale. That scale is usually a whole episode's, so a
            single reward would be small beside the entropy term and the Huber threshold.
        temperature: α of the entropy term, in scaled rewards; the first value if it is learned.
        exploration_temperature: α of the policy that tries options out; a larger one tries more of them.
        value_entropy: values include the entropy of later decisions, as SAC has it. Without, they are those of the same
            policy, but of what it earns alone.
        learn_temperature, target_entropy_fraction: adjust α until the entropy is this share of ln(valid options).
        logit_floor: an option of the policy network never starts with a logit lower than that of the greedy choice
            minus this.
    """

    architecture: Literal["set", "padded"] = "set"
    encoder_sizes: tuple[int, ...] = (64, 64)
    head_sizes: tuple[int, ...] = (64,)
    ensemble_size: int = 2
    critic: Literal["vector", "scalar"] = "vector"
    pessimism: Literal["mean", "min"] = "mean"
    policy: Literal["softmax", "network"] = "softmax"
    residual: bool = True
    separable: bool = True
    compress: bool = True
    batch_size: int = 256
    replay_capacity: int = 102_400
    discount: float = 0.995
    learning_rate: float = 1e-3
    final_learning_rate_fraction: float = 0.02
    target_rate: float = 0.02
    averaging_power: float = 4.0
    huber_beta: float = 0.3
    group_huber_beta: float = 0.02
    group_mean_weight: float = 0.0
    max_gradient_norm: float = 0.5
    played_fraction: float = 0.8
    corner_fraction: float = 0.15
    reward_multiplier: float = 5.0
    temperature: float = 0.003
    exploration_temperature: float = 0.01
    value_entropy: bool = False
    learn_temperature: bool = False
    target_entropy_fraction: float = 0.1
    logit_floor: float = 10.0

    def __post_init__(self) -> None:
        """Raise ValueError for the first field whose type or value cannot be used."""
        for name in ("encoder_sizes", "head_sizes"):
            sizes = getattr(self, name)
            if not isinstance(sizes, tuple) or not sizes or not all(_is_integer(size) and size > 0 for size in sizes):
                raise ValueError(f"{name}: expected one or more positive whole numbers, got {sizes!r}")
        for name in ("ensemble_size", "batch_size", "replay_capacity"):
            count = getattr(self, name)
            if not _is_integer(count) or count < 1:
                raise ValueError(f"{name}: expected a positive whole number, got {count!r}")
        for name in ("residual", "separable", "compress", "value_entropy", "learn_temperature"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name}: expected true or false, got {getattr(self, name)!r}")
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                expected = " or ".join(map(repr, words))
                raise ValueError(f"{name}: expected {expected}, got {getattr(self, name)!r}")
        for name, (lowest, highest) in _RANGES.items():
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float) or not lowest <= number <= highest:
                raise ValueError(f"{name}: expected a number from {lowest:g} to {highest:g}, got {number!r}")

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Make a config from plain values, as a YAML or JSON file gives them; what is missing keeps its default.

        Raises ValueError naming the field, and the nearest valid name for one that does not exist.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        values: dict[str, Any] = {}
        for name, value in mapping.items():
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.0)
                raise ValueError(f"{name}: no such field; did you mean {near[0]}?")
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values (lists instead of tuples) that `from_mapping` turns into an equal config."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


_WORDS = {
    "architecture": ("set", "padded"),
    "critic": ("vector", "scalar"),
    "pessimism": ("mean", "min"),
    "policy": ("softmax", "network"),
}

# Closed ranges; the smallest positive stands for "more than zero".
_POSITIVE = 1e-12
_FINITE = 1e12
_RANGES: dict[str, tuple[float, float]] = {
    "discount": (0.0, 1.0),
    "learning_rate": (_POSITIVE, 1.0),
    "final_learning_rate_fraction": (0.0, 1.0),
    "target_rate": (_POSITIVE, 1.0),
    "averaging_power": (0.0, _FINITE),
    "huber_beta": (_POSITIVE, _FINITE),
    "group_huber_beta": (_POSITIVE, _FINITE),
    "group_mean_weight": (0.0, _FINITE),
    "max_gradient_norm": (_POSITIVE, _FINITE),
    "played_fraction": (0.0, 1.0),
    "corner_fraction": (0.0, 1.0),
    "reward_multiplier": (_POSITIVE, _FINITE),
    "temperature": (_POSITIVE, _FINITE),
    "exploration_temperature": (_POSITIVE, _FINITE),
    "target_entropy_fraction": (0.0, 1.0),
    "logit_floor": (_POSITIVE, _FINITE),
}


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
