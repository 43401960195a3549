"""The laws of test_identities.py, and those of each option, where scenarios have any of what is optional.

Dispatch queues, priority at servers, interference, power curves, users' devices, deadlines, waiting as delay: each law
is recomputed from the records, the tape and the actions by the plain oracles of oracles.py.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.schema.units import CountRange
from mecsim.systems.offload.demand import Episode, Tasks, Users
from mecsim.systems.offload.layout import (
    CONTEXT_SIZE,
    CPU_GHZ,
    DELAY,
    EDGES,
    ENERGY,
    EXECUTING,
    HISTOGRAM,
    MISSES,
    PRICE,
    QUEUED_MBIT,
    QUEUED_TASKS,
    RATE_MBIT_PER_S,
    SHORTFALL,
    SIZE_MBIT,
    UPLOADING,
    layout_of,
)
from mecsim.systems.offload.network import Channel, Cloud, Edge, Servers
from mecsim.systems.offload.quantities import recorded_objectives
from mecsim.systems.offload.tape import OffloadTapes
from tests.systems.offload.offloading import (
    ENGINES,
    Array,
    class_finish_s,
    gap_s,
    make_scenario,
    num_options,
    play,
)
from tests.systems.offload.option_cases import EPISODES, Case, cases, each_server
from tests.systems.offload.oracles import (
    asked,
    busy_intervals_s,
    cpu_hz,
    interfering_end_s,
    ratings,
    realised,
    waiting_tasks,
    work_left_s,
)


@settings(max_examples=100)
@given(case=cases())
def test_costs_add_up_to_what_tasks_came_to(case: Case) -> None:
    """Delay from dispatch, with the wait if the scenario counts it; energy of radio, processors and idle servers."""
    scenario, played = case.scenario, case.play()
    for n in range(EPISODES):
        whole = realised(scenario, case.tapes, played.records, n)
        delay_s = whole.delay_s + (whole.waited_s if scenario.dispatch.waiting_in_delay else 0.0)
        np.testing.assert_allclose(played.cost[:, n, DELAY].sum(), delay_s, rtol=1e-9)
        np.testing.assert_allclose(-played.records.reward_delay_s[n].sum(), delay_s, rtol=1e-9)
        task_j = whole.radio_j + whole.execution_j
        idle_j = scenario.steps * case.idle_j(n)
        np.testing.assert_allclose(played.records.energy_j[n].sum(), task_j, rtol=1e-9)
        np.testing.assert_allclose(played.cost[:, n, ENERGY].sum(), task_j + idle_j, rtol=1e-9)


@settings(max_examples=100)
@given(case=cases())
def test_satisfaction_adds_up_to_the_mean_rating(case: Case) -> None:
    """What an episode's dispatches cost is by how much its mean rating falls short of 5; nothing without a task."""
    played = case.play()
    if case.scenario.satisfaction is None:
        assert SHORTFALL not in case.spec.told
        assert not played.records.satisfaction.any()
        return
    for n in range(EPISODES):
        rated = ratings(case.scenario, case.tapes, played.records, n)
        sent = played.records.dispatched[n]
        np.testing.assert_allclose(played.records.satisfaction[n, sent], rated, rtol=1e-8, atol=1e-8)
        assert not played.records.satisfaction[n, ~sent].any()
        shortfall = 5.0 - np.mean(rated) if rated else 0.0
        assert played.cost[:, n, SHORTFALL].sum() == pytest.approx(shortfall, rel=1e-9, abs=1e-9)


@settings(max_examples=40)
@given(case=cases())
def test_records_alone_tell_the_objectives(case: Case) -> None:
    """What rewards add up to, in the order of the rewards; satisfaction as it is shown."""
    played = case.play()
    expected = played.cost.sum(axis=0)
    if SHORTFALL in case.spec.told:
        expected[:, SHORTFALL] = 5.0 - expected[:, SHORTFALL]
    found = recorded_objectives(played.records, case.tapes, case.scenario)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


