"""Helpers of the agent's tests: one thread, random observations, and a small world with delayed consequences."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mecsim_agents import LEARNERS, DiscreteSAC, EnvironmentShape, Replay, Transitions, ValueLearner
from numpy.typing import NDArray

Floats = NDArray[np.float32]
OBJECTIVES, FEATURES, CONTEXT, OPTIONS = 2, 5, 3, 4
SHAPE = EnvironmentShape(OBJECTIVES, FEATURES, CONTEXT, (3.0, 0.5), OPTIONS, reward_columns=(0, 1))
"""Of `Arrays`: the first two columns are the costs."""
KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "sac": ("sac", {}),
    "sac with a policy network": ("sac", {"policy": "network"}),
    "double-dqn": ("double-dqn", {}),
}
"""Learners that differ in more than a number: their names, and what is set."""
ANY = pytest.mark.parametrize("kind", list(KINDS))
"""For what any learner has to do."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Arrays:
    """Random observations and transitions, from an own generator."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)

    def observation(self, states: int, options: int = OPTIONS) -> dict[str, np.ndarray]:
        mask = self.rng.random((states, options)) < 0.7
        mask[np.arange(states), self.rng.integers(options, size=states)] = True
        features = self.rng.random((states, options, FEATURES)).astype(np.float32)
        features[~mask] = -1.0
        context = self.rng.random((states, CONTEXT)).astype(np.float32)
        return {"options": features, "mask": mask.astype(np.int8), "context": context}

    def transitions(self, count: int, options: int = OPTIONS) -> Transitions:
        before, after = self.observation(count, options), self.observation(count, options)
        action = np.array([self.rng.choice(np.flatnonzero(row)) for row in before["mask"]])
        reward = -self.rng.random((count, OBJECTIVES))
        terminated, preference = self.rng.random(count) < 0.1, self.rng.dirichlet(np.ones(OBJECTIVES), count)
        return Transitions.from_arrays(before, action, reward, terminated, after, preference)


@pytest.fixture
def arrays() -> Arrays:
    return Arrays()


def make_learner(kind: str, shape: EnvironmentShape = SHAPE, seed: int = 0, **config: object) -> ValueLearner:
    """A learner of that kind, with small networks unless told otherwise."""
    name, own = KINDS[kind]
    values = {"encoder_sizes": [16], "head_sizes": [16, 8], "batch_size": 32} | own | config
    made = LEARNERS[name].new(shape, LEARNERS[name].config.from_mapping(values), "cpu", seed)
    assert isinstance(made, ValueLearner)
    return made


def make_agent(shape: EnvironmentShape = SHAPE, seed: int = 0, **config: object) -> DiscreteSAC:
    made = make_learner("sac", shape, seed, **config)
    assert isinstance(made, DiscreteSAC)
    return made


def states_equal(left: ValueLearner, right: ValueLearner) -> bool:
    mine, other = left.state_tensors(), right.state_tensors()
    return mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)


def filled_replay(arrays: Arrays, count: int = 200, capacity: int = 300, group: int = 1) -> Replay:
    replay = Replay(SHAPE, capacity, group=group)
    replay.add(arrays.transitions(count))
    return replay


def assert_goes_on_bit_for_bit(agent: ValueLearner, replay: Replay, path: Path) -> ValueLearner:
    """Learn a while, save, load, and go on with both; returns the loaded one."""
    observation, preference = Arrays(1).observation(300), [0.3, 0.7]
    agent.observe(replay)
    for step in range(5):
        agent.update(replay, step / 10)
        if step == 2:
            agent.release()  # what is explored with is saved as well
    agent.act(observation, preference, explore=True)
    agent.save(path)
    other = LEARNERS[agent.NAME].load(path, "cpu")
    assert isinstance(other, type(agent))
    assert (other.config, other.shape, other.updates) == (agent.config, agent.shape, 5)
    for _ in range(2):
        first, second = (each.act(observation, preference, explore=True) for each in (agent, other))
        assert np.array_equal(first, second)
        for step in range(5, 8):
            agent.update(replay, step / 10)
            other.update(replay, step / 10)
        agent.release()
        other.release()
    assert states_equal(agent, other)
    return other


class DebtWorld:
    """Each option has a cost now and a debt, paid at the next decision whatever is chosen then.

    Option columns: cost now (d, the debt of the last choice included), debt (d). Costs and debts are uniform on [0, 1],
    so looking only at cost is far from optimal; the optimum takes the lowest ω·(cost + γ·debt). Neighbours in groups of
    `copies` meet the same costs and debts, and differ by what they chose.
    """

    def __init__(self, states: int, seed: int, options: int = 4, copies: int = 1) -> None:
        self.states, self.options, self.rng, self.copies = states, options, np.random.default_rng(seed), copies
        self.owed = np.zeros((states, OBJECTIVES))
        self.draw()

    def draw(self) -> None:
        shape = self.states // self.copies, self.options, OBJECTIVES
        self.own = self.rng.random(shape).repeat(self.copies, 0)
        self.debt = self.rng.random(shape).repeat(self.copies, 0)

    def observe(self) -> dict[str, np.ndarray]:
        cost = self.own + self.owed[:, None]
        return {
            "options": np.concatenate([cost, self.debt], -1).astype(np.float32),
            "mask": np.ones((self.states, self.options), np.int8),
            "context": np.zeros((self.states, 0), np.float32),
        }

    def step(self, action: np.ndarray) -> np.ndarray:
        """Return the reward vector (N, 2)."""
        rows = np.arange(self.states)
        reward: NDArray[np.float64] = -(self.own[rows, action] + self.owed)
        self.owed = self.debt[rows, action]
        self.draw()
        return reward

    def mean_cost(self, action: np.ndarray, preference: Floats, discount: float) -> float:
        """Mean of ω·(cost + γ·debt) of the choices: the part of the discounted cost that they decide."""
        rows = np.arange(self.states)
        return float(((self.own[rows, action] + discount * self.debt[rows, action]) @ preference).mean())
