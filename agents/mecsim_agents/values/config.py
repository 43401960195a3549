"""Hyper-parameters that all learners of values have."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mecsim_agents.config import (
    SETTINGS,
    Count,
    LearnerConfig,
    NotNegative,
    Positive,
    PositiveShare,
    Share,
    Sizes,
    Switch,
)

Levels = Annotated[int, Field(ge=0, le=16, description="a whole number from 0 to 16")]


@dataclass(frozen=True, config=SETTINGS)
class ValueConfig(LearnerConfig):
    """Hyper-parameters of a `ValueLearner`, beside those of any. Defaults: see `experiments/ablation`.

    Networks
        architecture: "set" works for any number of options in any order. "exchange" is a set network in whose encoder
            options know of each other from the second layer on. "padded" is the fixed-size form of the GMORL paper: an
            MLP over the embeddings of all options side by side, at most as many as it was made for.
        encoder_sizes: widths of the layers that embed each option, from its own features only but for "exchange".
        head_sizes: widths of the layers between the embeddings, with preference and context, and the output. A set
            network's head sees one option's embedding and the pooled ones, a padded network's those of all options.
        ensemble_size: number of critics.
        residual: critics predict only what comes after the immediate cost, so that the policy starts from the greedy
            choice. Needs `reward_columns`; without them it has no effect.
        separable: what comes after, in an objective that the environment declares separable, vanishes where only that
            objective counts (see `ValueModel`). Needs the residual form and a value for each objective.
        compress: inputs x become sign(x)·log(1 + |x|/u) before they are normalised. The unit u is 1, and `temperature`
            for columns with costs.
        cumulate: `count_columns` are the bins of a histogram, of which the network sees how many there are in each bin
            and those above it. A server's load is then a matter of few inputs rather than of all of them.
        ramp_levels: besides itself, each entry of the context is seen as ramps between its quantiles at 2⁻ʲ and 1 − 2⁻ʲ
            for j up to this, so that networks tell the last decisions of an episode, or short queues, apart. 0: none.

    Learning
        discount: γ per decision; has no meaning where an environment has one of a second.
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

    Scales
        reward_multiplier: applied after division by the objective scale. That scale is usually a whole episode's, so a
            single reward would be small beside the Huber threshold and an entropy term.
        temperature: the scaled reward that a policy takes seriously: probabilities are exp(ω·Q/temperature).
    """

    EARLIER: ClassVar[Mapping[str, Any]] = {"cumulate": False, "ramp_levels": 0}

    architecture: Literal["set", "exchange", "padded"] = "exchange"
    encoder_sizes: Sizes = (64, 64)
    head_sizes: Sizes = (64,)
    ensemble_size: Count = 1
    residual: Switch = True
    separable: Switch = True
    compress: Switch = True
    cumulate: Switch = True
    ramp_levels: Levels = 7
    discount: Share = 0.995
    learning_rate: PositiveShare = 1e-3
    final_learning_rate_fraction: Share = 0.02
    target_rate: PositiveShare = 0.02
    averaging_power: NotNegative = 4.0
    huber_beta: Positive = 0.3
    group_huber_beta: Positive = 0.02
    group_mean_weight: NotNegative = 0.0
    max_gradient_norm: Positive = 0.5
    played_fraction: Share = 0.8
    reward_multiplier: Positive = 5.0
    temperature: Positive = 0.003
