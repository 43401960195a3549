"""tasks.csv, servers.csv and the quantities of episodes, checked from what was written."""

import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.record_tables import RecordFiles, record_texts
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.policies import named_policy
from mecsim.report.tables import episode_table
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload import SYSTEM
from mecsim.systems.offload.demand import Dispatch, Tasks
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Cloud, Device, Edge, Price, Servers
from mecsim.systems.offload.quantities import episode_quantities
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import OffloadPlay
from tests.one_system import play_offload as play
from tests.systems.offload.offloading import hand_made
from tests.training.small import small_scenario

Rows = list[dict[str, str]]
Played = tuple[OffloadPlay, OffloadTapes]
ByHand = tuple[OffloadPlay, OffloadTapes, OffloadScenario]


def read(path: Path) -> Rows:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def text_of(table: Table) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


@pytest.fixture(scope="module")
def scenario() -> OffloadScenario:
    return small_scenario()


@pytest.fixture(scope="module")
def played(scenario: OffloadScenario) -> Played:
    """A play and its tapes; the numbers of tasks differ, and some episode leaves tasks in the queue."""
    tapes = draw_tapes(scenario, 0, 0, 6)
    return play(named_policy("random", scenario)(0), scenario, tapes, np.array([0.4, 0.6])), tapes


@pytest.fixture
def files(played: Played, scenario: OffloadScenario, tmp_path: Path) -> Path:
    with RecordFiles(tmp_path, SYSTEM.tables) as writer:
        writer.append(record_texts(SYSTEM.tables, played[0].records, played[1], scenario))
    return tmp_path


@pytest.fixture
def tasks(files: Path) -> Rows:
    return read(files / "tasks.csv")


def test_tasks_csv_has_the_documented_columns(tasks: Rows) -> None:
    assert ",".join(tasks[0]) == (
        "episode,step,task,user,size_bit,server,distance_m,rate_bit_per_s,queued_s,dispatch_s,upload_end_s,finish_s,"
        "delay_s,energy_j,reward_delay"
    )


def test_rewards_of_an_episode_sum_to_minus_its_delay(tasks: Rows, played: Played) -> None:
    delay, reward, energy = (defaultdict[Any, float](float) for _ in range(3))
    for row in tasks:
        delay[int(row["episode"])] += float(row["delay_s"])
        reward[int(row["episode"])] += float(row["reward_delay"])
        energy[int(row["episode"])] += float(row["energy_j"])
    assert len(delay) == len(played[1])
    for episode in delay:
        assert reward[episode] == pytest.approx(-delay[episode], rel=1e-9)
        assert delay[episode] == pytest.approx(played[0].shown("delay")[episode], rel=1e-9)
        assert energy[episode] == pytest.approx(played[0].shown("energy")[episode], rel=1e-9)


def test_every_task_is_consistent(tasks: Rows, played: Played, scenario: OffloadScenario) -> None:
    tapes = played[1]
    for row in tasks:
        number = {key: float(value) for key, value in row.items()}
        episode, task, server = (int(row[key]) for key in ("episode", "task", "server"))
        assert number["dispatch_s"] == pytest.approx(number["step"] * scenario.episode.step_s)
        assert number["queued_s"] >= 0.0
        upload_s = number["size_bit"] / number["rate_bit_per_s"]
        assert number["upload_end_s"] == pytest.approx(number["dispatch_s"] + upload_s)
        assert number["delay_s"] == pytest.approx(number["finish_s"] - number["dispatch_s"])
        alone_s = number["size_bit"] * scenario.tasks.cycles_per_bit / tapes.cpu_hz[episode, server]
        assert number["finish_s"] >= number["upload_end_s"] + alone_s * (1.0 - 1e-9)
        assert number["size_bit"] == tapes.size_bit[episode, task]  # all digits
        assert int(row["user"]) == tapes.user[episode, task]
        assert number["reward_delay"] < 0.0
    order = [(int(row["episode"]), int(row["step"])) for row in tasks]
    assert order == sorted(set(order))


def test_tasks_are_dispatched_first_come_first_served_and_once(tasks: Rows) -> None:
    for episode in {row["episode"] for row in tasks}:
        numbers = [int(row["task"]) for row in tasks if row["episode"] == episode]
        assert numbers == list(range(len(numbers)))


def written(tmp_path: Path, scenario: OffloadScenario, *batches: Any) -> tuple[Rows, Rows]:
    first = 0
    with RecordFiles(tmp_path, SYSTEM.tables) as writer:
        for tapes in batches:
            played = play(named_policy("edge", scenario)(0), scenario, tapes, np.array([0.5, 0.5]))
            writer.append(record_texts(SYSTEM.tables, played.records, tapes, scenario, first))
            first += len(tapes)
    return read(tmp_path / "tasks.csv"), read(tmp_path / "servers.csv")


