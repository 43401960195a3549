"""Scenarios that are kept with all that they name."""

from pathlib import Path

import pytest

from mecsim.errors import ScenarioError
from mecsim.scenario import content_of, load_scenario, load_whole, save_whole
from mecsim.scenario.whole import data_entries
from mecsim.systems.offload.scenario import OffloadScenario

SITES = "name,x_m,y_m\nlibrary,0,0\ngate,100,50\n"
TEXT = (
    "mecsim: 1\nkind: offload\nusers: {count: 2, mobility: {model: trace, file: walks.csv}}\n"
    "servers: {edge: {sites: sites.csv}}\ntasks: {trace: {file: tasks.csv}}\n"
)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    folder = tmp_path / "original"
    folder.mkdir()
    (folder / "sites.csv").write_text(SITES)
    (folder / "walks.csv").write_text("user,time_s,x_m,y_m\n0,0,1,1\n1,0,5,5\n")
    (folder / "tasks.csv").write_text("time_s,user,size_bit\n1,0,1e6\n2,1,2e6\n")
    (folder / "mine.yaml").write_text(TEXT)
    return folder


def kept(original: Path) -> Path:
    folder = original.parent / "run"
    folder.mkdir()
    save_whole(load_scenario(original / "mine.yaml"), folder)
    return folder


def test_a_folder_that_is_moved_says_the_same_whatever_became_of_the_originals(original: Path) -> None:
    content = content_of(load_scenario(original / "mine.yaml"))
    moved = kept(original).rename(original.parent / "elsewhere")
    for file in original.iterdir():
        file.unlink()
    scenario = load_whole(moved)
    assert content_of(scenario) == content
    assert str(original) not in (moved / "scenario.yaml").read_text()
    assert [Path(entry).name.partition("-")[0] for entry in data_entries(moved)] == ["sites", "tasks", "walks"]


def test_how_a_file_is_read_is_kept_with_its_copy(original: Path) -> None:
    """Maps of columns and all else that is said of a file that others made."""
    (original / "tasks.csv").write_text("When;Who;Bytes\n2024-01-01 10:00;b;1,5\n")
    told = "{time_s: When, user: {column: Who, ids: true}, size_bit: {column: Bytes, unit: B}}"
    trace = f"file: tasks.csv, columns: {told}, separator: ;, decimal: ',', origin: 2024-01-01 09:59"
    (original / "mine.yaml").write_text(TEXT.replace("file: tasks.csv", trace))
    folder = kept(original)
    (original / "tasks.csv").unlink()
    whole = load_whole(folder)
    assert isinstance(whole, OffloadScenario)
    assert whole.task_trace is not None
    assert (whole.task_trace.time_s.tolist(), whole.task_trace.size_bit.tolist()) == ([60.0], [12.0])


def test_a_copy_of_a_copy_has_the_same_name(original: Path) -> None:
    first = kept(original)
    (second := original.parent / "second").mkdir()
    save_whole(load_whole(first), second)
    assert data_entries(second) == data_entries(first)
    assert (second / "scenario.yaml").read_bytes() == (first / "scenario.yaml").read_bytes()


def test_an_edited_copy_is_refused_in_one_line(original: Path) -> None:
    folder = kept(original)
    copy = folder / data_entries(folder)[0]
    copy.write_text(SITES.replace("50", "60"))
    with pytest.raises(ScenarioError) as caught:
        load_whole(folder)
    assert caught.value.problems == [
        f"{copy}: has been changed since it was copied here; "
        "put the file back, or begin anew with a scenario that names the changed one"
    ]


def test_content_follows_files_and_not_their_names(original: Path) -> None:
    before = content_of(load_scenario(original / "mine.yaml"))
    (original / "sites.csv").rename(original / "places.csv")
    (original / "mine.yaml").write_text(TEXT.replace("sites.csv", "places.csv"))
    assert content_of(load_scenario(original / "mine.yaml")) == before
    (original / "places.csv").write_text(SITES.replace("100", "101"))
    assert content_of(load_scenario(original / "mine.yaml")) != before


def test_a_scenario_without_files_has_no_data(tmp_path: Path) -> None:
    save_whole(load_scenario("quickstart"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["scenario.yaml"]
    assert load_whole(tmp_path) == load_scenario("quickstart")
