"""The tape: the same for all who ask, disjoint where it must be, and stored without loss."""

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from mecsim.core import seeds
from mecsim.core.seeds import Stream, reel_size
from mecsim.errors import InputError
from mecsim.scenario import with_context
from mecsim.systems.offload.draw import tapes as draws
from mecsim.systems.offload.draw.reel import Phenomenon
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import FORMAT, OffloadTapes
from tests.one_system import offload_scenario
from tests.systems.offload.offloading import ENGINES, play

NAMES = [field.name for field in fields(OffloadTapes)]


@pytest.fixture
def scenario() -> OffloadScenario:
    return offload_scenario("gmorl")


def assert_same(one: OffloadTapes, other: OffloadTapes, except_for: tuple[str, ...] = ()) -> None:
    for name in set(NAMES) - set(except_for):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


TASK_COLUMNS = ("user", "size_bit", "deadline_s", "priority", "cycles_per_bit", "output_bit", "link")


def tasks_of(tapes: OffloadTapes) -> list[list[list[float]]]:
    """Users, sizes, work and results of each episode, without padding: its width depends on what is drawn together."""
    columns = tapes.user, tapes.size_bit, tapes.cycles_per_bit, tapes.output_bit
    totals = tapes.arrivals.sum(axis=1).tolist()
    return [[column[n, :total].tolist() for column in columns] for n, total in enumerate(totals)]


def test_shapes_and_padding(scenario: OffloadScenario) -> None:
    tapes = draw_tapes(scenario, 1, 0, 100)
    servers, tasks = scenario.max_servers, tapes.size_bit.shape[1]
    assert len(tapes) == 100
    assert tapes.arrivals.shape == (100, 100)
    assert tapes.user.shape == (100, tasks)
    assert tapes.distance_m.shape == tapes.rate_bit_per_s.shape == (100, 10, servers)
    assert tapes.arrivals.sum(axis=1).max() <= tasks
    exists = np.arange(servers) < tapes.num_servers[:, None]
    assert set(tapes.num_servers.tolist()) == set(range(2, 10))  # a cloud and 1 to 8 edges
    np.testing.assert_array_equal(tapes.cpu_hz > 0.0, exists)
    np.testing.assert_array_equal((tapes.rate_bit_per_s > 0.0).all(axis=1), exists)
    np.testing.assert_array_equal((tapes.rate_bit_per_s > 0.0).any(axis=1), exists)
    assert ((tapes.cpu_hz[:, 0] >= 3.5e9) & (tapes.cpu_hz[:, 0] <= 4.5e9)).all()
    edges_hz = tapes.cpu_hz[:, 1:][exists[:, 1:]]
    assert ((edges_hz >= 1.75e9) & (edges_hz <= 2.25e9)).all()


def test_the_same_seed_gives_the_same_tape(scenario: OffloadScenario) -> None:
    one = draw_tapes(scenario, 5, 0, 10)
    draws._draw_reel.cache_clear()
    other = draw_tapes(offload_scenario("gmorl"), 5, 0, 10)
    assert one.size_bit is not other.size_bit
    assert_same(one, other)