def test_servers_csv_lists_the_servers_that_exist(tmp_path: Path) -> None:
    mixed = small_scenario(servers=Servers(edge=Edge(count=CountRange(1, 4))))
    tapes = draw_tapes(mixed, 0, 0, 12)
    _, rows = written(tmp_path, mixed, tapes)
    assert list(rows[0]) == ["episode", "server", "kind", "cpu_hz", "name"]
    assert len(rows) == tapes.num_servers.sum()
    for row in rows:
        episode, server = int(row["episode"]), int(row["server"])
        assert row["kind"] == ("cloud" if server == 0 else "edge")
        assert row["name"] == ("cloud" if server == 0 else f"edge_{server:02d}")
        assert float(row["cpu_hz"]) == tapes.cpu_hz[episode, server]


def test_without_a_cloud_all_servers_are_edges(tmp_path: Path) -> None:
    edges = small_scenario(servers=Servers(cloud=Cloud(count=0), edge=Edge(count=CountRange(2, 2))))
    _, rows = written(tmp_path, edges, draw_tapes(edges, 0, 0, 3))
    assert {row["kind"] for row in rows} == {"edge"}


def test_batches_continue_the_count_of_episodes(tmp_path: Path, scenario: OffloadScenario) -> None:
    tapes = draw_tapes(scenario, 0, 0, 5)
    tasks, servers = written(tmp_path, scenario, tapes.select(slice(0, 3)), tapes.select(slice(3, 5)))
    dispatching = {str(n) for n in range(5) if tapes.arrivals[n].any()}
    assert {row["episode"] for row in servers} == set("01234")
    assert {row["episode"] for row in tasks} == dispatching
    first = [row for row in tasks if row["episode"] == "3"]
    assert [float(row["size_bit"]) for row in first] == tapes.size_bit[3][: len(first)].tolist()


def test_episode_columns_agree_with_the_tasks(played: Played, tasks: Rows, scenario: OffloadScenario) -> None:
    result, tapes = played
    columns = episode_quantities(result, tapes, scenario)
    for episode in range(len(tapes)):
        own = [row for row in tasks if int(row["episode"]) == episode]

        def mean(key: str, own: Rows = own) -> float:
            return float(np.mean([float(row[key]) for row in own]))

        assert columns["tasks"][episode] == len(own)
        assert columns["delay_s"][episode] == pytest.approx(mean("delay_s") * len(own))
        assert columns["delay_per_task_s"][episode] == pytest.approx(mean("delay_s"))
        assert columns["energy_per_task_j"][episode] == pytest.approx(mean("energy_j"))
        assert columns["queued_per_task_s"][episode] == pytest.approx(mean("queued_s"))
        upload = mean("upload_end_s") - mean("dispatch_s")
        assert columns["upload_per_task_s"][episode] == pytest.approx(upload)
        share = np.mean([row["server"] == "0" for row in own])
        assert columns["cloud_share"][episode] == pytest.approx(share)
    arrived = columns["tasks"] + columns["tasks_left_in_queue"]
    assert_allclose(arrived, tapes.arrivals.sum(axis=1))
    assert columns["tasks_left_in_queue"].any()
    parts = columns["upload_per_task_s"] + columns["execution_alone_per_task_s"]
    assert (parts <= columns["delay_per_task_s"] * (1.0 + 1e-9)).all()


class Scripted:
    """Takes the same options in each episode, one after the other."""

    def __init__(self, *options: Any) -> None:
        self._options = iter(options)

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.full(len(preference), next(self._options))


MBIT, GHZ = 1e6, 1e9  # 1 GHz serves 1 Mbit per second


@pytest.fixture(params=["batched", "simpy"])
def by_hand(request: pytest.FixtureRequest) -> ByHand:
    """Four steps of 1 s: tasks 0 and 1 arrive at 0 s, the others at 3 s; 3 and 4 are never dispatched.

    A delay of 2 s is rated 2, and each doubling takes a point.

    Task 0 runs on the device from 0 to 2 s, task 1 goes to the cloud: uploaded from 1 to 2 s, executed to 3 s. Task 2
    runs on the device from 3 to 5 s.
    """
    scenario, tapes = hand_made([2, 0, 0, 3], [MBIT] * 5, [MBIT, MBIT], [GHZ, GHZ])
    tapes = replace(
        tapes,
        device_hz=np.array([[GHZ / 2]]),
        deadline_s=np.array([[2.5, 2.9, 3.0, 0.5, 5.0]]),
        patience=np.array([[[2.0, 0.5]]]),
    )
    scenario = scenario.model_copy(
        update={
            "servers": scenario.servers.model_copy(
                update={
                    "cloud": scenario.servers.cloud.model_copy(update={"price": Price(per_gigabit=3.0)}),
                    "device": Device(cpu_hz=Uniform(GHZ / 2, GHZ / 2), price=Price(per_gigacycle=2.0)),
                }
            ),
            "tasks": Tasks(deadline_s=Uniform(0.1, 9.0)),
            "satisfaction": DelaySatisfaction(adequate_s=2.0, desired_s=0.5),
            "dispatch": Dispatch(waiting_in_delay=True),
        }
    )
    return play(Scripted(2, 0, 0, 2), scenario, tapes, np.array([0.5, 0.5]), request.param), tapes, scenario