@settings(max_examples=40)
@given(case=cases(), data=st.data())
def test_an_option_promises_what_it_changes(case: Case, data: st.DataObject) -> None:
    """Any option at any step, also those that nobody takes: what all tasks come to with it, minus without it."""
    scenario, tapes = case.scenario, case.tapes
    step = data.draw(st.integers(0, scenario.steps - 1))
    option = data.draw(st.integers(0, int(num_options(tapes).min()) - 1))
    promised = case.play().option_costs[step, :, option]
    before = case.records_after(case.actions[:step])
    after = case.records_after(np.concatenate([case.actions[:step], np.full((1, EPISODES), option)]))
    for n in range(EPISODES):
        low, high = (realised(scenario, tapes, records, n) for records in (before, after))
        delay_s = high.delay_s - low.delay_s
        if scenario.dispatch.waiting_in_delay:
            delay_s += high.waited_s - low.waited_s
        energy_j = high.radio_j + high.execution_j - low.radio_j - low.execution_j + case.idle_j(n)
        total_j = high.radio_j + high.execution_j
        assert promised[n, DELAY] == pytest.approx(delay_s, rel=1e-9, abs=1e-9 * (high.delay_s + high.waited_s))
        assert promised[n, ENERGY] == pytest.approx(energy_j, rel=1e-9, abs=1e-9 * total_j)
        if scenario.satisfaction is not None:
            share = 1.0 / max(1, case.records_after(case.actions).dispatched[n].sum())
            shortfall = share * (high.shortfall - low.shortfall)
            assert promised[n, SHORTFALL] == pytest.approx(shortfall, rel=1e-9, abs=1e-9)
        tasks, expired = case.counted(n)
        if "misses" in scenario.objectives:
            late = (high.late - low.late + expired / scenario.steps) / max(1, tasks)
            assert promised[n, case.spec.told.index(MISSES)] == pytest.approx(late, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(case=cases())
def test_misses_and_prices_add_up(case: Case) -> None:
    """The share of tasks that are late, those that wait in vain until the end included; what servers ask for."""
    scenario, tapes, played = case.scenario, case.tapes, case.play()
    records, told = played.records, case.spec.told
    for n in range(EPISODES):
        tasks, expired = case.counted(n)
        late = realised(scenario, tapes, records, n).late
        if "misses" in scenario.objectives:
            missed = played.cost[:, n, told.index(MISSES)].sum()
            assert missed == pytest.approx((late + expired) / max(1, tasks), rel=1e-9, abs=1e-9)
        prices = [asked(scenario, server) for server in records.server[n]]
        expected = [
            price.per_gigacycle * 1e-9 * cycles + price.per_gigabit * 1e-9 * bit
            for price, cycles, bit in zip(prices, records.cycles[n], records.size_bit[n], strict=True)
        ]
        np.testing.assert_allclose(records.price[n], expected, rtol=1e-9)
        if scenario.servers.priced:
            assert played.cost[:, n, told.index(PRICE)].tolist() == pytest.approx(expected, rel=1e-9)


@settings(max_examples=60)
@given(case=cases())
def test_a_step_costs_what_the_option_promised(case: Case) -> None:
    """To the last digit; observations show the same."""
    played = case.play()
    chosen = np.take_along_axis(played.option_costs, case.actions[:, :, None, None], axis=2)[:, :, 0]
    np.testing.assert_array_equal(chosen, played.cost)
    absent = np.arange(case.spec.max_options) >= num_options(case.tapes)[:, None]
    assert np.isposinf(played.option_costs[:, absent]).all()
    assert np.isfinite(played.option_costs[:, ~absent]).all()
    columns = layout_of(case.scenario).cost_columns
    if columns is not None:
        shown = played.options[:-1][..., list(columns)]
        waiting = played.records.dispatched.T[:, :, None] & ~absent
        np.testing.assert_array_equal(shown[waiting], played.option_costs[waiting])
        idle = ~played.records.dispatched.T[:, :, None] & ~absent
        assert not shown[idle].any()


@settings(max_examples=60)
@given(case=cases())
def test_the_queue_is_in_the_order_of_its_kind(case: Case) -> None:
    """Against a sort of all who wait, at every step; so is what the records and observations say of the head."""
    scenario, tapes, played, spec = case.scenario, case.tapes, case.play(), case.spec
    records = played.records
    for n in range(EPISODES):
        for step, waiting in enumerate(waiting_tasks(scenario, tapes, n)):
            context = played.context[step, n]
            assert context[QUEUED_TASKS] == len(waiting)
            queued_bit = sum(tapes.size_bit[n, task.index] for task in waiting)
            assert context[QUEUED_MBIT] == pytest.approx(queued_bit * 1e-6, rel=1e-9)
            behind = waiting[1 : 1 + min(spec.upcoming, max(0, spec.steps - step - 1))]  # others find no step left
            told = [number for task in behind for number in (1.0, tapes.size_bit[n, task.index] * 1e-6)]
            told += [0.0] * (2 * spec.upcoming - len(told))
            assert context[CONTEXT_SIZE:][: len(told)].tolist() == pytest.approx(told, rel=1e-12)
            if step == spec.steps:
                continue
            assert records.dispatched[n, step] == bool(waiting)
            if not waiting:
                assert records.task[n, step] == -1
                tasks, expired = case.counted(n)
                misses = expired / (scenario.steps * max(1, tasks))
                nothing = np.array([0.0, case.idle_j(n), 0.0, misses, 0.0])[list(spec.told)]
                assert played.cost[step, n].tolist() == pytest.approx(nothing.tolist(), rel=1e-12)
                continue
            head, action = waiting[0], case.actions[step, n]
            user, arrival_s = tapes.user[n, head.index], head.arrival_s
            on_radio = action < tapes.num_servers[n]
            assert records.task[n, step] == head.index
            assert records.user[n, step] == user
            assert records.server[n, step] == (action if on_radio else scenario.max_servers + user)
            assert records.size_bit[n, step] == tapes.size_bit[n, head.index]
            cycles = tapes.size_bit[n, head.index] * tapes.cycles_per_bit[n, head.index]
            assert records.cycles[n, step] == pytest.approx(cycles, rel=1e-12)
            assert records.output_bit[n, step] == tapes.output_bit[n, head.index]
            rate = tapes.rate_bit_per_s[n, tapes.link[n, head.index], action] if on_radio else np.inf
            back_s = records.result_s[n, step] - records.finish_s[n, step]
            rounding_s = 1e-12 * records.finish_s.max()
            assert back_s == pytest.approx(records.output_bit[n, step] / rate, rel=1e-9, abs=rounding_s)
            assert records.arrival_s[n, step] == pytest.approx(arrival_s, rel=1e-12)
            assert records.dispatch_s[n, step] == pytest.approx(tapes.decision_s[n, step], rel=1e-12)
            assert records.deadline_s[n, step] == pytest.approx(arrival_s + tapes.deadline_s[n, head.index], rel=1e-12)


@settings(max_examples=60)
@given(case=cases())
def test_uploads_end_when_the_channel_lets_them(case: Case) -> None:
    """Alone at the rate of the link; with interference as the uploads to the same server leave each other; at once
    on the user's device, which is sent nothing."""
    scenario, tapes, radio = case.scenario, case.tapes, case.scenario.channel
    records = case.play().records
    for n, server, here, _ in each_server(case, records):
        dispatch_s, size_bit = records.dispatch_s[n, here], records.size_bit[n, here]
        end_s, rate = records.upload_end_s[n, here], records.rate_bit_per_s[n, here]
        if server >= scenario.max_servers:
            np.testing.assert_array_equal(end_s, dispatch_s)
            assert not rate.any()
            continue
        link = tapes.link[n, records.task[n, here]]
        if not radio.interference:
            np.testing.assert_array_equal(rate, tapes.rate_bit_per_s[n, link, server])
            np.testing.assert_allclose(end_s, dispatch_s + size_bit / rate, rtol=1e-12)
            continue
        snr = tapes.snr[n, link, server]
        expected_s = interfering_end_s(dispatch_s, size_bit, snr, radio.bandwidth_hz, radio.adaptation)
        np.testing.assert_allclose(end_s, expected_s, rtol=1e-9)
        upload_s = end_s - dispatch_s
        np.testing.assert_allclose(rate[upload_s > 0.0] * upload_s[upload_s > 0.0], size_bit[upload_s > 0.0], rtol=1e-9)
        assert (upload_s >= size_bit / tapes.rate_bit_per_s[n, link, server] * (1.0 - 1e-9) - 1e-12 * end_s).all()


@settings(max_examples=60)
@given(case=cases())
def test_servers_and_devices_serve_whom_they_should(case: Case) -> None:
    """Finish times from upload ends, sizes and classes of the tasks of that server or device alone: no task that is
    less urgent progresses beside a more urgent one, and none is disturbed by what happens elsewhere."""
    records = case.play().records
    for n, _, here, speed in each_server(case, records):
        classes = case.tapes.priority[n, records.task[n, here]]
        level = classes if case.scenario.servers.scheduling == "priority" else np.zeros_like(classes)
        expected_s = class_finish_s(records.upload_end_s[n, here], records.cycles[n, here], level, speed)
        np.testing.assert_allclose(records.finish_s[n, here], expected_s, rtol=1e-9)


@settings(max_examples=60)
@given(case=cases())
def test_no_server_idles_or_invents_work(case: Case) -> None:
    """Work conservation: the time during which a server has a task, times its speed, is what it served."""
    records = case.play().records
    for n, _, here, speed in each_server(case, records):
        finish_s = records.finish_s[n, here]
        busy = busy_intervals_s(records.upload_end_s[n, here], finish_s)
        busy_s = sum(finish - start for start, finish in busy)
        work_s = records.cycles[n, here].sum() / speed
        np.testing.assert_allclose(busy_s, work_s, rtol=1e-9, atol=1e-12 * finish_s.max())


@settings(max_examples=40)
@given(case=cases())
def test_backlogs_are_the_work_that_is_left(case: Case) -> None:
    scenario, tapes, spec = case.scenario, case.tapes, case.spec
    engine = ENGINES[case.engine](scenario)
    engine.begin(tapes)
    backlog_s: list[Array] = []
    for action in case.actions:
        backlog_s.append(engine.backlog_s())
        engine.step(action)
    records = engine.records()
    for step, shown in enumerate(backlog_s):
        assert shown.shape == (EPISODES, spec.max_options)
        for n in range(EPISODES):
            now_s = tapes.decision_s[n, step]
            options = int(num_options(tapes)[n])
            assert np.isposinf(shown[n, options:]).all()
            for option in range(options):
                server = option if option < tapes.num_servers[n] else scenario.max_servers + records.user[n, step]
                if server >= scenario.max_servers and not records.dispatched[n, step]:
                    assert shown[n, option] == 0.0  # nobody's device
                    continue
                speed = cpu_hz(scenario, tapes, n, server)
                left_s = work_left_s(records, n, server, step, now_s, speed)
                sent_s = records.cycles[n].sum() / speed
                assert shown[n, option] == pytest.approx(left_s, rel=1e-9, abs=1e-9 * (sent_s + now_s))


def task_of(tapes: OffloadTapes, n: int, task: int) -> tuple[float, float]:
    """Cycles of a task, and bits of its result."""
    return float(tapes.size_bit[n, task] * tapes.cycles_per_bit[n, task]), float(tapes.output_bit[n, task])


@settings(max_examples=60)
@given(case=cases())
def test_observations_say_what_is_there(case: Case) -> None:
    scenario, tapes, played, spec = case.scenario, case.tapes, case.play(), case.spec
    records = played.records
    absent = np.arange(spec.max_options) >= num_options(tapes)[:, None]
    heads = [
        [waiting[0] if waiting else None for waiting in waiting_tasks(scenario, tapes, n)] for n in range(EPISODES)
    ]
    for step in range(spec.steps + 1):
        options, now_s = played.options[step], tapes.decision_s[:, step, None]
        np.testing.assert_array_equal(options[absent], -1.0)
        np.testing.assert_array_equal(played.mask[step], ~absent)
        sent = records.dispatched & (np.arange(spec.steps) < step)
        executing = sent & (records.upload_end_s <= now_s) & (now_s < records.finish_s)
        uploading = sent & (records.upload_end_s > now_s)
        for n, option in zip(*np.nonzero(~absent), strict=True):
            row, head = options[n, option], heads[n][step] if step < spec.steps else None
            on_radio = option < tapes.num_servers[n]
            assert row[EDGES] == tapes.num_servers[n] - scenario.servers.cloud.count
            if head is None and not on_radio:  # nobody's device
                assert not row[[SIZE_MBIT, RATE_MBIT_PER_S, CPU_GHZ, EXECUTING, UPLOADING]].any()
                assert not row[HISTOGRAM : HISTOGRAM + spec.bins].any()
            else:
                server = option if on_radio or head is None else scenario.max_servers + tapes.user[n, head.index]
                here = records.server[n] == server
                assert row[CPU_GHZ] == pytest.approx(cpu_hz(scenario, tapes, n, server) * 1e-9)
                assert row[EXECUTING] == (executing[n] & here).sum()
                assert row[UPLOADING] == (uploading[n] & here).sum()
                assert row[HISTOGRAM : HISTOGRAM + spec.bins].sum() == row[EXECUTING]
            size_bit = rate = deadline_s = level = 0.0
            if head is not None:
                size_bit, level = tapes.size_bit[n, head.index], tapes.priority[n, head.index]
                rate = tapes.rate_bit_per_s[n, tapes.link[n, head.index], option] if on_radio else 0.0
                if scenario.has_deadlines:
                    deadline_s = head.arrival_s + tapes.deadline_s[n, head.index] - now_s[n, 0]
            assert row[SIZE_MBIT] == pytest.approx(size_bit * 1e-6)
            assert row[RATE_MBIT_PER_S] == pytest.approx(rate * 1e-6)
            extras = [float(not on_radio)] if scenario.servers.device else []
            extras += [deadline_s] if scenario.has_deadlines else []
            extras += [level] if scenario.has_classes else []
            work, output = (0.0, 0.0) if head is None else task_of(tapes, n, head.index)
            extras += [work * 1e-9] if scenario.has_work else []
            extras += [output * 1e-6] if scenario.has_output else []
            costs = len(spec.told)
            if scenario.satisfaction is not None:
                nobody = np.zeros(2)
                extras += (nobody if head is None else tapes.patience[n, tapes.user[n, head.index]]).tolist()
            shown = row[HISTOGRAM + spec.bins + (costs if scenario.observation.cost_features else 0) :]
            np.testing.assert_allclose(shown, extras, rtol=1e-9, atol=1e-9 * (now_s[n, 0] + gap_s(scenario)))


@settings(max_examples=60)
@given(case=cases())
def test_without_interference_no_task_makes_others_faster(case: Case) -> None:
    """Costs are never negative, but for the rounding of differences."""
    played = case.play()
    if case.scenario.channel.interference:
        return
    existing = np.isfinite(played.option_costs)
    slack = 1e-9 * (1.0 + played.cost.sum(axis=0)[None, :, None, :])
    assert (np.where(existing, played.option_costs, 0.0) >= -slack).all()


@pytest.mark.parametrize("name", ENGINES)
def test_with_interference_a_task_may_spare_another_its_wait(name: str) -> None:
    """So costs can be negative. The first task, less urgent, would have to wait 4 s for the second, whose upload ends
    at 3 s, 4 ms before it is done. The third disturbs that upload just long enough.
    """
    users, snr = np.arange(3), np.array([1e90, 3.0, 0.1])
    scenario = make_scenario(
        episode=Episode(steps=3),
        users=Users(count=3),
        tasks=Tasks(priorities=(0.5, 0.5)),
        servers=Servers(cloud=Cloud(count=0), edge=Edge(count=CountRange(1, 1)), scheduling="priority"),
        channel=Channel(bandwidth_hz=1e6, interference=True),
    )
    rate = 1e6 * np.log2(1.0 + snr)
    size_bit = np.array([3.004e6 / (1.0 + 1e6 / rate[0]), 4e6, 0.0178e6])
    tapes = OffloadTapes(
        num_servers=np.array([1]),
        cpu_hz=np.array([[1e9]]),
        decision_s=np.arange(4.0)[None],
        arrivals=np.array([[1, 1, 1]]),
        user=users[None],
        size_bit=size_bit[None],
        deadline_s=np.full((1, 3), np.inf),
        priority=np.array([[1, 0, 0]]),
        cycles_per_bit=np.full((1, 3), 1000.0),
        output_bit=np.zeros((1, 3)),
        link=users[None],
        distance_m=np.ones((1, 3, 1)),
        snr=snr[None, :, None],
        rate_bit_per_s=rate[None, :, None],
        device_hz=np.zeros((1, 0)),
        patience=np.zeros((1, 0, 2)),
    )
    played = play(name, scenario, tapes, np.zeros((3, 1), np.int64))
    waits = play(name, scenario, replace(tapes, arrivals=np.array([[1, 1, 0]])), np.zeros((3, 1), np.int64))
    np.testing.assert_allclose(waits.records.finish_s[0, :2], [7.004, 7.0], rtol=1e-9)
    upload_s = size_bit[2] / (1e6 * np.log2(1.0 + 0.1 / 4.0))
    late_s = upload_s * (1.0 - np.log2(1.0 + 3.0 / 1.1) / 2.0)
    expected_s = [3.004 + 0.0178, 7.0 + late_s, 2.0 + upload_s + 0.0178]
    np.testing.assert_allclose(played.records.finish_s[0], expected_s, rtol=1e-9)
    assert played.cost[2, 0, DELAY] == pytest.approx(sum(expected_s) - 2.0 - 14.004, rel=1e-9)
    assert played.cost[2, 0, DELAY] < -3.0
