"""TensorBoard events of trainings, read back as TensorBoard reads them."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from mecsim_agents import METRICS
from numpy.testing import assert_allclose

from mecsim.core.system import values_shown
from mecsim.policies import named_policy
from mecsim.report.events import EventFile
from mecsim.report.learning import READING, about_curve, told_apart
from mecsim.report.tensorboard import TensorBoardMonitor
from mecsim.sweep import preference_grid, training_evaluation
from mecsim.training import EpochReport, Evaluation, Run, Watched
from tests.report.event_files import curve, events_of
from tests.training.small import new_run, trained

with warnings.catch_warnings():  # of its own dependencies
    warnings.simplefilter("ignore")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.custom_scalar import layout_pb2

Training = tuple[Run, Evaluation, list[EpochReport]]


def watched(run: Run, resumed_at: int | None = None) -> Watched:
    greedy = training_evaluation(run)(named_policy("greedy", run.scenario)(run.seed))
    return Watched(run, greedy, resumed_at)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """What four epochs, of which the third is not evaluated, come to, and greedy beside them."""
    run = new_run(tmp_path_factory.mktemp("training") / "run", epochs=4)
    with TensorBoardMonitor(seen := watched(run)) as monitor:
        return run, seen.greedy, trained(run, [monitor])


@pytest.fixture(scope="module")
def events(training: Training) -> EventAccumulator:
    return events_of(training[0].folder / "tensorboard")


@pytest.fixture(scope="module")
def greedy_events(training: Training) -> EventAccumulator:
    return events_of(training[0].folder / "tensorboard" / "greedy")


def test_every_curve_of_a_training_is_there(events: EventAccumulator) -> None:
    expected = {"return/delay", "return/energy", "learning/updates", "front/hypervolume", "front/mean_cost"}
    expected |= {"front/hypervolume_low", "front/hypervolume_high", "actions/largest_share", "actions/options_in_use"}
    expected |= {f"seconds/{name}" for name in ("acting", "environments", "storing", "sampling", "learning")}
    expected |= {f"learning/{name}" for name in METRICS}
    weights = ("0_1", "0.5_0.5", "1_0")
    expected |= {f"objectives/{name}_at_{at}" for name in ("delay", "energy") for at in weights}
    assert set(events.Tags()["scalars"]) == expected
    assert set(events.Tags()["images"]) == {"front", "objectives_over_weight", "options_over_weight"}


def test_curves_have_the_values_of_the_epochs_at_their_environment_steps(
    training: Training, events: EventAccumulator
) -> None:
    run, _, reports = training
    assert [step for step, _ in curve(events, "return/delay")] == [32, 64, 96, 128]
    assert_allclose([value for _, value in curve(events, "return/energy")], [r.returns[1] for r in reports], rtol=1e-6)
    assert [step for step, _ in curve(events, "learning/entropy")] == [64, 96, 128]
    evaluated = [(report, report.evaluation) for report in reports if report.evaluation is not None]
    assert [report.epoch for report, _ in evaluated] == [1, 2, 4]  # the first is the policy before its first update
    assert evaluated[0][0].updates == 0
    for tag, sign in (("", 0.0), ("_low", -1.0), ("_high", 1.0)):
        found = [(r.env_steps, pytest.approx(e.hypervolume + sign * e.hypervolume_ci95)) for r, e in evaluated]
        assert curve(events, f"front/hypervolume{tag}") == found
    for row, weights in ((0, "0_1"), (1, "0.5_0.5"), (2, "1_0")):
        expected = [values_shown(e.totals.mean(axis=1), run.scenario)[row] for _, e in evaluated]
        for column, name in enumerate(("delay", "energy")):
            values = [value for _, value in curve(events, f"objectives/{name}_at_{weights}")]
            assert_allclose(values, [one[column] for one in expected], rtol=1e-6)
    pictures = events.Images("front")
    assert [picture.step for picture in pictures] == [32, 64, 128]
    assert all(picture.encoded_image_string.startswith(b"\x89PNG") for picture in pictures)


def test_few_numbers_tell_how_options_are_used_however_many_there_are(
    training: Training, events: EventAccumulator
) -> None:
    for report, (_, largest), (_, used) in zip(
        training[2], curve(events, "actions/largest_share"), curve(events, "actions/options_in_use"), strict=True
    ):
        shares = report.action_shares
        assert largest == pytest.approx(shares.max(), rel=1e-6)
        assert used == pytest.approx(np.prod(shares[shares > 0] ** -shares[shares > 0]), rel=1e-6)


def test_greedy_is_a_level_line_in_every_chart_of_what_is_reached(
    training: Training, events: EventAccumulator, greedy_events: EventAccumulator
) -> None:
    _, greedy, _ = training
    reached = {tag for tag in events.Tags()["scalars"] if tag.startswith(("return/", "front/", "objectives/"))}
    assert set(greedy_events.Tags()["scalars"]) == reached
    for tag in reached:
        points = curve(greedy_events, tag)
        assert [step for step, _ in points] == [32, 64, 128]
        assert len({value for _, value in points}) == 1
    assert curve(greedy_events, "front/hypervolume")[0][1] == pytest.approx(greedy.hypervolume, rel=1e-6)
    assert curve(greedy_events, "return/delay")[0][1] == pytest.approx(greedy.totals[..., 0].mean(), rel=1e-6)


def test_texts_tell_the_scenario_the_command_and_how_to_read_each_curve(
    training: Training, events: EventAccumulator
) -> None:
    def text(tag: str) -> str:
        [event] = events.Tensors(tag)
        return str(event.tensor_proto.string_val[0].decode())

    assert "cpu: 4 GHz" in text("scenario") or "edge:" in text("scenario")
    assert text("command").strip() == "mecsim train"
    assert "evaluation_epochs: 2" in text("settings")
    for tag in events.Tags()["scalars"]:
        assert about_curve(tag), f"{tag}: nobody says how to read it"
    for name in READING:
        assert f"`{name}`" in text("how_to_read")


def test_the_dashboard_shows_curves_that_there_are(events: EventAccumulator) -> None:
    import re

    [event] = events.Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    assert [category.title for category in layout.category] == ["Front", "Objectives", "Training health"]
    tags = set(events.Tags()["scalars"])
    for chart in (chart for category in layout.category for chart in category.chart):
        for series in chart.margin.series:
            assert {series.value, series.lower, series.upper} <= tags
        for pattern in chart.multiline.tag:
            assert any(re.search(pattern, tag) for tag in tags), pattern
    assert [chart.title for category in layout.category for chart in category.chart if chart.margin.series]


def test_what_followed_the_checkpoint_of_a_resumed_run_is_dropped(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=3)
    folder = run.folder / "tensorboard"
    with TensorBoardMonitor(watched(run)) as monitor:
        reports = trained(run, [monitor])
    for resumed_at, steps in ((64, [32, 64, 96]), (0, [96])):
        with TensorBoardMonitor(watched(run, resumed_at)) as monitor:
            monitor.on_epoch(reports[-1])
        assert [step for step, _ in curve(events_of(folder), "return/delay")] == steps
        assert curve(events_of(folder / "greedy"), "return/delay")[-1][0] == 96


@pytest.mark.parametrize("lost_byte", [1, 4, 5, 20, 60])
def test_a_record_that_was_cut_off_hides_no_other(tmp_path: Path, lost_byte: int) -> None:
    """A process that is killed leaves its file in the middle of a record; the next one goes on in a file of its own."""
    with EventFile(tmp_path) as file:
        for step in (32, 64, 96):
            file.scalar("curve", step, step)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-lost_byte])
    whole = [32, 64] if lost_byte < 60 else [32]
    assert [step for step, _ in curve(events_of(tmp_path), "curve")] == whole
    with EventFile(tmp_path, purge_step=64) as file:
        for step in (64, 96):
            file.scalar("curve", step, step)
    assert [step for step, _ in curve(events_of(tmp_path), "curve")] == [32, 64, 96]


@pytest.mark.parametrize(
    ("objectives", "count", "told"),
    [
        (1, 1, [[1.0]]),
        (2, 21, [[0.0, 1.0], [0.25, 0.75], [0.5, 0.5], [0.75, 0.25], [1.0, 0.0]]),
        (3, 3, np.eye(3)[::-1].tolist()),
    ],
)
def test_curves_are_told_for_each_objective_alone_half_of_it_and_even_weights(
    objectives: int, count: int, told: list[list[float]]
) -> None:
    grid = preference_grid(objectives, count)
    found = grid[told_apart(grid)]
    assert_allclose(sorted(found.tolist()), sorted(told))
