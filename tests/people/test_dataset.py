"""The request log: its columns, what given rates teach, equal bytes for equal seeds, memory that days do not change."""

import builtins
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import csv, parquet

from mecsim.errors import InputError
from mecsim.people import dataset
from mecsim.people.dataset import Written, log_levels, log_slices, write_dataset
from mecsim.people.people import draw_people_of
from mecsim.people.population import ACTIVITIES, PERIODS, PLACES, Population
from mecsim.people.requests import draw_requests, period_of
from mecsim.people.satisfaction import Satisfaction
from mecsim.people.zones import expected_ratings
from mecsim.version import __version__

POPULATION, SATISFACTION = Population(), Satisfaction()

COLUMNS = (
    "request", "user", "date", "day", "day_class", "time", "period", "place", "activity", "speed_m_per_s",
    "speed_range", "persona", "application", "duration_s", "min_rate_kbit_per_s", "demand_rate_kbit_per_s",
    "given_rate_kbit_per_s", "delta_kbit_per_s", "max_delta_kbit_per_s", "satisfaction", "satisfaction_noisy",
)  # fmt: skip


def write(path: Path, users: int = 20, days: int = 9, seed: int = 3, **changed: Any) -> Written:
    given: dict[str, Any] = {"population": POPULATION, "satisfaction": SATISFACTION, "levels": 5, **changed}
    return write_dataset(path, users=users, days=days, seed=seed, **given)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NDArray[Any]]:
    """Nine days of twenty people, by column."""
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    write(path)
    return columns_of(parquet.read_table(path))


def columns_of(table: pa.Table) -> dict[str, NDArray[Any]]:
    return {name: np.array(table[name].to_pylist()) for name in table.column_names}


def test_columns(log: dict[str, NDArray[Any]]) -> None:
    assert tuple(log) == COLUMNS
    np.testing.assert_array_equal(log["request"], np.arange(len(log["request"])))
    assert set(log["user"]) == set(range(20))
    assert set(log["date"]) == {f"2024-01-0{day}" for day in range(1, 10)}
    assert set(log["period"]) == set(PERIODS)
    assert set(log["place"]) <= set(PLACES)
    assert set(log["activity"]) <= set(ACTIVITIES)
    assert set(log["persona"]) == set(POPULATION.personas)
    assert set(log["application"]) == set(POPULATION.applications)
    assert set(log["speed_range"]) == {"still", "below_2", "2_to_8", "from_8"}


def test_dates_and_times_agree(log: dict[str, NDArray[Any]]) -> None:
    seconds = np.array([int(h) * 3600 + int(m) * 60 + int(s) for h, m, s in (text.split(":") for text in log["time"])])
    assert (np.diff(log["date"].astype("datetime64[D]").astype(int) * 86_400 + seconds) >= 0).all()
    np.testing.assert_array_equal(np.array(PERIODS)[period_of(seconds.astype(float))], log["period"])
    weekday = (log["date"].astype("datetime64[D]").astype(int) + 3) % 7  # 1970-01-01 was a Thursday
    names = np.array(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])
    np.testing.assert_array_equal(names[weekday], log["day"])
    np.testing.assert_array_equal(np.where(weekday < 5, "weekday", "weekend"), log["day_class"])


def test_rates_agree(log: dict[str, NDArray[Any]]) -> None:
    low, high, rate = (log[f"{name}_rate_kbit_per_s"] for name in ("min", "demand", "given"))
    np.testing.assert_allclose(log["delta_kbit_per_s"], high - rate, atol=1e-9)
    np.testing.assert_allclose(log["max_delta_kbit_per_s"], high - low, atol=1e-9)
    level = (rate - low) / (high - low) * 4.0
    np.testing.assert_allclose(level, np.round(level), atol=1e-6)
    assert set(np.round(level)) == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_speeds_agree_with_their_ranges(log: dict[str, NDArray[Any]]) -> None:
    ranges = {"still": (0.0, 0.0), "below_2": (1e-9, 2.0), "2_to_8": (2.0, 8.0), "from_8": (8.0, np.inf)}
    for name, (low, high) in ranges.items():
        speed = log["speed_m_per_s"][log["speed_range"] == name]
        assert ((speed >= low - 5e-4) & (speed <= high + 5e-4)).all()