@pytest.fixture(params=["usual", "small"])
def reel(request: pytest.FixtureRequest, scenario: OffloadScenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The number of episodes drawn together; large scenarios have small reels."""
    draws._draw_reel.cache_clear()
    if request.param == "small":
        monkeypatch.setattr(seeds, "REEL_BYTE", int(5.5 * scenario.tape_byte))
    yield reel_size(scenario.tape_byte)
    draws._draw_reel.cache_clear()


def test_episodes_do_not_depend_on_how_many_are_asked_for(scenario: OffloadScenario, reel: int) -> None:
    many = draw_tapes(scenario, 5, 0, 3 * reel)
    for first, count in ((0, 1), (reel - 1, 2), (reel, reel), (reel + 3, reel), (3 * reel - 1, 1)):
        some, expected = draw_tapes(scenario, 5, first, count), many.select(slice(first, first + count))
        assert_same(some, expected, except_for=TASK_COLUMNS)
        assert tasks_of(some) == tasks_of(expected)


def test_large_scenarios_have_small_reels(scenario: OffloadScenario) -> None:
    assert reel_size(scenario.tape_byte) == 64
    large = with_context(scenario, {"users.count": "20000", "users.arrival_rate": "0.0001 /s"})
    assert 1 <= reel_size(large.tape_byte) < 64
    assert reel_size(large.tape_byte) * large.tape_byte <= seeds.REEL_BYTE


def test_episodes_seeds_and_streams_differ(scenario: OffloadScenario) -> None:
    """No episode turns up twice, be it in another reel, seed or stream."""
    drawn = [draw_tapes(scenario, seed, 0, 128, stream) for seed in (0, 1) for stream in Stream]
    firsts = np.concatenate([tapes.size_bit[:, 0] for tapes in drawn])
    exist = np.concatenate([tapes.arrivals.sum(axis=1) for tapes in drawn]) > 0
    unclipped = exist & (firsts > 0.1e6) & (firsts < 100e6)
    assert unclipped.sum() > 600
    assert len(np.unique(firsts[unclipped])) == unclipped.sum()
    rates = np.concatenate([tapes.rate_bit_per_s[:, 0, 0] for tapes in drawn])
    assert len(np.unique(rates)) == len(rates)


EVERYTHING = {  # every phenomenon there is
    "tasks.cycles_distribution": "uniform", "tasks.output": "[1, 2] Mbit",
    "users.mobility.model": "waypoint", "tasks.deadline": "[1, 5] s", "tasks.priorities": "[0.3, 0.7]",
    "servers.device.cpu": "[1, 2] GHz", "channel.model": "umi", "channel.interference": "true", "satisfaction": "{}",
}  # fmt: skip


def test_no_two_draws_share_a_generator(scenario: OffloadScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every seed, stream, reel and phenomenon has a generator of its own: nothing is correlated by accident."""
    scenario = with_context(scenario, EVERYTHING)
    sources = []
    make = np.random.default_rng

    def noted(sequence: np.random.SeedSequence) -> np.random.Generator:
        sources.append((sequence.entropy, sequence.spawn_key))
        return make(sequence)

    draws._draw_reel.cache_clear()
    monkeypatch.setattr(np.random, "default_rng", noted)
    for seed in (0, 1):
        for stream in Stream:
            draw_tapes(scenario, seed, 0, 128, stream)
    assert len(set(sources)) == len(sources) == 2 * len(Stream) * 2 * len(Phenomenon)


@pytest.mark.parametrize(
    ("change", "may_differ"),
    [
        ({"servers.cloud.cpu": "[3, 5] GHz"}, ("cpu_hz",)),
        ({"servers.edge.cpu": "[1, 3] GHz"}, ("cpu_hz",)),
        ({"servers.edge.distance": "[5, 50] m"}, ("distance_m", "rate_bit_per_s")),
        ({"channel.bandwidth": "1 MHz"}, ("rate_bit_per_s",)),
        ({"channel.model": "rayleigh"}, ("rate_bit_per_s",)),
        ({"tasks.size.mean": "20 Mbit"}, ("size_bit",)),
        ({"energy.capacitance": "1e-30"}, ()),
        ({"observation.histogram.bins": "3"}, ()),
        ({"objectives": "[delay]"}, ()),
        ({"channel.adaptation": "cqi"}, ("rate_bit_per_s",)),
        ({"channel.multipath": "rician"}, ("rate_bit_per_s",)),
        ({"tasks.deadline": "[1, 5] s"}, ("deadline_s",)),
        ({"tasks.priorities": "[0.5, 0.5]"}, ("priority",)),
        ({"servers.device.cpu": "[1, 2] GHz"}, ("device_hz",)),
        ({"channel.interference": "true"}, ("snr",)),
        ({"satisfaction": "{}"}, ("patience",)),
        ({"channel.fading": "step"}, ("link", "distance_m", "rate_bit_per_s")),
        ({"users.mobility.model": "fixed"}, ("distance_m", "rate_bit_per_s")),
    ],
)
def test_changing_one_thing_leaves_the_other_draws_alone(change: dict[str, str], may_differ: tuple[str, ...]) -> None:
    scenario = with_context(offload_scenario("gmorl"), {"tasks.size.mean": "10 Mbit"})
    one, other = (draw_tapes(version, 5, 0, 20) for version in (scenario, with_context(scenario, change)))
    assert_same(one, other, except_for=may_differ)
    for name in may_differ:
        assert not np.array_equal(getattr(one, name), getattr(other, name))


def test_balanced_sizes_scale_with_the_servers() -> None:
    """A faster system gets larger tasks: the same draws, times the same factor per episode."""
    scenario = with_context(offload_scenario("gmorl-e6"), {"tasks.size.clip": "null"})
    doubled = with_context(scenario, {"servers.edge.cpu": "4 GHz", "servers.cloud.cpu": "8 GHz"})
    one, other = (draw_tapes(version, 5, 0, 20) for version in (scenario, doubled))
    np.testing.assert_allclose(other.size_bit, 2.0 * one.size_bit, rtol=1e-12)


def test_shared_arrays_cannot_be_written(scenario: OffloadScenario) -> None:
    tapes = draw_tapes(scenario, 5, 0, 4)
    for name in NAMES:
        with pytest.raises(ValueError, match="read-only"):
            getattr(tapes, name)[0] = 0


def test_select_takes_slices_and_indices(scenario: OffloadScenario) -> None:
    tapes = draw_tapes(scenario, 5, 0, 6)
    assert_same(tapes.select(slice(2, 4)), tapes.select(np.array([2, 3])))
    assert len(tapes.select(slice(0, 1))) == 1


@pytest.mark.parametrize("count", [0, -3])
def test_at_least_one_episode(scenario: OffloadScenario, count: int) -> None:
    with pytest.raises(InputError, match="at least one episode"):
        draw_tapes(scenario, 5, 0, count)


@pytest.mark.parametrize("change", [{}, EVERYTHING])
def test_saved_tapes_come_back(scenario: OffloadScenario, change: dict[str, str], tmp_path: Path) -> None:
    tapes = draw_tapes(with_context(scenario, change), 5, 0, 70)
    path = tmp_path / "common random numbers.tape"
    tapes.save(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]  # no suffix is added
    loaded = OffloadTapes.load(path)
    assert_same(tapes, loaded)
    assert all(getattr(tapes, name).dtype == getattr(loaded, name).dtype for name in NAMES)


def test_files_that_are_no_tapes(scenario: OffloadScenario, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(InputError, match=r"x\.npz"):  # missing
        OffloadTapes.load(path)
    for junk in (b"", b"not an archive", b"PK\x03\x04 cut off", b"\x93NUMPY"):
        path.write_bytes(junk)
        with pytest.raises(InputError, match=r"x\.npz: not a tape"):
            OffloadTapes.load(path)
    with pytest.raises(InputError, match="not a tape"):  # a folder
        OffloadTapes.load(tmp_path)

    draw_tapes(scenario, 5, 0, 2).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a tape"):
        OffloadTapes.load(path)
    middle = whole.index(b"size_bit.npy") + 200
    path.write_bytes(whole[:middle] + bytes(50) + whole[middle + 50 :])
    with pytest.raises(InputError, match="not a tape"):
        OffloadTapes.load(path)


def test_archives_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, format=np.int64(FORMAT), arrivals=np.zeros(3))
    with pytest.raises(InputError, match=r"it lacks cpu_hz, cycles_per_bit, deadline_s, decision_s"):
        OffloadTapes.load(path)
    np.savez(path, allow_pickle=True, format=np.int64(FORMAT), **{name: np.array([None]) for name in NAMES})
    with pytest.raises(InputError, match="not a tape"):  # nothing is unpickled
        OffloadTapes.load(path)
    np.save(tmp_path / "y.npy", np.zeros(3))
    with pytest.raises(InputError, match="not a tape"):
        OffloadTapes.load(tmp_path / "y.npy")


def test_another_format_is_named(scenario: OffloadScenario, tmp_path: Path) -> None:
    tapes = draw_tapes(scenario, 5, 0, 2)
    path = tmp_path / "x.npz"
    np.savez(path, format=np.int64(FORMAT + 1), **{name: getattr(tapes, name) for name in NAMES})
    with pytest.raises(InputError, match=rf"tape format {FORMAT + 1}, this version reads {FORMAT}"):
        OffloadTapes.load(path)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("num_servers", np.array([3, 10]), "num_servers lies outside 1 to 9"),
        ("num_servers", np.array([0, 3]), "num_servers lies outside 1 to 9"),
        ("num_servers", np.array([3.0, 3.0]), "num_servers is float64"),
        ("cpu_hz", np.ones((2, 8)), "cpu_hz is float64"),
        ("distance_m", np.ones((2, 1, 9)), "distance_m is float64"),
        ("arrivals", np.full((2, 100), 9), "arrivals do not add up"),
        ("arrivals", np.full((2, 100), -1), "arrivals do not add up"),
        ("arrivals", np.zeros(2, np.int64), "not a tape"),
        ("user", -1, "user is negative"),
        ("link", 10, "link lies outside 0 to 9"),
        ("link", -1, "link lies outside 0 to 9"),
        ("priority", 8, "priority lies outside 0 to 7"),
        ("priority", -1, "priority lies outside 0 to 7"),
        ("deadline_s", 0.0, "deadlines have to be above 0"),
        ("deadline_s", np.nan, "deadlines have to be above 0"),
        ("size_bit", -1.0, "sizes have to be finite"),
        ("distance_m", np.inf, "distances have to be finite"),
        ("distance_m", -1.0, "distances have to be finite"),
        ("rate_bit_per_s", 0.0, "rates, SNRs and CPU frequencies"),
        ("rate_bit_per_s", np.nan, "rates, SNRs and CPU frequencies"),
        ("cpu_hz", np.inf, "rates, SNRs and CPU frequencies"),
        ("snr", np.zeros((2, 10, 9)), "rates, SNRs and CPU frequencies"),
        ("snr", np.ones((2, 9, 9)), "snr is float64"),
        ("device_hz", np.zeros((2, 10)), "rates, SNRs and CPU frequencies"),
        ("device_hz", np.ones((2, 3)), "user lies outside 0 to 2"),
        ("patience", np.ones((2, 3, 2)), "user lies outside 0 to 2"),
        ("patience", np.ones((2, 10, 3)), "patience is float64"),
        ("patience", np.zeros((2, 10, 2)), "what rates delays"),
        ("patience", np.full((2, 10, 2), np.nan), "what rates delays"),
    ],
)
def test_arrays_that_do_not_belong_together(
    scenario: OffloadScenario, tmp_path: Path, name: str, value: np.ndarray | float, complaint: str
) -> None:
    """Compiled code would read beyond their ends."""
    tapes = draw_tapes(scenario, 5, 0, 2)
    value = value if isinstance(value, np.ndarray) else np.full_like(getattr(tapes, name), value)
    replace(tapes, **{name: value}).save(tmp_path / "x.npz")
    with pytest.raises(InputError, match=complaint):
        OffloadTapes.load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"users.count": "11", "servers.device.cpu": "1 GHz"}, "devices: they have 0, expected 11"),
        ({"channel.interference": "true"}, "SNRs: they have 0, expected 1"),
        ({"users.count": "9"}, "more users than the expected 9"),
        ({"satisfaction": "{}"}, "users who rate delays: they have 0, expected 10"),
    ],
)
def test_tapes_that_do_not_fit(scenario: OffloadScenario, change: dict[str, str], complaint: str) -> None:
    with pytest.raises(InputError, match=f"tapes of another scenario: .*{complaint}"):
        draw_tapes(scenario, 5, 0, 2).check_fits(with_context(scenario, change))


