"""Hyper-parameters of the discrete soft actor-critic."""

from typing import Literal

from pydantic.dataclasses import dataclass

from mecsim_agents.config import SETTINGS, Positive, Share, Switch
from mecsim_agents.values import ValueConfig


@dataclass(frozen=True, config=SETTINGS)
class DiscreteSACConfig(ValueConfig):
    """Hyper-parameters of `DiscreteSAC`, beside those of `ValueConfig`. Defaults are what `experiments/ablation` found.

    Networks
        ensemble_size: number of critics; two are the twin of SAC.
        critic: "vector" learns one value per objective, "scalar" only the weighted sum.
        pessimism: "min" takes the value of the critic that is lowest, as SAC does, "mean" their mean.
        policy: "softmax" is exp(ω·Q/α), normalised: what SAC's policy network is fitted to, in closed form. "network"
            is that network.

    Scales
        temperature: α of the entropy term, in scaled rewards; the first value if it is learned.
        exploration_temperature: α of the policy that tries options out; a larger one tries more of them.
        value_entropy: values include the entropy of later decisions, as SAC has it. Without, they are those of the same
            policy, but of what it earns alone.
        learn_temperature, target_entropy_fraction: adjust α until the entropy is this share of ln(valid options).
        logit_floor: an option of the policy network never starts with a logit lower than that of the greedy choice
            minus this.
    """

    critic: Literal["vector", "scalar"] = "vector"
    pessimism: Literal["mean", "min"] = "mean"
    policy: Literal["softmax", "network"] = "softmax"
    exploration_temperature: Positive = 0.01
    value_entropy: Switch = False
    learn_temperature: Switch = False
    target_entropy_fraction: Share = 0.1
    logit_floor: Positive = 10.0
