"""What must hold in every episode, whatever the scenario and the actions: each law recomputed from the records."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.scenario import with_context
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import (
    DELAY,
    EDGES,
    ENERGY,
    EXECUTING,
    HISTOGRAM,
    QUEUED_MBIT,
    QUEUED_TASKS,
    RATE_MBIT_PER_S,
    REMAINING,
    SIZE_MBIT,
    UPLOADING,
    layout_of,
    offload_spec,
)
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import offload_scenario
from tests.systems.offload.offloading import (
    ENGINES,
    Played,
    bunched,
    make_scenario,
    play,
    processor_sharing_finish_s,
    random_actions,
    scenarios,
)


@dataclass(frozen=True, repr=False)
class Case:
    """Two episodes of a random scenario, played with random actions on either engine."""

    scenario: OffloadScenario
    tapes: OffloadTapes
    actions: NDArray[np.int64]  # (T, N)
    played: Played
    label: str

    def __repr__(self) -> str:
        return f"Case({self.label}, {self.scenario!r})"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scenario = draw(scenarios(max_edges=8))
    seed = draw(st.integers(0, 2**32))
    engine = draw(st.sampled_from(sorted(ENGINES)))
    tapes = draw_tapes(scenario, seed, 0, 2)
    if scenario.per_task and draw(st.booleans()):
        tapes = bunched(scenario, tapes)
    actions = random_actions(tapes, seed, draw(st.sampled_from([0.6, 0.0, 1.0])))
    return Case(scenario, tapes, actions, play(engine, scenario, tapes, actions), f"{engine}, seed {seed}")


@settings(max_examples=100)
@given(case=cases())
def test_delay_costs_add_up_to_the_realised_delay(case: Case) -> None:
    """The delay reward is the difference of a potential, so an episode's sum is Σ (finish − dispatch)."""
    played = case.played
    realised_s = np.where(played.records.dispatched, played.records.finish_s - played.records.dispatch_s, 0.0).sum(
        axis=1
    )
    np.testing.assert_allclose(played.cost[:, :, DELAY].sum(axis=0), realised_s, rtol=1e-9, atol=0.0)
    np.testing.assert_allclose(-played.records.reward_delay_s.sum(axis=1), realised_s, rtol=1e-9, atol=0.0)


