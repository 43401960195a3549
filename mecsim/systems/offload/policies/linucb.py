"""LinUCB (Li et al., WWW 2010, algorithm 1): a contextual bandit with a linear model per server.

Arms are server indices, and each has a ridge regression of its own ("disjoint" models). One model for all arms over
(preference, server row) could not react to the preference, whose term would be the same for every arm. The features of
an arm are, as in arXiv 2509.10474, the preference and the server's row with its histogram, and the context; not the
columns of immediate costs, which would make it the greedy baseline. A bandit learns immediate costs only: what
a decision brings about later is beyond it.

Costs are heavy-tailed, as they grow with the square of the task's size. The reward is therefore minus the scalarised
cost per Mbit: a task's size is the same for all arms, so the best arm stays the best, and a linear model comes much
closer. Features are sign(x)·log(1 + |x|), standardised and clipped.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.policies.fitting import FIT_SEED, cost_weights, random_preferences, report_progress, training_tapes
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.episodes import OffloadEpisodes, batched_episodes
from mecsim.systems.offload.layout import QUEUED_TASKS, SIZE_MBIT, layout_of, offload_spec
from mecsim.systems.offload.scenario import OffloadScenario

Floats = NDArray[np.float64]

SMALLEST_MBIT = 0.1  # costs of smaller tasks are divided by this
SMALLEST_SPREAD = 1e-3  # of a feature: what hardly varies should not be blown up


@dataclass(frozen=True, slots=True)
class LinUcbConfig:
    """Budget and exploration."""

    rounds: int = 20  # each plays `episodes` episodes side by side
    episodes: int = 128
    exploration: float = 0.3  # α: the bonus in standard deviations of the estimated mean
    ridge: float = 1.0  # λ: A starts as λ·I
    feature_clip: float = 5.0  # in standard deviations
    reward_clip: float = 10.0  # in standard deviations


class LinUcbPolicy:
    """Plays the server with the best estimated mean."""

    def __init__(self, scenario: OffloadScenario, config: LinUcbConfig | None = None) -> None:
        self._scenario = scenario
        self._config = config or LinUcbConfig()

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The server with the least expected cost per Mbit in each episode."""
        bandit = fitted_bandit(self._scenario, self._config)
        mean = np.einsum("nad,ad->na", bandit.encoder(observation, preference), bandit.theta)
        return _best(mean, observation)


@dataclass(frozen=True, slots=True)
class Encoder:
    """Features x of each arm: a constant, its row without costs, the context, and the preference but its last weight.

    The last weight is one minus the others, and so would add nothing.
    """

    costs: tuple[int, ...]  # the columns of a row that are left out
    shift: Floats  # (D − 1,)
    spread: Floats  # (D − 1,)
    clip: float = np.inf  # in spreads

    def __call__(self, observation: Arrays, preference: Preferences) -> Floats:
        """(N, A, D)"""
        rows = np.delete(observation["options"], self.costs, axis=2).astype(np.float64)
        each = np.concatenate([np.log1p(observation["context"]), preference[:, :-1]], axis=1)
        same = np.broadcast_to(each[:, None, :], (*rows.shape[:2], each.shape[1]))
        values = np.concatenate([np.sign(rows) * np.log1p(np.abs(rows)), same], axis=2)
        scaled = np.clip((values - self.shift) / self.spread, -self.clip, self.clip)
        return np.concatenate([np.ones((*rows.shape[:2], 1)), scaled], axis=2)


def plain_encoder(scenario: OffloadScenario) -> Encoder:
    """Features as they are, neither standardised nor clipped."""
    spec = offload_spec(scenario)
    costs = layout_of(scenario).cost_columns or ()
    _, option_width, context_size = spec.shape
    size = option_width - len(costs) + context_size + len(scenario.objectives) - 1
    return Encoder(costs, np.zeros(size), np.ones(size))


@dataclass(frozen=True, slots=True)
class Bandit:
    """What has been fitted."""

    encoder: Encoder
    theta: Floats  # (A, D)


