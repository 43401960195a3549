"""Pictures of fronts: written, repeatable, and showing what was measured."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from numpy.testing import assert_allclose

from mecsim.report.figures import front_figure, save_front
from mecsim.report.front_axes import shown_ci95
from mecsim.sweep import Front, on_front, preference_grid, sweep
from mecsim.systems.offload.scenario import OffloadScenario
from tests.training.small import small_scenario


def test_a_front_is_saved_as_png_and_svg(fronts: list[Front], scenario: OffloadScenario, tmp_path: Path) -> None:
    [picture] = save_front(fronts, scenario, tmp_path)
    assert picture == tmp_path / "front.png"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    drawing = (tmp_path / "front.svg").read_text()
    assert "<svg" in drawing
    assert not [path for path in tmp_path.iterdir() if path.suffix not in (".png", ".svg")]


def test_the_same_front_gives_the_same_bytes(fronts: list[Front], scenario: OffloadScenario, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_front(fronts, scenario, tmp_path / name)
    for name in ("front.svg", "front.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    save_front(fronts[:1], scenario, tmp_path / "b")
    assert (tmp_path / "a" / "front.svg").read_bytes() != (tmp_path / "b" / "front.svg").read_bytes()


def test_the_picture_shows_targets_units_and_undominated_points(fronts: list[Front], scenario: OffloadScenario) -> None:
    [axes] = front_figure(fronts, scenario).axes
    legend = axes.get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["greedy", "random"]
    assert axes.get_title() == "small"
    assert "s)" in axes.get_xlabel()
    assert "J)" in axes.get_ylabel()
    lines = {line.get_label(): np.array(line.get_xydata()) for line in axes.get_lines()}
    for front in fronts:
        best = front.mean[on_front(front.mean)]
        assert_allclose(lines[front.target], best[np.argsort(best[:, 0])])


def test_bars_are_over_trainings_where_there_are_several(fronts: list[Front], scenario: OffloadScenario) -> None:
    job = Front.over("job", fronts)
    assert_allclose(shown_ci95(job), job.trainings_ci95)
    assert_allclose(shown_ci95(fronts[0]), fronts[0].ci95)
    [axes] = front_figure([job], scenario).axes
    bars = [np.array(lines.get_segments()) for lines in axes.collections if isinstance(lines, LineCollection)]
    lengths = [np.ptp(ends, axis=1) for ends in bars]  # of those along each axis, (K, 2)
    assert_allclose(sum(lengths), 2.0 * job.trainings_ci95)


@pytest.mark.parametrize("objective", ["delay", "energy"])
def test_a_single_objective_has_a_picture_too(tmp_path: Path, objective: str) -> None:
    alone = small_scenario(objectives=(objective,))
    fronts = sweep(["greedy", "cloud", "edge"], alone, preference_grid(1, 9), 3, 0)
    assert save_front(fronts, alone, tmp_path)[0].stat().st_size > 1000
    [axes] = front_figure(fronts, alone).axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["greedy", "cloud", "edge"]
    assert legend.get_title().get_text() == "lower is better"


def test_more_targets_than_colours_and_a_single_episode(scenario: OffloadScenario, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    many = [Front(f"target {i}", preference_grid(2, 3), rng.random((3, 1, 2)) + 0.1) for i in range(9)]
    save_front(many, scenario, tmp_path)


def test_points_that_differ_much_or_are_zero(scenario: OffloadScenario, tmp_path: Path) -> None:
    totals = np.array([[[0.0, 1.0]] * 2, [[1e-3, 0.5]] * 2, [[1e4, 0.0]] * 2])
    save_front([Front("far apart", preference_grid(2, 3), totals)], scenario, tmp_path)
    nothing = np.zeros((3, 2, 2))
    save_front([Front("nothing", preference_grid(2, 3), nothing)], scenario, tmp_path)
