"""The parts of the SimPy engine by themselves: its server, processor and uplink against plain oracles; many tasks."""

from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.systems.offload.demand import Episode, Tasks, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import EXECUTING, UPLOADING, offload_spec
from mecsim.systems.offload.network import Channel, Energy, Servers
from mecsim.systems.offload.simpy_processor import Processor, Task
from mecsim.systems.offload.simpy_server import Server
from mecsim.systems.offload.simpy_uplink import InterferingUplink
from tests.systems.offload.offloading import (
    ENGINES,
    assert_same_play,
    class_finish_s,
    make_scenario,
    play,
    processor_sharing_finish_s,
    ratings,
)
from tests.systems.offload.oracles import interfering_end_s

SPEED = 1.7e6  # bit/s
SIZES_BIT = st.one_of(st.floats(1e3, 1e8), st.sampled_from([1e6, 2e6, 5e6]))  # with ties
UPLOADS_S = st.sampled_from([0.0, 0.3, 2.0, 30.0])
SENDINGS = st.lists(st.tuples(st.floats(0.0, 5.0), SIZES_BIT, UPLOADS_S, st.integers(0, 2)), max_size=15)


def new_task(size_bit: float, priority: int = 0) -> Task:
    return Task(0, 0, 0, size_bit, priority, 0.0, np.inf)


def served(sent: list[tuple[float, float, float, int]], preemptive: bool) -> tuple[Server, list[Task]]:
    """A server, right after a task was sent there in each gap, and these tasks."""
    scenario = make_scenario()
    if preemptive:
        scenario = make_scenario(tasks=Tasks(priorities=(0.4, 0.3, 0.3)), servers=Servers(scheduling="priority"))
    env = simpy.Environment()
    server, tasks = Server(env, offload_spec(scenario), SPEED), []
    for gap_s, size_bit, upload_s, priority in sent:
        if env.now + gap_s > env.now:
            env.run(until=env.now + gap_s)
        tasks.append(new_task(size_bit, priority))
        tasks[-1].dispatch_s = env.now
        server.send(tasks[-1], upload_s, 1.0)
    if sent:
        env.run(until=env.now + 0.1)
    return server, tasks


@settings(max_examples=150)
@given(sent=SENDINGS, size_bit=SIZES_BIT, upload_s=UPLOADS_S, preemptive=st.booleans())
def test_the_outlook_is_what_the_oracle_has(
    sent: list[tuple[float, float, float, int]], size_bit: float, upload_s: float, preemptive: bool
) -> None:
    """When all that was ever sent is done, with a further task and without; of which is ahead what is not behind."""
    server, tasks = served(sent, preemptive)
    now_s, extra = server.env.now, new_task(size_bit, 1)
    start_s = np.array([task.dispatch_s + upload for task, (_, _, upload, _) in zip(tasks, sent, strict=True)])
    start_s = np.append(start_s, now_s + upload_s)
    everything = [*tasks, extra]
    sizes = np.array([task.size_bit for task in everything])
    levels = np.array([task.priority if preemptive else 0 for task in everything])
    totals_s = []
    for count, outlook in ((len(tasks), server.outlook()), (len(everything), server.outlook(extra, upload_s))):
        finish_s = class_finish_s(start_s[:count], sizes[:count], levels[:count], SPEED)
        ahead = {id(task): at for task, at in outlook.finished}
        for task, expected_s in zip(everything[:count], finish_s, strict=True):
            if expected_s > now_s * (1.0 + 1e-9):
                assert ahead.pop(id(task)) == pytest.approx(expected_s, rel=1e-9)
        assert all(at == pytest.approx(now_s, rel=1e-9) for at in ahead.values())
        assert [at for _, at in outlook.finished] == sorted(at for _, at in outlook.finished)
        totals_s.append(float(np.maximum(finish_s - now_s, 0.0).sum()))
        assert outlook.system_s == pytest.approx(totals_s[-1], rel=1e-9, abs=1e-9 * (now_s + 1.0))
        assert outlook.upload_s == pytest.approx(np.maximum(start_s[:count] - now_s, 0.0).sum(), rel=1e-9, abs=1e-9)
        busy_s = sum(until_s - from_s for from_s, until_s in outlook.busy)
        assert busy_s == pytest.approx(_work_s(server, extra if outlook.finished and count > len(tasks) else None))
    if not preemptive:
        assert server.added_delay_s(extra, upload_s) == pytest.approx(
            totals_s[1] - totals_s[0], rel=1e-9, abs=1e-9 * (totals_s[1] + now_s)
        )


def _work_s(server: Server, extra: Task | None) -> float:
    return (server.work_bit() + (extra.size_bit if extra else 0.0)) / SPEED


@settings(max_examples=100)
@given(sizes=st.lists(SIZES_BIT, max_size=20), size_bit=SIZES_BIT, upload_s=st.floats(0.0, 100.0))
def test_two_tasks_hold_each_other_up_by_the_smaller_residual(
    sizes: list[float], size_bit: float, upload_s: float
) -> None:
    """The closed form against the sum of what each of all tasks has more, by a plain oracle."""
    env = simpy.Environment()
    server = Server(env, offload_spec(make_scenario()), SPEED)
    for size in sizes:
        server.send(new_task(size), 0.0, 0.0)
    start_s, everything = np.append(np.zeros(len(sizes)), upload_s), np.array([*sizes, size_bit])
    without_s = processor_sharing_finish_s(start_s[:-1], everything[:-1], SPEED)
    with_s = processor_sharing_finish_s(start_s, everything, SPEED)
    added_s = (with_s[:-1] - without_s).sum() + with_s[-1]
    assert server.added_delay_s(new_task(size_bit), upload_s) == pytest.approx(added_s, rel=1e-9)