def test_ratings_and_what_is_said_of_them(log: dict[str, NDArray[Any]]) -> None:
    truth, said = log["satisfaction"], log["satisfaction_noisy"]
    for ratings in (truth, said):
        assert ratings.min() >= 0.0
        assert ratings.max() <= 5.0
    middle = (truth > 1.5) & (truth < 3.5)
    assert (said - truth)[middle].std() == pytest.approx(0.3, rel=0.15)
    assert (said - truth)[middle].mean() == pytest.approx(0.0, abs=0.06)


def test_people_of_the_log_are_those_of_the_seed(log: dict[str, NDArray[Any]]) -> None:
    people = draw_people_of(POPULATION, SATISFACTION, 20, 3)
    names = np.array(list(POPULATION.personas))
    np.testing.assert_array_equal(log["persona"], names[people.persona[log["user"]]])


def test_the_summary(tmp_path: Path, log: dict[str, NDArray[Any]]) -> None:
    written = write(tmp_path / "log.csv")
    assert written.requests == len(log["request"])
    assert written.mean_satisfaction == pytest.approx(log["satisfaction"].mean())
    share = (log["given_rate_kbit_per_s"] / log["demand_rate_kbit_per_s"]).mean()
    assert written.mean_share_of_demand == pytest.approx(share)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_equal_seeds_give_equal_bytes(tmp_path: Path, suffix: str) -> None:
    one, same, other = (tmp_path / f"{name}{suffix}" for name in ("one", "same", "other"))
    write(one)
    write(same)
    write(other, seed=4)
    assert one.read_bytes() == same.read_bytes()
    assert one.read_bytes() != other.read_bytes()


def test_csv_equals_parquet(tmp_path: Path, log: dict[str, NDArray[Any]]) -> None:
    write(tmp_path / "log.csv")
    words = {name: pa.string() for name, values in log.items() if values.dtype.kind == "U"}
    numbers = {name: pa.float64() for name, values in log.items() if values.dtype.kind == "f"}
    options = csv.ConvertOptions(column_types={**words, **numbers})
    found = columns_of(csv.read_csv(tmp_path / "log.csv", convert_options=options))
    assert tuple(found) == COLUMNS
    for name, values in log.items():
        np.testing.assert_array_equal(found[name], values)


def test_a_parquet_file_tells_its_origin(tmp_path: Path) -> None:
    write(tmp_path / "log.parquet")
    origin = json.loads(parquet.read_schema(tmp_path / "log.parquet").metadata[b"mecsim"])
    assert origin == {"format": 1, "users": 20, "days": 9, "seed": 3, "levels": 5, "version": __version__}


@pytest.mark.parametrize("users", [5, 40])
def test_slices_are_as_large_for_any_number_of_days(monkeypatch: pytest.MonkeyPatch, users: int) -> None:
    """Memory is that of a slice; a log of more days has more slices."""
    monkeypatch.setattr(dataset, "SLICE_REQUESTS", 300)
    people = draw_people_of(POPULATION, SATISFACTION, users, 0)
    sizes = {
        days: [len(part["request"]) for part in log_slices(POPULATION, SATISFACTION, people, days, 0, 5)]
        for days in (12, 48)
    }
    assert len(sizes[48]) == 4 * len(sizes[12])
    assert max(sizes[48]) < 300 * 2.2  # in the busiest part of a day
    assert sum(sizes[48]) == pytest.approx(4 * sum(sizes[12]), rel=0.1)


