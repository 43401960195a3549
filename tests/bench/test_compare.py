"""What is told of two benchmarks: ratios, their intervals, what has changed beyond noise."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import ttest_ind

from mecsim.bench.compare import ERROR, LEAST_CHANGE, changes, check_comparable, notes, ratio_interval, slower
from mecsim.bench.stored import Benchmark, read_benchmark, stored
from mecsim.bench.table import bench_table
from mecsim.errors import InputError

PLACE = {
    "versions": {"mecsim": "1", "numba": "2"},
    "git_revision": None,
    "hardware": {"processor": "P", "cores": 2, "gpus": [], "system": "Linux"},
}
SETTINGS: dict[str, str | int] = {"scenario": "gmorl-e6", "threads": 2, "envs": 8}
BATCHED, SIMPY = "batched_env_steps_per_s", "simpy_env_steps_per_s"
RNG = np.random.default_rng


def benchmark(repeated: dict[str, list[float]], **others: Any) -> Benchmark:
    needed = {BATCHED: [100.0, 99.0, 98.0], SIMPY: [10.0, 9.9, 9.8]}
    return Benchmark.model_validate(stored(SETTINGS, needed | repeated, PLACE) | others)


def verdicts(before: dict[str, list[float]], now: dict[str, list[float]]) -> dict[str, str]:
    found = changes(benchmark(before), benchmark(now))
    return {change.key: change.verdict for change in found if change.key in before}


def test_the_interval_is_that_of_welch() -> None:
    before, now = RNG(0).lognormal(2.0, 0.1, 7), RNG(1).lognormal(2.2, 0.3, 4)
    expected = ttest_ind(np.log(now), np.log(before), equal_var=False).confidence_interval(0.99)
    assert ratio_interval(before.tolist(), now.tolist(), 0.01) == pytest.approx(tuple(np.exp(expected)))


def test_equal_repetitions_leave_no_doubt() -> None:
    assert ratio_interval([2.0, 2.0], [3.0, 3.0], 0.01) == pytest.approx((1.5, 1.5))


def test_an_interval_stays_finite_and_is_unknown_to_people() -> None:
    wild = [1.0, 1e6]
    low, high = ratio_interval(wild, wild, 1e-3)
    assert 0.0 < low < high < float("inf")
    found = benchmark({"update_ms": wild})
    shown = io.StringIO()
    Console(width=160, file=shown).print(bench_table(found, changes(found, found)))
    [row] = [line for line in shown.getvalue().splitlines() if " update " in line]
    assert "unknown" in row


def test_better_and_worse_follow_the_unit() -> None:
    low, high = [1.0, 1.01, 1.02, 1.0], [1.5, 1.52, 1.51, 1.5]
    assert verdicts({BATCHED: high, "update_ms": high, "memory_of_9_envs_mib": high, "training_rest_share": high},
                    {BATCHED: low, "update_ms": low, "memory_of_9_envs_mib": low, "training_rest_share": low}) == {
        BATCHED: "slower", "update_ms": "faster", "memory_of_9_envs_mib": "less",
    }  # fmt: skip
    assert verdicts({"update_ms": low, "memory_of_9_envs_mib": low}, {"update_ms": high, "memory_of_9_envs_mib": high}
                    ) == {"update_ms": "slower", "memory_of_9_envs_mib": "more"}  # fmt: skip


def test_noise_is_no_change() -> None:
    """A third less, but in some repetitions only, or with a best that is the same."""
    before = [1.0, 1.05, 1.1, 1.6, 2.0]
    assert verdicts({"update_ms": before}, {"update_ms": [1.3, 1.35, 1.6, 2.0, 1.1]}) == {"update_ms": ""}
    busy = [1.0, *[1.5] * 9]
    assert verdicts({"update_ms": [1.0, *[1.01] * 9]}, {"update_ms": busy}) == {"update_ms": ""}


def test_a_small_change_is_none_however_sure() -> None:
    inside, beyond = LEAST_CHANGE - 0.01, LEAST_CHANGE + 0.01
    assert verdicts({"update_ms": [1.0] * 9}, {"update_ms": [inside] * 9}) == {"update_ms": ""}
    assert verdicts({"update_ms": [1.0] * 9}, {"update_ms": [beyond] * 9}) == {"update_ms": "slower"}


def test_a_single_repetition_is_not_judged() -> None:
    [change] = [
        change for change in changes(benchmark({"update_ms": [1.0]}), benchmark({"update_ms": [9.0] * 5}))
        if change.key == "update_ms"
    ]  # fmt: skip
    assert (change.ratio, change.interval, change.verdict) == (9.0, None, "")


def test_what_has_not_changed_is_rarely_said_to_have() -> None:
    """Of many comparisons of the same with itself under noise that only slows down, at most the promised share."""
    rng, wrong, comparisons = RNG(5), 0, 200

    def draw() -> dict[str, list[float]]:
        return {f"q{index}_ms": (1.0 + rng.exponential(0.2, 10)).tolist() for index in range(20)}

    for _ in range(comparisons):
        found = changes(benchmark(draw()), benchmark(draw()))
        wrong += any(change.better for change in found)
    assert wrong <= ERROR * comparisons


def test_what_has_changed_by_more_than_the_noise_is_found() -> None:
    rng = RNG(6)
    found = [
        verdicts({"update_ms": (1.0 + rng.exponential(0.05, 10)).tolist()},
                 {"update_ms": (1.3 + rng.exponential(0.05, 10)).tolist()})["update_ms"]
        for _ in range(50)
    ]  # fmt: skip
    assert found == ["slower"] * 50


def test_a_slower_machine_is_noted_and_nothing_else_is_blamed() -> None:
    before = benchmark({"machine_hashes_per_s": [9.0] * 4, BATCHED: [9.0] * 4})
    now = benchmark({"machine_hashes_per_s": [6.0] * 4, BATCHED: [6.0] * 4})
    assert slower(changes(before, now)) == []
    assert notes(before, now) == ["the machine itself is slower (machine: 0.67): repeat before believing a verdict"]
    assert slower(changes(benchmark({BATCHED: [9.0] * 4}), benchmark({BATCHED: [6.0] * 4}))) == [BATCHED]


def test_what_makes_ratios_doubtful_is_noted() -> None:
    before = benchmark({"update_ms": [1.0]}, threads=4, versions={"mecsim": "1", "numba": "1"}, repetitions={},
                       hardware={"processor": "Q", "cores": 4, "system": "Linux"})  # fmt: skip
    now = benchmark({"start_first_cpu_s": [1.0]})
    assert notes(before, now) == [
        "another machine: processor Q, now P",
        "another machine: cores 4, now 2",
        "another number of threads: 4, now 2",
        "another numba: 1, now 2",
        "measured only then: update_ms",
        "measured only now: start_first_cpu_s",
        "the earlier file holds no repetitions: nothing is known of its noise, and nothing is judged",
    ]
    assert notes(now, now) == []
    assert not any(change.verdict for change in changes(before, now))


def test_other_work_is_refused() -> None:
    found = benchmark({})
    check_comparable(found, "f.json", "gmorl-e6", 8)
    for scenario, envs in (("quickstart", 8), ("gmorl-e6", 9)):
        with pytest.raises(InputError, match=r"f\.json: measured gmorl-e6 .* add --scenario gmorl-e6 --envs 8$"):
            check_comparable(found, "f.json", scenario, envs)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = stored(SETTINGS, {BATCHED: [3.0, 4.0], SIMPY: [2.0, 1.0], "update_ms": [3.0, 2.0]}, PLACE)
    path = tmp_path / "b.json"
    path.write_text(json.dumps(content))
    found = read_benchmark(path)
    assert found.values == {BATCHED: 4.0, SIMPY: 2.0, "update_ms": 2.0, "batched_to_simpy": 2.0}
    assert found.repetitions == {BATCHED: [3.0, 4.0], SIMPY: [2.0, 1.0], "update_ms": [3.0, 2.0]}
    assert (found.scenario, found.threads, found.envs, found.git_revision) == ("gmorl-e6", 2, 8, None)
    del content["repetitions"], content["format"]  # as earlier versions wrote it
    path.write_text(json.dumps(content))
    assert read_benchmark(path).values == found.values


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another format": lambda content: content | {"format": 2},
    "no scenario": lambda content: {key: value for key, value in content.items() if key != "scenario"},
    "a text": lambda content: content | {BATCHED: "fast"},
    "nothing": lambda content: content | {BATCHED: None},
    "zero": lambda content: content | {BATCHED: 0.0},
    "infinite": lambda content: content | {BATCHED: float("inf")},
    "no repetition": lambda content: content | {"repetitions": {BATCHED: []}},
    "negative repetition": lambda content: content | {"repetitions": {BATCHED: [-1.0]}},
    "a list": lambda content: [content],
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(json.dumps(WRONG[name](stored(SETTINGS, {BATCHED: [1.0], SIMPY: [1.0]}, PLACE))))
    with pytest.raises(InputError, match=r"b\.json: .*; expected a file that mecsim bench --out wrote$"):
        read_benchmark(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"3"])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.json").write_bytes(content)
    for path in (tmp_path / "b.json", tmp_path / "absent.json", tmp_path):
        with pytest.raises(InputError, match="expected a file that mecsim bench --out wrote"):
            read_benchmark(path)