@settings(max_examples=100)
@given(
    sizes=st.lists(st.tuples(SIZES_BIT, st.integers(0, 2)), min_size=1, max_size=20),
    then_s=st.floats(0.0, 200.0),
    preemptive=st.booleans(),
)
def test_looking_at_a_processor_does_not_move_it(
    sizes: list[tuple[float, int]], then_s: float, preemptive: bool
) -> None:
    """What is left at some time is what is left when it comes; work is done at the speed of the processor."""
    processor = Processor(SPEED, preemptive)
    for size_bit, priority in sizes:
        processor.add(new_task(size_bit, priority), 0.0)
    ahead_bit, now_bit = processor.residuals_bit(then_s), processor.residuals_bit(0.0)
    assert sum(now_bit) == pytest.approx(sum(size_bit for size_bit, _ in sizes))
    left_bit = max(0.0, sum(now_bit) - SPEED * then_s)
    assert sum(ahead_bit) == pytest.approx(left_bit, rel=1e-9, abs=1e-9 * sum(now_bit))
    finished = processor.run(then_s)
    assert processor.residuals_bit(then_s) == ahead_bit
    assert len(finished) == len(sizes) - len(ahead_bit)


@settings(max_examples=100)
@given(
    sent=st.lists(
        st.tuples(st.floats(0.0, 3.0), st.floats(1e4, 1e7), st.sampled_from([1e-6, 0.1, 1.0, 30.0, 1e90])),
        min_size=1,
        max_size=12,
    ),
    cqi=st.booleans(),
)
def test_uploads_disturb_each_other(sent: list[tuple[float, float, float]], cqi: bool) -> None:
    """Against a plain oracle, however far the strengths of signals are apart."""
    bandwidth_hz = 1e6
    uplink, end_s = InterferingUplink(bandwidth_hz, cqi), np.full(len(sent), np.nan)
    dispatch_s = np.cumsum([gap_s for gap_s, _, _ in sent])
    tasks = [new_task(size_bit) for _, size_bit, _ in sent]
    for task, at_s, (_, _, snr) in zip(tasks, dispatch_s.tolist(), sent, strict=True):
        while uplink.next_s <= at_s:
            done, when_s = uplink.complete()
            end_s[tasks.index(done)] = when_s
        uplink.add(task, np.nan, snr, at_s)
    while uplink.tasks:
        done, when_s = uplink.copy().complete()
        assert (done, when_s) == uplink.complete()  # a copy is at the same point and on its own
        end_s[tasks.index(done)] = when_s
    assert uplink.next_s == np.inf
    sizes, snrs = np.array([task.size_bit for task in tasks]), np.array([snr for _, _, snr in sent])
    expected_s = interfering_end_s(dispatch_s, sizes, snrs, bandwidth_hz, "cqi" if cqi else "shannon")
    np.testing.assert_allclose(end_s, expected_s, rtol=1e-9)


CONTENTION: dict[str, dict[str, Any]] = {
    "plain": {},
    "classes": {"tasks": Tasks(priorities=(0.3, 0.4, 0.3)), "servers": Servers(scheduling="priority")},
    "interference": {"channel": Channel(interference=True)},
    "slow interference": {"channel": Channel(interference=True, bandwidth_hz=2e4)},
    "power curves": {"energy": Energy(model="power-curve")},
}
EVERYTHING = {**CONTENTION["classes"], **CONTENTION["interference"], **CONTENTION["power curves"]}


@pytest.mark.parametrize("contention", [*CONTENTION.values(), EVERYTHING], ids=[*CONTENTION, "everything"])
def test_engines_agree_on_a_server_with_a_hundred_tasks(contention: dict[str, Any]) -> None:
    """One task a step for one server, which can do a tenth of that."""
    sections = {"episode": Episode(steps=120), "users": Users(count=20, arrival_rate_per_s=0.1), **contention}
    tasks = sections.get("tasks", Tasks())
    size = tasks.size.model_copy(update={"mean_bit": 4e7, "clip_bit": None})
    scenario = make_scenario(**{**sections, "tasks": tasks.model_copy(update={"size": size})})
    tapes = draw_tapes(scenario, 6, 0, 1)
    actions: NDArray[np.int64] = np.zeros((120, 1), np.int64)
    truth = play("simpy", scenario, tapes, actions)
    assert_same_play(truth, play("batched", scenario, tapes, actions))
    assert truth.options[-1, 0, 0, [EXECUTING, UPLOADING]].sum() > 80


@settings(max_examples=15)
@given(rated=ratings(1.0), seed=st.integers(0, 2**32))
def test_watching_changes_nothing(rated: Any, seed: int) -> None:
    """Costs are worked out once in a decision, for whoever asks first: to the last digit the same for all."""
    scenario = make_scenario(episode=Episode(steps=15), satisfaction=rated, **EVERYTHING)
    tapes = draw_tapes(scenario, seed, 0, 2)
    actions = np.random.default_rng(seed).integers(0, tapes.num_servers, (15, 2))
    watched, unwatched = play("simpy", scenario, tapes, actions), ENGINES["simpy"](scenario)
    unwatched.begin(tapes)
    costs = np.stack([-unwatched.step(action) for action in actions])
    np.testing.assert_allclose(costs, watched.cost, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(unwatched.records().finish_s, watched.records.finish_s)