def test_slices_follow_each_other_without_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "SLICE_REQUESTS", 100)
    people = draw_people_of(POPULATION, SATISFACTION, 30, 0)
    slices = list(log_slices(POPULATION, SATISFACTION, people, 3, 0, 5))
    assert len(slices) > 10
    numbers = np.concatenate([part["request"] for part in slices])
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
    seconds = np.concatenate([part["date"][0] * 86_400 + part["time"][0] for part in slices])
    assert (np.diff(seconds) >= 0).all()
    counts = np.histogram(seconds, np.arange(0, 3 * 86_400 + 1, 21_600))[0]
    assert counts.min() > 0


def test_the_policy_of_the_log_gives_less_when_there_is_more_to_do() -> None:
    people = draw_people_of(POPULATION, SATISFACTION, 400, 0)
    requests = draw_requests(POPULATION, people, 0.0, 7 * 86_400.0, np.random.default_rng(0))
    levels = log_levels(POPULATION, requests, 5, np.random.default_rng(1))
    assert levels.min() == 0
    assert levels.max() == 4
    mean = [levels[requests.period == PERIODS.index(name)].mean() for name in ("after_midnight", "morning", "night")]
    assert mean[0] > mean[1] > mean[2]
    # At the busiest time the lowered level is even over all; with little load only what is explored lies far below.
    busy = np.bincount(levels[requests.period == PERIODS.index("night")], minlength=5)
    np.testing.assert_allclose(busy / busy.sum(), 0.2, atol=0.02)
    calm = np.bincount(levels[requests.period == 0], minlength=5)
    np.testing.assert_allclose(calm[:3] / calm.sum(), 0.3 / 5, atol=0.03)


def test_every_context_has_every_level(log: dict[str, NDArray[Any]]) -> None:
    """So that ratings of all of them can be learnt."""
    share = log["delta_kbit_per_s"] / log["max_delta_kbit_per_s"]
    for application in POPULATION.applications:
        assert set(np.round(share[log["application"] == application] * 4)) == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_satisfaction_is_the_noise_free_truth_of_the_given_rate() -> None:
    """As anyone would compute it from the people and requests of a slice."""
    people = draw_people_of(POPULATION, SATISFACTION, 20, 3)
    [part] = log_slices(POPULATION, SATISFACTION, people, 2, 3, 5)
    rng = np.random.default_rng([3, 1, 0])
    requests = draw_requests(POPULATION, people, 0.0, 2 * 86_400.0, rng)
    truth = expected_ratings(POPULATION, SATISFACTION, people, requests, part["given_rate_kbit_per_s"][:, None] * 1e3)[
        :, 0
    ]
    np.testing.assert_allclose(part["satisfaction"], truth, atol=6e-5)


def test_nobody_asks(tmp_path: Path) -> None:
    """A log without requests has its columns all the same."""
    personas = POPULATION.personas
    rarely = {name: persona.model_copy(update={"requests_per_day": 1e-9}) for name, persona in personas.items()}
    silent = Population(personas=rarely)
    written = write(tmp_path / "log.parquet", users=1, days=1, population=silent)
    table = parquet.read_table(tmp_path / "log.parquet")
    assert written.requests == table.num_rows == 0
    assert tuple(table.column_names) == COLUMNS


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.csv"
    path.write_text("of an earlier command")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mecsim.people.log_file.LogFile.write", fail)
    with pytest.raises(OSError, match="No space left"):
        write(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.csv"]
    assert path.read_text() == "of an earlier command"


def test_other_endings_and_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"log\.txt: expected a file that ends in \.parquet or \.csv"):
        write(tmp_path / "log.txt")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    with pytest.raises(InputError, match=r"dataset needs pyarrow: pip install 'mecsim\[data\]'"):
        write(tmp_path / "log.csv")


def test_the_module_needs_no_arrow_until_it_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices can be used as they are."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        assert not name.startswith("pyarrow"), name
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    people = draw_people_of(POPULATION, SATISFACTION, 2, 0)
    assert sum(len(part["request"]) for part in log_slices(POPULATION, SATISFACTION, people, 1, 0, 2)) > 0