@settings(max_examples=60)
@given(case=cases())
def test_energy_is_radio_plus_processor(case: Case) -> None:
    """Σ p·T_off + κ·η·f²·L, from the records' sizes and times and the tape's frequencies."""
    scenario, tapes, played = case.scenario, case.tapes, case.played
    records = played.records
    cpu_hz = np.take_along_axis(tapes.cpu_hz, records.server, axis=1)
    upload_s = np.divide(records.size_bit, records.rate_bit_per_s, out=np.zeros_like(cpu_hz), where=records.dispatched)
    execution_j = scenario.energy.capacitance * scenario.tasks.cycles_per_bit * cpu_hz**2 * records.size_bit
    expected_j = scenario.channel.tx_power_w * upload_s + execution_j
    np.testing.assert_allclose(records.energy_j, expected_j, rtol=1e-12)
    np.testing.assert_allclose(played.cost[:, :, ENERGY].sum(axis=0), expected_j.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(records.upload_end_s, records.dispatch_s + upload_s, rtol=1e-12)


@settings(max_examples=60)
@given(case=cases())
def test_the_queue_is_first_come_first_served(case: Case) -> None:
    """A non-empty step dispatches exactly one task, the oldest; the queue holds what has arrived but not left."""
    scenario, tapes, actions, played = case.scenario, case.tapes, case.actions, case.played
    spec, records = offload_spec(scenario), played.records
    for n in range(len(tapes)):
        arrived = dispatched = 0
        for step in range(spec.steps):
            arrived += tapes.arrivals[n, step]
            queue = slice(dispatched, arrived)
            context = played.context[step, n]
            assert context[QUEUED_TASKS] == arrived - dispatched
            np.testing.assert_allclose(context[QUEUED_MBIT], tapes.size_bit[n, queue].sum() * 1e-6, rtol=1e-9)
            left = 1.0 - step / spec.steps
            if scenario.episode.span_s is not None:
                left = 1.0 - tapes.decision_s[n, step] / scenario.episode.span_s
            assert context[REMAINING] == pytest.approx(left)
            if scenario.per_task:
                since_s = tapes.decision_s[n, step] - (tapes.decision_s[n, step - 1] if step else 0.0)
                assert context[spec.elapsed_entry] == pytest.approx(since_s)
            assert records.dispatched[n, step] == (arrived > dispatched)
            if arrived == dispatched:
                assert records.task[n, step] == -1
                assert not played.cost[step, n].any()
                continue
            user, size_bit = tapes.user[n, dispatched], tapes.size_bit[n, dispatched]
            server = actions[step, n]
            assert records.task[n, step] == dispatched
            assert (records.user[n, step], records.server[n, step]) == (user, server)
            assert records.size_bit[n, step] == size_bit
            assert records.rate_bit_per_s[n, step] == tapes.rate_bit_per_s[n, user, server]
            assert records.dispatch_s[n, step] == pytest.approx(tapes.decision_s[n, step], rel=1e-12)
            arrival_step = int(np.searchsorted(np.cumsum(tapes.arrivals[n]), dispatched, side="right"))
            assert records.arrival_s[n, step] == pytest.approx(tapes.decision_s[n, arrival_step])
            assert records.finish_s[n, step] > records.upload_end_s[n, step] >= records.dispatch_s[n, step]
            dispatched += 1


@settings(max_examples=60)
@given(case=cases())
def test_servers_share_their_processor_equally(case: Case) -> None:
    """Finish times against a plain event-by-event oracle that knows only upload ends, sizes and speed."""
    scenario, tapes, played = case.scenario, case.tapes, case.played
    records = played.records
    for n in range(len(tapes)):
        for e in range(tapes.num_servers[n]):
            here = records.dispatched[n] & (records.server[n] == e)
            speed = tapes.cpu_hz[n, e] / scenario.tasks.cycles_per_bit
            expected_s = processor_sharing_finish_s(records.upload_end_s[n, here], records.size_bit[n, here], speed)
            np.testing.assert_allclose(records.finish_s[n, here], expected_s, rtol=1e-9)


@settings(max_examples=60)
@given(case=cases())
def test_no_server_idles_or_invents_work(case: Case) -> None:
    """Work conservation: the time during which a server has a task, times its speed, is what it served."""
    scenario, tapes, played = case.scenario, case.tapes, case.played
    records = played.records
    for n in range(len(tapes)):
        for e in range(tapes.num_servers[n]):
            here = records.dispatched[n] & (records.server[n] == e)
            if not here.any():
                continue
            start_s, finish_s = records.upload_end_s[n, here], records.finish_s[n, here]
            order = np.argsort(start_s)
            start_s, finish_s = start_s[order], finish_s[order]
            before_s = np.concatenate([[0.0], np.maximum.accumulate(finish_s)[:-1]])
            busy_s = np.maximum(0.0, finish_s - np.maximum(start_s, before_s)).sum()
            work_s = records.size_bit[n, here].sum() * scenario.tasks.cycles_per_bit / tapes.cpu_hz[n, e]
            np.testing.assert_allclose(busy_s, work_s, rtol=1e-9, atol=1e-12 * finish_s.max())


@settings(max_examples=60)
@given(case=cases())
def test_observations_count_what_the_records_say(case: Case) -> None:
    scenario, tapes, played = case.scenario, case.tapes, case.played
    spec, records = offload_spec(scenario), played.records
    absent = np.arange(scenario.max_servers) >= tapes.num_servers[:, None]
    for step in range(spec.steps + 1):
        options, now_s = played.options[step], tapes.decision_s[:, step, None]
        np.testing.assert_array_equal(options[absent], -1.0)
        np.testing.assert_array_equal(played.mask[step], ~absent)
        sent = records.dispatched & (np.arange(spec.steps) < step)
        executing = sent & (records.upload_end_s <= now_s) & (now_s < records.finish_s)
        uploading = sent & (records.upload_end_s > now_s)
        for n, e in zip(*np.nonzero(~absent), strict=True):
            row, here = options[n, e], records.server[n] == e
            assert row[EXECUTING] == (executing[n] & here).sum()
            assert row[UPLOADING] == (uploading[n] & here).sum()
            assert row[EDGES] == tapes.num_servers[n] - scenario.servers.cloud.count
            assert row[HISTOGRAM : HISTOGRAM + spec.bins].sum() == row[EXECUTING]
            assert (row[HISTOGRAM : HISTOGRAM + spec.bins] >= 0.0).all()


@settings(max_examples=60)
@given(case=cases())
def test_a_step_costs_what_the_option_promised(case: Case) -> None:
    scenario, tapes, actions, played = case.scenario, case.tapes, case.actions, case.played
    chosen = np.take_along_axis(played.option_costs, actions[:, :, None, None], axis=2)[:, :, 0]
    np.testing.assert_array_equal(chosen, played.cost)
    absent = np.arange(scenario.max_servers) >= tapes.num_servers[:, None]
    assert np.isposinf(played.option_costs[:, absent]).all()
    assert (played.option_costs >= 0.0).all()
    columns = layout_of(scenario).cost_columns
    if columns is not None:
        shown, promised = played.options[:-1][..., list(columns)], played.option_costs
        np.testing.assert_array_equal(shown[:, ~absent], promised[:, ~absent])
    head = played.context[:-1, :, QUEUED_TASKS] > 0
    for n in range(len(tapes)):
        shown = played.options[:-1, n, : tapes.num_servers[n]]
        assert (shown[..., [SIZE_MBIT, RATE_MBIT_PER_S]] > 0.0).all(axis=(1, 2)).tolist() == head[:, n].tolist()
        assert not shown[~head[:, n]][..., [SIZE_MBIT, RATE_MBIT_PER_S]].any()


@pytest.mark.parametrize("name", ENGINES)
def test_every_option_keeps_the_identity(name: str) -> None:
    """Not only the chosen option: replay the episode with each alternative at a step, then the same actions again.

    The delay that an option promises is the realised total of the episode that ends with it, minus the total of the
    episode that ends before it.
    """
    scenario = with_context(
        offload_scenario("quickstart"),
        {
            "episode.steps": "30",
            "channel.model": "rayleigh",
            "channel.tx_power": "20 W",
            "users.arrival_rate": "0.3 /s",
        },
    )
    tapes = draw_tapes(scenario, 21, 0, 1)
    actions = random_actions(tapes, 2)

    def total_delay_s(actions: np.ndarray) -> float:
        """Of the tasks dispatched by these actions alone; the engine is drained after them."""
        engine = ENGINES[name](scenario)
        engine.begin(tapes)
        for action in actions:
            engine.step(action)
        records = engine.records()
        return float(np.where(records.dispatched, records.delay_s, 0.0).sum())

    promised = play(name, scenario, tapes, actions).option_costs[..., DELAY]
    before_s = total_delay_s(actions[:20])
    for option in range(tapes.num_servers[0]):
        after_s = total_delay_s(np.concatenate([actions[:20], [[option]]]))
        assert after_s - before_s == pytest.approx(promised[20, 0, option], rel=1e-9)
    assert np.ptp(promised[20, 0]) > 0.1  # the options do differ


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("step_s", [1.0, 0.1, 0.7, 1.0 / 3.0])
def test_residuals_fall_into_the_right_bins(name: str, step_s: float) -> None:
    """One task of 10 widths, one of which is served per step: after k steps 10 − k are left, in bin 10 − k.

    Most steps are no binary fractions, so that residuals miss a multiple of the width by a rounding error either way.
    """
    width_bit = 1e6 * step_s
    scenario = make_scenario(
        episode={"steps": 12, "step_s": step_s},
        servers={"edge": {"count": 1}},
        observation={"histogram": {"bins": 8, "width_bit": width_bit}},
    )
    tapes = OffloadTapes(
        num_servers=np.array([2]),
        cpu_hz=np.array([[1e9, 1e9]]),
        decision_s=step_s * np.arange(13.0)[None],
        arrivals=np.array([[1] + [0] * 11]),
        user=np.zeros((1, 1), np.int64),
        size_bit=np.array([[10 * width_bit]]),
        deadline_s=np.full((1, 1), np.inf),
        priority=np.zeros((1, 1), np.int64),
        cycles_per_bit=np.full((1, 1), 1000.0),
        output_bit=np.zeros((1, 1)),
        link=np.zeros((1, 1), np.int64),
        snr=np.zeros((1, 0, 0)),
        device_hz=np.zeros((1, 0)),
        patience=np.zeros((1, 0, 2)),
        distance_m=np.ones((1, 10, 2)),
        rate_bit_per_s=np.full((1, 10, 2), 1e30),
    )
    played = play(name, scenario, tapes, np.zeros((12, 1), np.int64))
    for step in range(1, 10):
        bins = played.options[step, 0, 0, HISTOGRAM : HISTOGRAM + 8]
        assert np.flatnonzero(bins).tolist() == [min(10 - step, 7)]  # the last bin is open
    assert not played.options[11:, 0, 0, HISTOGRAM : HISTOGRAM + 8].any()