def test_tapes_of_more_classes_do_not_fit(scenario: OffloadScenario) -> None:
    tapes = draw_tapes(with_context(scenario, {"tasks.priorities": "[0.5, 0.5]"}), 5, 0, 2)
    with pytest.raises(InputError, match="more priority classes than the expected 1"):
        tapes.check_fits(scenario)


def test_tapes_of_another_form_of_rating_do_not_fit(scenario: OffloadScenario) -> None:
    """A centre that is less than the steepness is no adequate delay, which exceeds the desired one."""
    logistic = {"satisfaction": "{form: logistic, centre: 0.01 s, steepness: 1 /s, delay_spread: log-normal}"}
    tapes = draw_tapes(with_context(scenario, logistic), 5, 0, 2)
    tapes.check_fits(with_context(scenario, logistic))
    with pytest.raises(InputError, match="no adequate and desired delays"):
        tapes.check_fits(with_context(scenario, {"satisfaction": "{}"}))


@pytest.mark.parametrize("name", ["gmorl", "gmorl-test", "quickstart"])
def test_whatever_is_drawn_is_a_valid_tape(name: str) -> None:
    for change in ({}, EVERYTHING, {"channel.fading": "ar1"}, {"dispatch.queue": "edf", "tasks.deadline": "2 s"}):
        scenario = with_context(offload_scenario(name), change)
        tapes = draw_tapes(scenario, 5, 60, 10)  # from two reels
        tapes._check()
        tapes.check_fits(scenario)