def test_shares_of_devices_and_missed_deadlines_by_hand(by_hand: ByHand) -> None:
    """Task 1 is late by 0.1 s. Task 3 is late as well: its time was up in the queue; that of task 4 was not yet.

    Task 1 waited 1 s before its 2 s, which the user rates by 3 s.
    """
    columns = episode_quantities(*by_hand)
    some = ("idle_energy_j",)  # with power curves alone
    assert list(columns) == [name for name in SYSTEM.quantities if name not in some]
    assert columns["device_share"] == pytest.approx(2.0 / 3.0)
    assert columns["cloud_share"] == pytest.approx(1.0 / 3.0)
    assert columns["deadline_miss_ratio"] == pytest.approx(2.0 / 4.0)
    assert columns["execution_alone_per_task_s"] == pytest.approx((2.0 + 1.0 + 2.0) / 3.0)
    assert columns["delay_per_task_s"] == pytest.approx((2.0 + 2.0 + 2.0) / 3.0)
    assert columns["satisfaction"] == pytest.approx((2.0 + (2.0 - np.log2(1.5)) + 2.0) / 3.0)
    assert by_hand[0].totals.shape == (1, 2)  # not an objective here
    assert columns["adequate_share"] == pytest.approx(2.0 / 3.0)
    assert columns["queued_share"] == pytest.approx(1.0 / 3.0)
    assert columns["price"] == pytest.approx(2.0 + 0.003 + 2.0)  # a gigacycle and a Mbit each
    shown = text_of(episode_table("by hand", columns, SYSTEM.quantities))
    assert all(SYSTEM.quantities[name] in shown for name in columns)


@pytest.mark.parametrize(("late", "ratio"), [([2.0, 3.0, 2.0, 1.0, 1.0], 0.0), ([1.9, 2.9, 1.9, 0.9, 0.9], 1.0)])
def test_who_finishes_at_the_deadline_is_in_time(by_hand: ByHand, late: list[float], ratio: float) -> None:
    """So is who waits at the end of an episode that is as long as the deadline: what comes of it is not known."""
    _, tapes, scenario = by_hand
    tapes = replace(tapes, deadline_s=np.array([late]))
    again = play(Scripted(2, 0, 0, 2), scenario, tapes, np.array([0.5, 0.5]))
    assert episode_quantities(again, tapes, scenario)["deadline_miss_ratio"] == pytest.approx(ratio)


def test_an_episode_without_tasks_misses_no_deadline(by_hand: ByHand) -> None:
    _, tapes, scenario = by_hand
    idle = replace(tapes, arrivals=np.zeros_like(tapes.arrivals))
    columns = episode_quantities(play(Scripted(0, 0, 0, 0), scenario, idle, np.array([0.5, 0.5])), idle, scenario)
    assert np.isnan(columns["deadline_miss_ratio"]).all()
    assert np.isnan(columns["device_share"]).all()
    assert np.isnan(columns["satisfaction"]).all()


def test_files_of_devices_and_deadlines(by_hand: ByHand, tmp_path: Path) -> None:
    played, tapes, scenario = by_hand
    with RecordFiles(tmp_path, SYSTEM.tables) as writer:
        for first in range(2):
            writer.append(record_texts(SYSTEM.tables, played.records, tapes, scenario, first))
    rows = [tuple(row.values()) for row in read(tmp_path / "servers.csv")]
    assert rows == [
        (episode, server, kind, str(cpu_hz), name)
        for episode in "01"
        for server, kind, cpu_hz, name in (
            ("0", "cloud", GHZ, "cloud"),
            ("1", "edge", GHZ, "edge_01"),
            ("2", "device", GHZ / 2, "device_0"),
        )
    ]
    tasks = read(tmp_path / "tasks.csv")
    last = ["price", "reward_delay", "deadline_s", "satisfaction", "adequate_s", "desired_s"]
    assert list(tasks[0])[-6:] == last
    keys = ("server", "rate_bit_per_s", "upload_end_s", "deadline_s", "satisfaction")
    told = [[float(row[key]) for key in keys] for row in tasks]
    rated = 2.0 - np.log2(1.5)
    assert_allclose(told, [[2.0, 0.0, 0.0, 2.5, 2.0], [0.0, MBIT, 2.0, 2.9, rated], [2.0, 0.0, 3.0, 6.0, 2.0]] * 2)
