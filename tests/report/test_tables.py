"""The tables of simulations and sweeps in the terminal, and where numbers come from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from mecsim.policies import calibrate, named_policy
from mecsim.report.provenance import provenance
from mecsim.report.simulation import episode_summary
from mecsim.report.tables import difference_table, episode_table, in_width, quality_table, with_interval
from mecsim.sweep import Front, preference_grid, summary, sweep
from mecsim.systems.offload import SYSTEM
from mecsim.systems.offload.demand import Tasks, TaskSize, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.quantities import episode_quantities
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import OffloadPlay
from tests.one_system import play_offload as play
from tests.training.small import small_scenario


def text_of(table: Table) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_episode_summary_has_means_and_intervals() -> None:
    found = episode_summary({"a (s)": np.array([1.0, np.nan, 3.0]), "b": np.array([np.nan]), "c": np.array([2.0])})
    half = pytest.approx(12.7062, rel=1e-5)  # Student, one degree of freedom
    assert found == {
        "a (s)": {"mean": 2.0, "ci95": half},
        "b": {"mean": None, "ci95": None},
        "c": {"mean": 2.0, "ci95": None},
    }


def test_the_quality_table_compares_with_greedy(fronts: list[Front], scenario: OffloadScenario) -> None:
    told = summary(fronts, fronts[0], scenario, calibrate(scenario), {})["targets"]
    shown = text_of(quality_table(told, fronts))
    assert "+0.00 ± 0.00" in shown
    random, greedy = told["random"], told["greedy"]
    ratio = 100.0 * (random["mean_cost"] / greedy["mean_cost"] - 1.0)
    half = 100.0 * random["mean_cost_ratio_to_greedy_ci95"]
    assert with_interval(ratio, half, "+") in shown
    assert with_interval(random["hypervolume"], random["hypervolume_ci95"]) in shown
    assert f"{random['cardinality']} of 4" in shown


def test_differences_are_paired_with_greedy_and_lookahead(fronts: list[Front], scenario: OffloadScenario) -> None:
    greedy, random = fronts
    planned = Front("lookahead", greedy.preferences, 0.9 * greedy.totals)
    told = summary([greedy, random, planned], greedy, scenario, calibrate(scenario), {})["targets"]
    assert [list(one["differences"]) for one in told.values()] == [["lookahead"], ["greedy", "lookahead"], ["greedy"]]
    apart = told["lookahead"]["differences"]["greedy"]["mean_cost"]
    assert apart["difference"] == pytest.approx(-0.1 * told["greedy"]["mean_cost"])
    assert apart["ci95"] == pytest.approx(0.1 * told["greedy"]["mean_cost_ci95"])  # but a tenth of the noise is shared
    table = difference_table(told, [greedy, random, planned])
    assert table is not None
    shown = text_of(table)
    assert "lookahead - greedy" in shown
    assert "greedy - lookahead" not in shown  # which would say the same
    assert with_interval(apart["difference"], apart["ci95"], "+") in shown
    alone = summary([greedy], greedy, scenario, calibrate(scenario), {})["targets"]
    assert difference_table(alone, [greedy]) is None


def test_few_episodes_are_told(fronts: list[Front], scenario: OffloadScenario) -> None:
    told = summary(fronts, fronts[0], scenario, calibrate(scenario), {})["targets"]
    shown = " ".join(text_of(quality_table(told, fronts)).split())
    assert f"{fronts[0].totals.shape[1]} episodes: intervals were shown to hold from 40 on" in shown


def test_the_quality_table_shows_no_interval_of_a_single_episode(scenario: OffloadScenario) -> None:
    fronts = sweep(["greedy"], scenario, preference_grid(2, 2), 1, 0)
    shown = text_of(quality_table(summary(fronts, fronts[0], scenario, calibrate(scenario), {})["targets"], fronts))
    assert "nan" not in shown
    assert " +0 " in shown
    assert "±" not in shown.replace("± half of", "")


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (7513.84, 932.7, "7514 ± 933"),
        (0.58224, 0.0423, "0.582 ± 0.042"),
        (4.00012, 0.00031, "4.00012 ± 0.00031"),
        (123.456789, None, "123.46"),
        (0.0, 0.0, "0.00 ± 0.00"),
    ],
)
def test_the_interval_decides_the_digits(value: float, half: float | None, shown: str) -> None:
    assert with_interval(value, half) == shown


@given(st.lists(st.integers(1, 30), min_size=2, max_size=9), st.integers(1, 4), st.integers(70, 130))
def test_a_table_in_parts_has_all_cells_and_fits(widths: list[int], rows: int, width: int) -> None:
    table = Table(title="all")
    for index, wide in enumerate(widths):
        table.add_column(f"{index}" * wide, no_wrap=True)
    for row in range(rows):
        table.add_row(*(f"{index}r{row}"[: max(wide, 3)] for index, wide in enumerate(widths)))
    parts = in_width(table, width)
    console = Console(width=width)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    assert all(len(line) <= width and "…" not in line for line in captured.get().splitlines())
    assert [column.header for part in parts for column in part.columns[1:]] == [
        column.header for column in table.columns[1:]
    ]
    assert all([*part.columns[0].cells] == [*table.columns[0].cells] for part in parts)


def test_provenance_says_where_numbers_come_from() -> None:
    told = provenance()
    assert {"python", "mecsim", "numpy", "torch", "simpy", "gymnasium", "numba", "pymoo"} == set(told["versions"])
    assert all(told["versions"].values())
    assert set(told["hardware"]) == {"processor", "cores", "gpus", "system"}
    revision = told["git_revision"]
    assert revision is None or len(revision.rstrip("+")) == 40


def test_the_episode_table_names_every_quantity(
    played: tuple[OffloadPlay, OffloadTapes], scenario: OffloadScenario
) -> None:
    columns = episode_quantities(*played, scenario)
    shown = text_of(episode_table("small", columns, SYSTEM.quantities))
    some = ("idle_energy_j", "device_share", "deadline_miss_ratio", "price", "satisfaction", "adequate_share")
    assert list(columns) == [name for name in SYSTEM.quantities if name not in some]
    assert all((label in shown) == (name in columns) for name, label in SYSTEM.quantities.items())
    assert f"{played[0].shown('delay').mean():.6g}" in shown
    assert shown.count("±") == len(columns)


def test_tables_of_idle_episodes_say_none() -> None:
    idle = small_scenario(users=Users(count=3, arrival_rate_per_s=0.0), tasks=Tasks(size=TaskSize(mean_bit=5e6)))
    tapes = draw_tapes(idle, 0, 0, 2)
    columns = episode_quantities(play(named_policy("cloud", idle)(0), idle, tapes, np.array([0.5, 0.5])), tapes, idle)
    shown = text_of(episode_table("idle", columns, SYSTEM.quantities))
    assert "nan" not in shown
    assert "none" in shown
    fronts = sweep(["greedy"], idle, preference_grid(2, 2), 2, 0)
    told = summary(fronts, fronts[0], idle, calibrate(idle), {})
    shown = text_of(quality_table(told["targets"], fronts))
    assert "nan" not in shown
    assert "none" in shown


def test_a_single_episode_has_no_interval(scenario: OffloadScenario) -> None:
    tapes = draw_tapes(scenario, 0, 0, 1)
    played = play(named_policy("cloud", scenario)(0), scenario, tapes, np.array([0.5, 0.5]))
    shown = text_of(episode_table("one", episode_quantities(played, tapes, scenario), SYSTEM.quantities))
    assert "one episode" in shown
    assert "±" not in shown


def test_the_quality_table_has_a_row_for_how_much_trainings_differ(
    fronts: list[Front], scenario: OffloadScenario
) -> None:
    greedy, random = fronts
    job = Front.over("runs/job", [greedy, random])
    told = summary([job, random], greedy, scenario, calibrate(scenario), {})["targets"]
    shown = text_of(quality_table(told, [job, random]))
    assert "job (2 trainings)" in shown
    assert shown.count("over trainings") == 1
    row = next(line for line in shown.splitlines() if "over trainings" in line)
    found = told["runs/job"]
    assert with_interval(0.0, found["hypervolume_trainings_ci95"]).partition(" ")[2] in row
    assert with_interval(0.0, 100.0 * found["mean_cost_ratio_to_greedy_trainings_ci95"]).partition(" ")[2] in row