STORED_SERVERS = [2, 3, 8, 8]
STORED_ARRIVALS = [[0, 0, 1, 1, 2, 4, 0, 0, 1, 1, 0, 0], [0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 2]]
STORED_USERS = [[5, 1, 4, 0, 7, 6, 6, 2], [3, 9, 4, 2, 9, 5, 6, 3]]
STORED_SIZES = [
    [3265021.3969622063, 11122979.820309686, 274629.6247581936],
    [26859765.592166275, 39636640.14259923, 8838589.300263353],
]
STORED_DISTANCES = [494.3386011998461, 110.50208651872262]
STORED_RATES = [613927546.0350654, 858557483.2507275]
STORED_RAYLEIGH_RATES = [630816.7541937075, 12456328.433515545]


def test_default_episodes_stay_what_they_were() -> None:
    """Values of the first release: trainings and results of different versions can be compared."""
    tapes = draw_tapes(offload_scenario("gmorl"), 7, 50, 20)
    assert tapes.num_servers[[0, 13, 14, 19]].tolist() == STORED_SERVERS
    assert tapes.arrivals[[0, 14], :12].tolist() == STORED_ARRIVALS
    assert tapes.user[[0, 14], :8].tolist() == STORED_USERS
    np.testing.assert_allclose(tapes.size_bit[[0, 14], :3], STORED_SIZES, rtol=1e-12)
    np.testing.assert_allclose(tapes.distance_m[[0, 14], 3, 1], STORED_DISTANCES, rtol=1e-12)
    np.testing.assert_allclose(tapes.rate_bit_per_s[[0, 14], 3, 1], STORED_RATES, rtol=1e-12)
    rayleigh = draw_tapes(with_context(offload_scenario("gmorl"), {"channel.model": "rayleigh"}), 7, 50, 20)
    np.testing.assert_allclose(rayleigh.rate_bit_per_s[[0, 14], 3, 1], STORED_RAYLEIGH_RATES, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("change", [{"episode.steps": "101"}, {"edges": "9"}, {"servers.cloud.count": "0"}])
def test_engines_refuse_tapes_of_another_scenario(
    engine: str, change: dict[str, str], scenario: OffloadScenario
) -> None:
    tapes = draw_tapes(with_context(scenario, change), 5, 0, 2)
    with pytest.raises(InputError, match="tapes of another scenario"):
        ENGINES[engine](scenario).begin(tapes)


@pytest.mark.parametrize("slope", ["100000", "1000000"])
@pytest.mark.parametrize("distance", ["10 m", "1000000 m"])
def test_links_without_a_rate_are_an_error(slope: str, distance: str) -> None:
    """An upload that never ends has no delay."""
    changes = {"channel.model": "rayleigh", "channel.path_loss_slope": slope, "servers.cloud.distance": distance}
    with pytest.raises(InputError, match="links without a finite rate above 0"):
        draw_tapes(with_context(offload_scenario("quickstart"), changes), 0, 0, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_very_slow_links_are_none(engine: str) -> None:
    """Uploads of 10³⁰ s and more are absurd, but finite."""
    changes = {"channel.model": "rayleigh", "channel.path_loss_slope": "500", "servers.cloud.distance": "100000 m"}
    scenario = with_context(offload_scenario("quickstart"), changes)
    tapes = draw_tapes(scenario, 0, 0, 1)
    assert tapes.rate_bit_per_s[0, :, 0].max() < 1e-30
    cost = play(engine, scenario, tapes, np.zeros((100, 1), np.int64)).cost
    assert np.isfinite(cost).all()
    assert cost[..., 0].sum() > 1e30
