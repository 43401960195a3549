"""What is recorded for a GPU depends on tensors alone: shown here without one.

A recording replays kernels with all numbers that Python knew at the time, and it may neither wait for an answer nor
copy from the processor. So functions are recorded here operation by operation (`make_fx`), and replayed in their place.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from mecsim_agents import Replay, ValueLearner
from mecsim_agents.captured import WARM_UP, Captured
from mecsim_agents.values import learner as learner_module
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from .conftest import ANY, SHAPE, Arrays, filled_replay, make_learner, states_equal

UPDATES = WARM_UP + 4
WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique"}
COPIES = {"lift_fresh", "lift_fresh_copy", "scalar_tensor"}
DRAWS = {"rand", "randint", "randn", "randperm", "bernoulli", "exponential_", "uniform_", "normal_", "multinomial"}


class OfTensorsAlone(TorchDispatchMode):
    """Refuses what a recording cannot have."""

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        by_mask = name in ("index", "index_put_") and any(
            isinstance(index, Tensor) and index.dtype == torch.bool for index in args[1]
        )
        possible = not by_mask and name not in WAITS | COPIES | DRAWS
        assert possible, f"{func} cannot be recorded"
        return func(*args, **(kwargs or {}))


class Recorded(Captured):
    """Records and replays as `Captured` does on a GPU, but operations instead of kernels."""

    def __init__(self, function: Callable[..., Tensor], device: torch.device) -> None:
        super().__init__(function, device)
        self.replayed: Callable[..., Tensor] | None = None

    def __call__(self, *given: Tensor) -> Tensor:
        self._calls += 1
        if self._calls <= WARM_UP:
            with OfTensorsAlone():
                return self._function(*given)
        if self.replayed is not None:
            return self.replayed(*given)
        results: list[Tensor] = []

        def noted(*given: Tensor) -> Tensor:
            results.append(self._function(*given))
            return results[-1]

        self.replayed = make_fx(noted, _allow_non_fake_inputs=True)(*given)
        return results[-1]  # unlike a GPU's, this recording also did what it recorded


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner_module, "Captured", Recorded)


def scheduled_by_tensors(agent: ValueLearner) -> ValueLearner:
    """As on a GPU, where what a recording reads of the schedule is a tensor."""
    for optimiser in agent._optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = torch.tensor(group["lr"])
    return agent


@ANY
@pytest.mark.parametrize("group", [1, 4])
def test_replayed_updates_are_those_that_were_not_recorded(kind: str, group: int, recorded: None) -> None:
    """Bit for bit, though schedule, draws, and what the replay holds change all the time."""
    agents, told = [], []
    for calls_as_it_is in (True, False):
        arrays, agent = Arrays(), scheduled_by_tensors(make_learner(kind))
        replay = Replay(SHAPE, 120, group=group)
        for step in range(UPDATES):
            replay.add(arrays.transitions(80))
            if step == 0:
                agent.observe(replay)
                agent.update(replay, 0.0)
                if calls_as_it_is:
                    agent._learning = Captured(agent._learning._function, agent.device)
            told.append(agent.update(replay, step / UPDATES))
        agents.append(agent)
    assert told[:UPDATES] == told[UPDATES:]
    assert states_equal(*agents)
    assert not isinstance(agents[0]._learning, Recorded)
    assert isinstance(agents[1]._learning, Recorded)
    assert agents[1]._learning.replayed is not None


@ANY
def test_replayed_choices_are_those_that_were_not_recorded(arrays: Arrays, kind: str, recorded: None) -> None:
    agent, replay, preference = make_learner(kind, residual=False), filled_replay(arrays), torch.tensor([[0.3, 0.7]])
    agent.observe(replay)
    for step in range(UPDATES):
        observation = {name: torch.as_tensor(array) for name, array in arrays.observation(60).items()}
        before = agent._generators["act"].get_state()
        chosen = agent.explore(observation, preference.expand(60, -1))
        agent._generators["act"].set_state(before)
        assert np.array_equal(chosen, agent.act(observation, preference.expand(60, -1), explore=True))
        for _ in range(20):
            agent.update(replay, step / UPDATES)
        agent.release()  # into tensors that the recording reads
    assert isinstance(agent._trying, Recorded)
    assert agent._trying.replayed is not None


def test_loading_forgets_what_was_recorded(arrays: Arrays, recorded: None) -> None:
    """The optimiser has other tensors then, of which a recording would know nothing."""
    agent, replay = scheduled_by_tensors(make_learner("sac")), filled_replay(arrays)
    agent.observe(replay)
    for _ in range(UPDATES):
        agent.update(replay, 0.0)
    state, generator = agent.state_tensors(), agent._generators["learn"].get_state()
    agent.update(replay, 0.0)
    expected = agent.state_tensors()
    agent.load_state_tensors(state)
    assert torch.equal(agent._generators["learn"].get_state(), generator)
    agent.update(replay, 0.0)
    assert all(torch.equal(expected[name], value) for name, value in agent.state_tensors().items())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * float(x.sum()),
        lambda x: x[x > 0],
        lambda x: x + torch.tensor([1.0]),
        lambda x: x[..., (0, 1)],
        lambda x: x + torch.rand(()),
        lambda x: x if (x > 0).all() else -x,
    ],
    ids=["waits", "by mask", "copies", "by a tuple", "draws", "decides"],
)
def test_what_cannot_be_recorded_is_seen(function: Callable[[Tensor], Tensor]) -> None:
    """Else the tests above would show nothing."""
    with pytest.raises(AssertionError, match="cannot be recorded"), OfTensorsAlone():
        function(torch.ones(3))
