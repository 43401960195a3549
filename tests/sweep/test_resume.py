"""Stored parts: found again by what they are of, and by nothing else."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.scenario import Scenario
from mecsim.sweep import (
    Front,
    Store,
    SweepSettings,
    Workers,
    preference_grid,
    resume_store,
    start_store,
    sweep,
    write_front_csv,
)
from mecsim.sweep.store import Part, target_identity
from mecsim.systems.offload.demand import Users
from tests.training.small import new_run, small_scenario, trained

SCENARIO = small_scenario()
GRID = preference_grid(2, 6)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The targets and numbers of preferences that were really played."""
    module = sys.modules["mecsim.sweep.evaluate"]  # the package has a function of the name
    original, calls = module.measure, []

    def counted(make: Any, scenario: Scenario, preferences: NDArray[np.float64], *arguments: Any) -> Part:
        calls.append(len(preferences))
        return original(make, scenario, preferences, *arguments)

    monkeypatch.setattr(module, "measure", counted)
    return calls


def sweep_into(
    folder: Path,
    targets: Sequence[str] = ("greedy", "random"),
    grid: NDArray[np.float64] = GRID,
    episodes: int = 3,
    seed: int = 0,
    **options: Any,
) -> list[Front]:
    return sweep(list(targets), options.pop("scenario", SCENARIO), grid, episodes, seed, store=Store(folder), **options)


def csv_of(fronts: list[Front], tmp_path: Path) -> bytes:
    write_front_csv(tmp_path / "x.csv", fronts, SCENARIO)
    return (tmp_path / "x.csv").read_bytes()


def test_finished_jobs_are_not_played_again(tmp_path: Path, played: list[int]) -> None:
    plain = sweep(["greedy", "random"], SCENARIO, GRID, 3, 0)
    played.clear()
    whole = sweep_into(tmp_path / "parts")
    assert played == [4, 2, 4, 2]
    assert csv_of(whole, tmp_path) == csv_of(plain, tmp_path)
    assert {path.suffix for path in (tmp_path / "parts").iterdir()} == {".npz"}
    again = sweep_into(tmp_path / "parts")
    assert len(played) == 4
    assert csv_of(again, tmp_path) == csv_of(whole, tmp_path)


@pytest.mark.parametrize("done", [1, 3, 5])
def test_an_interrupted_sweep_plays_only_what_is_missing(tmp_path: Path, played: list[int], done: int) -> None:
    whole = sweep(["greedy", "random", "edge"], SCENARIO, GRID, 3, 0)
    played.clear()

    def interrupt(target: str, count: int) -> None:
        if len(played) == done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep_into(tmp_path / "parts", ["greedy", "random", "edge"], on_progress=interrupt)
    assert len(played) == done
    told = []
    resumed = sweep_into(
        tmp_path / "parts", ["greedy", "random", "edge"], on_progress=lambda target, count: told.append(count)
    )
    assert len(played) == 6
    assert sum(told) == 18
    assert csv_of(resumed, tmp_path) == csv_of(whole, tmp_path)


def test_what_was_played_on_other_settings_is_not_taken(tmp_path: Path, played: list[int]) -> None:
    sweep_into(tmp_path / "parts", ["greedy"])
    busier = small_scenario(users=Users(count=4, arrival_rate_per_s=0.4))
    for others in ({"seed": 1}, {"episodes": 4}, {"grid": preference_grid(2, 5)}, {"scenario": busier}):
        before = len(played)
        sweep_into(tmp_path / "parts", ["greedy"], **others)
        assert len(played) == before + 2, others


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"junk" * 100])
def test_a_damaged_part_is_played_again(tmp_path: Path, played: list[int], damage: bytes) -> None:
    whole = sweep_into(tmp_path / "parts", ["random"])
    victim = sorted((tmp_path / "parts").iterdir())[0]
    victim.write_bytes(damage)
    again = sweep_into(tmp_path / "parts", ["random"])
    assert len(played) == 3
    assert csv_of(again, tmp_path) == csv_of(whole, tmp_path)


def test_a_part_of_another_shape_is_played_again(tmp_path: Path, played: list[int]) -> None:
    whole = sweep_into(tmp_path / "parts", ["random"])
    victim = sorted((tmp_path / "parts").iterdir())[0]
    np.savez(victim, totals=np.zeros((1, 1, 2)))
    assert csv_of(sweep_into(tmp_path / "parts", ["random"]), tmp_path) == csv_of(whole, tmp_path)
    assert len(played) == 3


def test_several_workers_store_and_find_parts(tmp_path: Path, played: list[int]) -> None:
    two = sweep_into(tmp_path / "parts", workers=Workers(2))
    one = sweep_into(tmp_path / "parts")
    assert played == []  # in this process
    assert csv_of(one, tmp_path) == csv_of(two, tmp_path)


def test_a_run_is_known_by_its_weights_and_settings(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=2)
    trained(run)
    first = target_identity(str(run.folder), SCENARIO)
    assert target_identity(str(run.folder), SCENARIO) == first
    run.folder.rename(tmp_path / "moved")
    assert target_identity(str(tmp_path / "moved"), SCENARIO) == first
    (tmp_path / "moved" / "parts").mkdir()
    (tmp_path / "moved" / "parts" / "settings.json").write_text("{}")  # results may lie in the run's folder
    assert target_identity(str(tmp_path / "moved"), SCENARIO) == first
    other = new_run(tmp_path / "other", epochs=2, seed=1)
    trained(other)
    assert target_identity(str(other.folder), SCENARIO) != first
    assert target_identity("greedy", SCENARIO) != target_identity("random", SCENARIO)


