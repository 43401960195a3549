"""Decisions that are discounted by the time between them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mecsim_agents import LEARNERS, EnvironmentShape, Replay
from mecsim_agents.functional import critic_target, masked_log_softmax

from .conftest import ANY, SHAPE, Arrays, filled_replay, make_learner

TIMED = replace(SHAPE, elapsed_entry=1, discount_per_s=0.8)


@ANY
@pytest.mark.parametrize("elapsed_s", [0.0, 0.5, 3.0])
def test_at_even_times_it_is_a_discount_per_decision(kind: str, elapsed_s: float) -> None:
    """Decisions that are t apart count γ^t of a second's γ: the same updates but for rounding."""
    even = Arrays(3).transitions(200)
    even.context[:, 1] = even.next_context[:, 1] = elapsed_s
    learners = [make_learner(kind, TIMED), make_learner(kind, SHAPE, discount=0.8**elapsed_s)]
    for learner in learners:
        replay = Replay(SHAPE, 300)
        replay.add(even)
        learner.observe(replay)
        for step in range(4):
            learner.update(replay, step / 4)
    timed, plain = (learner.state_tensors() for learner in learners)
    for name, value in timed.items():
        torch.testing.assert_close(value, plain[name], rtol=1e-4, atol=1e-6, msg=name)


def test_each_transition_counts_by_its_own_time() -> None:
    reward, values = torch.zeros(3, 2), torch.ones(3, 1, 2)
    policy = masked_log_softmax(torch.zeros(3, 1), torch.ones(3, 1).bool())
    terminated, preference = torch.tensor([False, False, True]), torch.full((3, 2), 0.5)
    discount = torch.pow(0.8, torch.tensor([0.0, 2.0, 1.0]))
    target = critic_target(reward, terminated, values, *policy, preference, discount, torch.tensor(0.0))
    np.testing.assert_allclose(target, [[1.0, 1.0], [0.64, 0.64], [0.0, 0.0]], rtol=1e-6)


def test_a_second_counts_in_updates() -> None:
    """Another γ of a second leads elsewhere, and is saved with the agent."""
    found = []
    for discount in (0.8, 0.3):
        learner = make_learner("sac", replace(TIMED, discount_per_s=discount))
        replay = filled_replay(Arrays(3))
        learner.observe(replay)
        learner.update(replay, 0.0)
        found.append(learner.update(replay, 0.5)["target"])
    assert found[0] != found[1]


def test_what_cannot_be_is_refused() -> None:
    for given, told in (
        ({"elapsed_entry": 3}, "elapsed_entry: expected an entry below 3"),
        ({"discount_per_s": 0.9}, "discount_per_s: expected 0 to 1 and an elapsed_entry"),
        ({"elapsed_entry": 0, "discount_per_s": 1.5}, "discount_per_s"),
    ):
        with pytest.raises(ValueError, match=told):
            EnvironmentShape(2, 5, 3, (3.0, 0.5), **given)


def test_the_shape_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "agent.safetensors"
    make_learner("sac", TIMED).save(path)
    assert LEARNERS["sac"].load(path, "cpu").shape == TIMED
