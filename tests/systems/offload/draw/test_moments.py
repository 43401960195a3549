"""When tasks arrive that are decided at once: by law, and as they were recorded."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.errors import InputError, ScenarioError
from mecsim.physics.arrivals.base import ArrivalLaw
from mecsim.physics.arrivals.section import Arrivals
from mecsim.scenario import load_scenario, with_context
from mecsim.systems.offload.demand import Dispatch, Episode, Users
from mecsim.systems.offload.draw.moments import draw_moments
from mecsim.systems.offload.draw.reel import Reel
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import parse_offload
from tests.systems.offload.offloading import ENGINES, make_scenario, random_actions

HEAD = "mecsim: 1\nkind: offload\nservers: {edge: {count: 2}}\ndispatch: {decide: task}\n"


def each_task(episode: Episode, **sections: Any) -> OffloadScenario:
    """Two users, who together send a task every 2 s."""
    users = Users(count=2, arrival_rate_per_s=0.25)
    return make_scenario(episode=episode, users=users, dispatch=Dispatch(decide="task"), **sections)


def arrival_s(tapes: OffloadTapes, n: int) -> list[float]:
    """When each task of an episode arrives."""
    return np.repeat(tapes.decision_s[n, :-1], tapes.arrivals[n]).tolist()


@pytest.mark.parametrize("variation", [1.0, 3.0])
def test_gaps_between_decisions_are_those_of_the_law(variation: float) -> None:
    law = Arrivals(model="gamma", variation=variation) if variation != 1.0 else Arrivals()
    tapes = draw_tapes(each_task(Episode(steps=400), arrivals=law), 1, 0, 50)
    assert (tapes.arrivals.sum(axis=1) == 400).all()  # in bursts some come so close that they come at once
    np.testing.assert_array_equal(tapes.decision_s[:, -1], tapes.decision_s[:, -2])  # the end is the last decision
    gaps_s = np.diff(tapes.decision_s[:, :-1], axis=1)
    assert gaps_s.mean() == pytest.approx(2.0, rel=0.05)
    assert gaps_s.std() / gaps_s.mean() == pytest.approx(variation, rel=0.05)


def test_a_span_has_the_tasks_that_arrive_in_it() -> None:
    """Their number is Poisson; what is left of the decisions stands at its end and dispatches nothing."""
    scenario = each_task(Episode(span_s=60.0))
    tapes = draw_tapes(scenario, 1, 0, 2000)
    tasks = tapes.arrivals.sum(axis=1)
    assert (tasks.mean(), tasks.var()) == (pytest.approx(30.0, rel=0.02), pytest.approx(30.0, rel=0.1))
    assert tasks.max() < scenario.steps
    beyond = np.arange(scenario.steps + 1) >= tasks[:, None]
    assert (tapes.decision_s[beyond] == 60.0).all()
    assert (tapes.decision_s[~beyond] < 60.0).all()


def test_more_tasks_than_a_law_tells_are_refused() -> None:
    class Bursts(ArrivalLaw):
        def draw_gaps(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
            return np.full(shape, 0.3)

    scenario = each_task(Episode(span_s=60.0))
    odd = scenario.model_copy(update={"arrivals": scenario.arrivals.model_copy(update={"law": Bursts()})})
    with pytest.raises(InputError, match="more than 78 tasks arrived in 60 s, where 30 are expected: the dispersion"):
        draw_moments(Reel(odd, 0, 0, 0, 3), np.random.default_rng(0))


@settings(max_examples=60)
@given(
    times_s=st.lists(st.integers(0, 40).map(lambda tick: tick * 0.5), min_size=1, max_size=30),
    steps=st.integers(1, 9),
    span_s=st.sampled_from([None, 1.0, 3.7, 100.0]),
    random=st.booleans(),
)
def test_windows_of_a_trace_have_its_tasks_in_order(
    tmp_path_factory: pytest.TempPathFactory, times_s: list[float], steps: int, span_s: float | None, random: bool
) -> None:
    """One after the other they have every task once, with the gaps between them; several at one moment go together."""
    path = tmp_path_factory.mktemp("trace") / "t.csv"
    rows = "".join(f"{time},0,{1e6 + place}\n" for place, time in enumerate(times_s))
    path.write_text(f"time_s,user,size_bit\n{rows}")
    episode = f"{{span: {span_s} s}}" if span_s else f"{{steps: {steps}}}"
    trace = f"{{file: {path}, start: {'random' if random else 'sequential'}}}"
    scenario = parse_offload(HEAD + f"users: {{count: 1}}\nepisode: {episode}\ntasks: {{trace: {trace}}}\n")
    order = sorted(range(len(times_s)), key=lambda place: times_s[place])
    size_bit, ordered_s = [1e6 + place for place in order], [times_s[place] for place in order]
    first, last = min(times_s), max(times_s)
    windows = -(-len(order) // steps)
    if span_s is not None:
        windows = sum(first < (k + 1) * span_s and k * span_s <= last for k in range(60))
    tapes = draw_tapes(scenario, 3, 0, windows)
    seen: list[float] = []
    for n in range(windows):
        count = int(tapes.arrivals[n].sum())
        sizes, at_s = tapes.size_bit[n, :count].tolist(), np.array(arrival_s(tapes, n))
        place = size_bit.index(sizes[0]) if count else 0
        assert sizes == size_bit[place : place + count]
        np.testing.assert_allclose(np.diff(at_s), np.diff(ordered_s[place : place + count]), atol=1e-9)
        if span_s is None:  # the gap to the task before
            assert at_s[0] == pytest.approx(ordered_s[place] - ordered_s[max(0, place - 1)], abs=1e-9)
        leaders = (
            tapes.decision_s[n, :count] != np.concatenate([[-1.0], tapes.decision_s[n, : max(0, count - 1)]])[:count]
        )
        np.testing.assert_array_equal(tapes.arrivals[n, :count] > 0, leaders)
        assert not tapes.arrivals[n, count:].any()
        assert (tapes.decision_s[n, count:] == tapes.decision_s[n, -1]).all()
        if span_s is not None:
            assert (at_s < span_s).all() or np.isclose(at_s, span_s).any()
            assert tapes.decision_s[n, -1] == span_s
        seen += sizes
    if not random:
        assert seen == size_bit


@pytest.mark.parametrize("name", ENGINES)
def test_tasks_of_a_moment_are_decided_one_after_another(name: str) -> None:
    """None waits, nothing is executed between their decisions, and the queue holds those that are still to come."""
    scenario = each_task(Episode(steps=4))
    drawn = draw_tapes(scenario, 0, 0, 1)
    tapes = replace(drawn, decision_s=np.array([[2.0, 2.0, 2.0, 5.0, 5.0]]), arrivals=np.array([[3, 0, 0, 1]]))
    engine = ENGINES[name](scenario)
    engine.begin(tapes)
    for action in random_actions(tapes, 0):
        engine.step(action)
    records = engine.records()
    np.testing.assert_array_equal(records.task, [[0, 1, 2, 3]])
    np.testing.assert_array_equal(records.dispatch_s, [[2.0, 2.0, 2.0, 5.0]])
    np.testing.assert_array_equal(records.queued_s, 0.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("episode: {step: 2 s}", r"episode\.step: has no meaning here, expected dispatch\.decide: step or the default"),
        ("episode: {span: 9 s, steps: 9}", r"episode\.steps: has no meaning here, expected episode\.span: null"),
        ("users: {arrival_rate: 0 /s}", r"users\.arrival_rate: nothing would be decided"),
        ("energy: {model: power-curve}", r"energy\.model: expected dynamic where each task is decided"),
        ("episode: {span: 0 s}", r"episode\.span"),
    ],
)
def test_what_has_no_meaning_is_refused(text: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        parse_offload(HEAD + text + "\n")


@pytest.mark.parametrize("text", ["episode: {span: 9 s}", "dispatch: {discount: 0.9}"])
def test_steps_have_neither_span_nor_discount(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"has no meaning here, expected dispatch\.decide: task"):
        parse_offload(HEAD.replace("dispatch: {decide: task}\n", "") + text + "\n")


def test_the_context_turns_to_tasks_and_back() -> None:
    """What has no meaning any more goes; what is asked for stays."""
    base = with_context(load_scenario("gmorl-e6"), {"episode.step": "2 s"})
    tasks = with_context(base, {"dispatch.decide": "task", "episode.span": "50 s", "dispatch.discount": "0.9"})
    assert isinstance(tasks, OffloadScenario)
    assert (tasks.episode.span_s, tasks.dispatch.discount_per_s, tasks.per_task) == (50.0, 0.9, True)
    back = with_context(tasks, {"dispatch.decide": "step"})
    assert back == with_context(base, {"episode.step": "1 s"})