SETTINGS: dict[str, Any] = {"targets": ("greedy",), "scenario": SCENARIO, "preferences": GRID, "episodes": 3, "seed": 0}


def test_a_sweep_is_resumed_with_its_own_settings_and_more_targets(tmp_path: Path) -> None:
    start_store(tmp_path / "out" / "parts", SweepSettings(**SETTINGS))
    assert resume_store(tmp_path / "out" / "parts", SweepSettings(**SETTINGS)) == Store(tmp_path / "out" / "parts")
    for targets in (("greedy", "random"), ("random",), ("greedy",)):
        resume_store(tmp_path / "out" / "parts", SweepSettings(**SETTINGS | {"targets": targets}))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"seed": 1}, "has seed 0, not 1"),
        ({"episodes": 4}, "has episodes 3, not 4"),
        ({"preferences": preference_grid(2, 5)}, "has preferences 6, not 5"),
        ({"scenario": small_scenario(description="else")}, "another scenario"),
    ],
)
def test_a_sweep_is_not_resumed_with_other_settings(tmp_path: Path, change: dict[str, Any], part: str) -> None:
    start_store(tmp_path / "out" / "parts", SweepSettings(**SETTINGS))
    with pytest.raises(InputError, match=part) as caught:
        resume_store(tmp_path / "out" / "parts", SweepSettings(**SETTINGS | change))
    assert "\n" not in str(caught.value)
    assert "--force" in str(caught.value)


def test_a_sweep_of_a_run_that_was_trained_anew_is_not_resumed(tmp_path: Path) -> None:
    settings = SETTINGS | {"targets": (str(tmp_path / "run"), "greedy")}
    trained(new_run(tmp_path / "run", epochs=2))
    start_store(tmp_path / "parts", SweepSettings(**settings))
    trained(new_run(tmp_path / "run", epochs=2, seed=1))
    with pytest.raises(InputError, match="run has changed since the sweep there began"):
        resume_store(tmp_path / "parts", SweepSettings(**settings))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"targets": 3}'])
def test_settings_that_are_not_there_or_damaged(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="no sweep to resume there"):
        resume_store(tmp_path / "absent" / "parts", SweepSettings(**SETTINGS))
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(InputError, match=r"settings\.json: damaged"):
        resume_store(tmp_path, SweepSettings(**SETTINGS))


def test_a_front_can_be_restricted(tmp_path: Path) -> None:
    [front] = sweep(["greedy"], SCENARIO, preference_grid(2, 11), 5, 0)
    [small] = sweep(["greedy"], SCENARIO, preference_grid(2, 6), 3, 0)
    part = front.restricted(preference_grid(2, 6), 3)
    assert_array_equal(part.totals, small.totals)
    for wrong in ((preference_grid(2, 4), 3), (preference_grid(2, 6), 6)):
        with pytest.raises(InputError, match="was not played for these preferences"):
            front.restricted(*wrong)


def test_another_code_plays_anew(tmp_path: Path, played: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    sweep_into(tmp_path / "parts", ["greedy"])
    monkeypatch.setattr("mecsim.sweep.store.code_digest", lambda: "of another code")
    sweep_into(tmp_path / "parts", ["greedy"])
    assert played == [4, 2, 4, 2]


def test_a_part_of_other_settings_under_this_name_is_played_again(tmp_path: Path, played: list[int]) -> None:
    one, other = tmp_path / "parts", tmp_path / "other"
    whole = sweep_into(one, ["greedy"])
    sweep_into(other, ["greedy"], seed=1)
    played.clear()
    for path in one.iterdir():
        same_shape = [theirs for theirs in other.iterdir() if totals_of(theirs).shape == totals_of(path).shape]
        path.write_bytes(same_shape[0].read_bytes())
    assert csv_of(sweep_into(one, ["greedy"]), tmp_path) == csv_of(whole, tmp_path)
    assert sorted(played) == [2, 4]


def totals_of(path: Path) -> NDArray[np.float64]:
    with np.load(path) as arrays:
        return np.array(arrays["totals"])


def test_strays_among_parts_are_left_alone(tmp_path: Path, played: list[int]) -> None:
    whole = sweep_into(tmp_path / "parts", ["greedy"])
    for name in (".DS_Store", "Thumbs.db", "notes.txt~"):
        (tmp_path / "parts" / name).write_bytes(b"\0")
    assert csv_of(sweep_into(tmp_path / "parts", ["greedy"]), tmp_path) == csv_of(whole, tmp_path)
    assert len(played) == 2


def test_resuming_with_another_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = SweepSettings(**SETTINGS)
    start_store(tmp_path / "parts", settings)
    resume_store(tmp_path / "parts", settings)
    assert caplog.messages == []
    monkeypatch.setattr("mecsim.sweep.resume.code_digest", lambda: "of another code")
    resume_store(tmp_path / "parts", settings)
    assert "the code has changed" in caplog.text
