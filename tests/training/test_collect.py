"""What a training collects: on episodes of its own, for preferences that change, to the end of each episode."""

from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes
from mecsim.policies import calibrate, named_policy
from mecsim.policies.calibration import _anchors
from mecsim.sweep import evaluate, preference_grid
from mecsim.training.loop import prepared
from tests.training.small import COPIES, ENVS, STEPS, new_run, small_scenario, trained


def test_nothing_is_evaluated_on_what_it_was_trained_or_watched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each purpose has a stream of its own."""
    drawn: dict[str, set[int]] = {}
    for purpose, module in (
        ("training", "mecsim.envs.vector"),
        ("calibration", "mecsim.policies.calibration"),
        ("evaluation", "mecsim.sweep.evaluate"),
    ):

        def noted(*given: Any, purpose: str = purpose) -> Any:
            drawn.setdefault(purpose, set()).add(given[4] if len(given) > 4 else Stream.EVALUATION)
            return draw_episodes(*given)

        monkeypatch.setattr(import_module(module), "draw_episodes", noted)
    for cached in (calibrate, _anchors):
        cached.cache_clear()
    trained(new_run(tmp_path / "run", epochs=1))
    assert drawn == {
        "training": {Stream.TRAINING}, "calibration": {Stream.CALIBRATION}, "evaluation": {Stream.VALIDATION},
    }  # fmt: skip
    drawn.clear()
    evaluate(named_policy("greedy", small_scenario()), small_scenario(), preference_grid(2, 2), 3, 0)
    assert drawn == {"evaluation": {Stream.EVALUATION}}


def test_preferences_are_those_of_the_epoch_and_of_an_episode(tmp_path: Path) -> None:
    collector = prepared(new_run(tmp_path / "run", corner_fraction="0")).collector
    seen = []
    for epoch in (1, 2, 1):
        collector.begin(epoch)
        seen.append(collector._preference)
        by_episode = seen[-1].view(ENVS // COPIES, COPIES, 2)
        assert (by_episode == by_episode[:, :1]).all()
        assert len(seen[-1].unique(dim=0)) == ENVS // COPIES
    assert not torch.isclose(seen[0], seen[1]).any()
    assert torch.equal(seen[0], seen[2])


def test_the_last_transitions_lead_to_the_end_of_their_episode(tmp_path: Path) -> None:
    """And not to the beginning of the next one."""
    collector, agent, _ = prepared(new_run(tmp_path / "run"))
    collector.begin(1)
    batches = collector.collect(agent, 2 * STEPS)
    for step, (batch, following) in enumerate(pairwise(batches), 1):
        ends = step == STEPS
        assert (batch.terminated == ends).all()
        assert torch.equal(batch.next_options, following.options) == (not ends)