class LinearArms:
    """A ridge regression per arm: A_a = λI + Σ x xᵀ, b_a = Σ r x, θ_a = A_a⁻¹ b_a."""

    def __init__(self, arms: int, size: int, ridge: float) -> None:
        self.gram = np.tile(ridge * np.eye(size), (arms, 1, 1))  # (A, D, D)
        self.moment = np.zeros((arms, size))  # (A, D)

    @property
    def theta(self) -> Floats:
        """Coefficients, (A, D)."""
        return np.asarray(np.linalg.solve(self.gram, self.moment[:, :, None])[:, :, 0], np.float64)

    def upper_bounds(self, x: Floats, exploration: float) -> Floats:
        """θ_aᵀ x + α·sqrt(xᵀ A_a⁻¹ x) of each arm, (N, A), for features x (N, A, D)."""
        by_arm = x.transpose(1, 0, 2)
        solved = by_arm @ np.linalg.inv(self.gram)
        mean = (solved @ self.moment[:, :, None])[:, :, 0]
        variance = np.maximum((solved * by_arm).sum(axis=2), 0.0)
        return np.asarray((mean + exploration * np.sqrt(variance)).T)

    def learn(self, x: Floats, action: Actions, reward: Floats) -> None:
        """Take in the features (n, D) of the arms chosen (n,) and their rewards (n,)."""
        for arm in range(len(self.moment)):
            chosen = action == arm
            self.gram[arm] += x[chosen].T @ x[chosen]
            self.moment[arm] += reward[chosen] @ x[chosen]


@lru_cache(maxsize=16)
def fitted_bandit(scenario: OffloadScenario, config: LinUcbConfig) -> Bandit:
    """Play training episodes by upper confidence bounds, each with a preference drawn at random.

    Decisions of a step are made side by side with the same models, which then learn from all of them. A first
    round of random decisions only measures how features and rewards vary.
    """
    rng = np.random.default_rng(FIT_SEED)
    encoder, unit = _standardised(scenario, config, rng)
    arms = LinearArms(offload_spec(scenario).max_options, len(encoder.shift) + 1, config.ridge)

    def decide(x: Floats, observation: Arrays) -> Actions:
        return _best(arms.upper_bounds(x, config.exploration), observation)

    def learn(x: Floats, action: Actions, reward: Floats) -> None:
        arms.learn(x, action, np.maximum(reward / unit, -config.reward_clip))

    for number in range(1, config.rounds + 1):
        _play_round(scenario, number, config, rng, encoder, decide, learn)
        report_progress("linucb", number, config.rounds)
    return Bandit(encoder, arms.theta)


def _standardised(scenario: OffloadScenario, config: LinUcbConfig, rng: np.random.Generator) -> tuple[Encoder, float]:
    """An encoder of standardised features, and the deviation of rewards, from a round of random decisions."""
    plain = plain_encoder(scenario)
    seen: list[Floats] = []
    rewards: list[Floats] = []

    def decide(x: Floats, observation: Arrays) -> Actions:
        return _best(rng.random(x.shape[:2]), observation)

    def keep(x: Floats, action: Actions, reward: Floats) -> None:
        seen.append(x[:, 1:])
        rewards.append(reward)

    _play_round(scenario, 0, config, rng, plain, decide, keep)
    values, reward = np.concatenate(seen), np.concatenate(rewards)
    if not len(reward):  # no task ever arrives: nothing to learn, nothing to choose
        return plain, 1.0
    spread = np.maximum(values.std(axis=0), SMALLEST_SPREAD)
    encoder = replace(plain, shift=values.mean(axis=0), spread=spread, clip=config.feature_clip)
    return encoder, float(reward.std()) or 1.0


def _play_round(
    scenario: OffloadScenario,
    number: int,
    config: LinUcbConfig,
    rng: np.random.Generator,
    encoder: Encoder,
    decide: Callable[[Floats, Arrays], Actions],
    learn: Callable[[Floats, Actions, Floats], None],
) -> None:
    """Play the episodes of a round; tell `learn` of each step's decisions that dispatched a task."""
    tapes = training_tapes(draw_tapes, scenario, number * config.episodes, config.episodes)
    preference = random_preferences(rng, len(tapes), len(scenario.objectives))
    weights = cost_weights(scenario, preference)
    episodes = batched_episodes(scenario)
    observation = episodes.begin(tapes)
    while not episodes.over:
        x = encoder(observation, preference)
        action = decide(x, observation)
        busy = np.flatnonzero(observation["context"][:, QUEUED_TASKS] > 0)
        size_mbit = np.maximum(observation["options"][busy, 0, SIZE_MBIT], SMALLEST_MBIT)
        observation, cost_reward, _ = episodes.step(action)
        reward = (cost_reward * weights).sum(axis=1)
        learn(x[busy, action[busy]], action[busy], reward[busy] / size_mbit)


def _best(score: Floats, observation: Arrays) -> Actions:
    """The arm with the largest score of those that exist, the first one of equals."""
    return np.asarray(np.where(observation["mask"].astype(np.bool_), score, -np.inf).argmax(axis=1))


@policy("linucb", "a linear bandit per server, fitted first", costly=True)
def linucb(scenario: OffloadScenario, seed: int) -> LinUcbPolicy:
    """With the budget of its defaults; what it draws while it is fitted does not depend on the seed."""
    return LinUcbPolicy(scenario)
