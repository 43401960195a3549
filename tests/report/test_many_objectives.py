"""Pictures of fronts with three and four objectives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from mecsim.core.system import objectives_of, values_shown
from mecsim.report.figures import front_figures, save_front
from mecsim.report.front_axes import objective_axes, shown_front, spread_out
from mecsim.report.front_parallel import MAX_LINES
from mecsim.report.style import figure_title, plain_number
from mecsim.sweep import Front, on_front

from .many_objectives import curved_front, many_objectives

COUNTS = [3, 4]


def fronts_of(objectives: int, preferences: int = 10) -> list[Front]:
    return [curved_front("runs/agent", objectives, preferences), curved_front("greedy", objectives, preferences, 0.1)]


def lines_of(axes: Axes) -> dict[object, NDArray[np.float64]]:
    return {line.get_label(): np.array(line.get_xydata()) for line in axes.get_lines()}


@pytest.mark.parametrize("objectives", COUNTS)
def test_there_are_two_pictures_as_png_and_svg_and_the_same_bytes_again(tmp_path: Path, objectives: int) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        found = save_front(fronts_of(objectives), many_objectives(objectives), tmp_path / name)
        assert [path.name for path in found] == ["front.png", "parallel.png"]
    names = ["front.png", "front.svg", "parallel.png", "parallel.svg"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "front.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("objectives", COUNTS)
def test_every_pair_has_a_panel_whose_axes_run_towards_the_better(objectives: int) -> None:
    scenario = many_objectives(objectives)
    figure = front_figures(fronts_of(objectives), scenario)["front"]
    flat = [axes for axes in figure.axes if axes.name == "rectilinear"]
    pairs = [(column, row) for row in range(1, objectives) for column in range(row)]
    assert len(flat) == len(pairs) == objectives * (objectives - 1) // 2
    shown = objectives_of(scenario)
    for axes, pair in zip(flat, pairs, strict=True):
        for one, (first, last) in zip(pair, (axes.get_xlim(), axes.get_ylim()), strict=True):
            assert (first < last) == shown[one].higher_is_better
    assert flat[-1].get_xlabel() == shown[-2].label
    assert flat[-1].get_ylabel() == ("" if objectives > 2 and len(flat) > 1 else shown[-1].label)
    assert flat[len(flat) - objectives + 1].get_ylabel() == shown[-1].label
    assert "right and up are better" in figure.get_suptitle()
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["agent", "greedy"]


@pytest.mark.parametrize("objectives", COUNTS)
def test_a_line_joins_what_is_best_in_the_two_objectives_of_a_panel(objectives: int) -> None:
    scenario, fronts = many_objectives(objectives), fronts_of(objectives)
    axes = front_figures(fronts, scenario)["front"].axes[0]  # delay and energy
    assert axes.get_xscale() == "log"
    assert axes.get_yscale() == "linear"
    for front in fronts:
        best = front.mean[on_front(front.mean[:, :2]), :2]
        assert_allclose(lines_of(axes)[front.label], best[np.argsort(best[:, 0], kind="stable")])


def test_three_objectives_are_shown_in_space_as_well() -> None:
    scenario, fronts = many_objectives(3), fronts_of(3)
    space: Any  # axes in space and their lines have no types
    [space] = [axes for axes in front_figures(fronts, scenario)["front"].axes if axes.name == "3d"]
    points = [line.get_data_3d() for line in space.get_lines() if line.get_marker() == "o"]
    expected = shown_front(fronts[0], scenario)
    expected[:, 0] = np.log10(expected[:, 0])  # as in the panels
    assert_allclose(np.transpose(points[0]), expected)
    limits = np.array([space.get_xlim(), space.get_ylim(), space.get_zlim()])
    assert ((limits[:, 1] - limits[:, 0]) * [-1, -1, 1] > 0.0).all()  # the better end is the last one


@pytest.mark.parametrize("objectives", COUNTS)
def test_parallel_coordinates_have_the_best_above_and_few_strong_lines(objectives: int) -> None:
    scenario, fronts = many_objectives(objectives), fronts_of(objectives, {3: 45, 4: 35}[objectives])
    figure = front_figures(fronts, scenario)["parallel"]
    assert "above is better" in figure.get_suptitle()
    assert [axes.get_title().partition(":")[0] for axes in figure.axes] == ["agent", "greedy"]
    for axes, front in zip(figure.axes, fronts, strict=True):
        labels = [text.get_text().replace("\n", " ") for text in axes.get_xticklabels()]
        assert labels == [one.label for one in objectives_of(scenario)]
        strong = [np.asarray(line.get_ydata()) for line in axes.get_lines() if line.get_marker() not in ("None", "")]
        assert len(strong) == MAX_LINES
        best = np.max(strong, axis=0)
        own = values_shown(front.mean[on_front(front.mean)], scenario)
        for place, one in enumerate(objective_axes(fronts, scenario)):
            reached = own[:, place].max() if one.shown.higher_is_better else own[:, place].min()
            assert best[place] == pytest.approx(one.position(np.array([reached]))[0])


def test_positions_and_values_of_an_axis_belong_together() -> None:
    for one in objective_axes(fronts_of(4), many_objectives(4)):
        for share in (0.0, 0.3, 1.0):
            assert one.position(np.array([one.between(share)]))[0] == pytest.approx(share)
        assert one.between(1.0) == pytest.approx(one.high if one.shown.higher_is_better else one.low)


def test_lines_are_chosen_that_differ() -> None:
    points = np.concatenate([np.full((50, 3), 0.5) + 1e-3 * np.arange(50)[:, None], np.eye(3), [[0.1, 0.1, 0.1]]])
    chosen = spread_out(points, 5)
    assert {50, 51, 52, 53} <= set(chosen.tolist())
    assert len(set(chosen.tolist())) == 5
    assert spread_out(points[:4], 5).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("objectives", COUNTS)
def test_fronts_without_a_range_without_intervals_and_with_many_targets(tmp_path: Path, objectives: int) -> None:
    scenario = many_objectives(objectives)
    grid = curved_front("x", objectives, 10).preferences
    same = Front("same", grid, np.ones((len(grid), 1, objectives)))
    nothing = Front("nothing", grid, np.zeros((len(grid), 2, objectives)))
    for fronts in ([same], [nothing], [same, nothing]):
        assert len(save_front(fronts, scenario, tmp_path)) == 2
    many = [curved_front(f"target {i}", objectives, 10, 0.01 * i) for i in range(10)]
    assert len(front_figures(many, scenario)["parallel"].axes) == 10


def test_numbers_are_short_and_plain() -> None:
    assert [plain_number(v) for v in (3957.2, 0.12345, 2.0, 999999.0)] == ["3960", "0.123", "2", "1e+06"]


def test_a_long_title_takes_several_lines() -> None:
    title = figure_title("many words " * 12, 5.0, "a note")
    assert title.endswith("\na note")
    assert len(title.splitlines()) > 2
    assert max(map(len, title.splitlines())) <= 55
