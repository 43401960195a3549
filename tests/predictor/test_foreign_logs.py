"""Logs as others write them: ids of any kind, own places, hours, other scales, units and names of columns, gaps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.people.population import DAY_CLASSES, PERIODS, PLACES
from mecsim.predictor.data import CATEGORIES, RequestLog
from mecsim.predictor.read import read_log
from mecsim.predictor.table import Reading

from .request_log import SmallLog, small_log

SUFFIXES = pytest.mark.parametrize("suffix", [".csv", ".parquet"])


@pytest.fixture(scope="module")
def log() -> SmallLog:
    return small_log(users=4, days=9)


@pytest.fixture(scope="module")
def plain(log: SmallLog, tmp_path_factory: pytest.TempPathFactory) -> RequestLog:
    return read_log(log.write(tmp_path_factory.mktemp("plain") / "log.parquet"))


def category(log: RequestLog, name: str) -> NDArray[Any]:
    return np.array(log.names[name])[log.codes[:, CATEGORIES.index(name)]]


@SUFFIXES
def test_ids_of_any_kind(log: SmallLog, tmp_path: Path, suffix: str) -> None:
    names = np.array(["Zoë", "0007", "a b", "c-1"])
    read = read_log(log.write(tmp_path / f"log{suffix}", user=names[log.columns["user"]]))
    assert read.users.ids == ("0007", "Zoë", "a b", "c-1")
    assert read.users.numbers.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(np.array(read.users.ids)[read.user], names[log.columns["user"]])
    assert read.users.numbers_of(["c-1", "nobody", "0007"]).tolist() == [3, -1, 0]


@SUFFIXES
def test_ids_that_are_numbers_keep_them(log: SmallLog, tmp_path: Path, suffix: str) -> None:
    for numbers in (np.array([7, 100, 3, 12]), np.array([7.0, 100.0, 3.0, 12.0])):
        read = read_log(log.write(tmp_path / f"log{suffix}", user=numbers[log.columns["user"]]))
        assert read.users.ids == ("3", "7", "12", "100")
        assert read.users.numbers.tolist() == [3, 7, 12, 100]


@SUFFIXES
def test_own_places_and_names_with_blanks(log: SmallLog, tmp_path: Path, suffix: str) -> None:
    places = np.where(log.columns["place"] == "mall", "Café (old)", log.columns["place"])
    read = read_log(log.write(tmp_path / f"log{suffix}", place=places))
    assert read.names["place"] == (*PLACES, "Café_old_")
    np.testing.assert_array_equal(category(read, "place") == "Café_old_", log.columns["place"] == "mall")


@SUFFIXES
@pytest.mark.parametrize("form", ["{0}:{1:02}", "{0:02}:{1:02}:30", "{2}"])
def test_hours_for_periods(log: SmallLog, plain: RequestLog, tmp_path: Path, suffix: str, form: str) -> None:
    clock = [text.split(":") for text in log.columns["time"]]
    hours = np.array([form.format(int(h), int(m), int(h) + int(m) / 60) for h, m, _ in clock])
    read = read_log(log.write(tmp_path / f"log{suffix}", period=hours, time=None))
    np.testing.assert_array_equal(category(read, "period"), log.columns["period"])
    np.testing.assert_allclose(read.habits.hour, [int(h) + int(m) / 60 for h, m, _ in clock], atol=0.01)


@SUFFIXES
def test_time_or_dates_with_times_for_periods(log: SmallLog, tmp_path: Path, suffix: str) -> None:
    """And the kind of day by the date."""
    stamps = np.char.add(np.char.add(log.columns["date"], " "), log.columns["time"])
    for changes in ({"time": None, "date": stamps}, {}):
        path = log.write(tmp_path / f"log{suffix}", period=None, day_class=None, **changes)
        read = read_log(path)
        np.testing.assert_array_equal(category(read, "period"), log.columns["period"])
        np.testing.assert_array_equal(category(read, "day_class"), log.columns["day_class"])
        assert read.names["period"] == PERIODS
        assert read.names["day_class"] == DAY_CLASSES


def test_no_time_at_all(log: SmallLog, tmp_path: Path) -> None:
    path = log.write(tmp_path / "log.csv", period=None, time=None)
    with pytest.raises(InputError, match="date: got '2024-01-01', expected the hour beside it, or a column period or"):
        read_log(path)


@SUFFIXES
def test_another_scale(log: SmallLog, plain: RequestLog, tmp_path: Path, suffix: str) -> None:
    stars = 1.0 + 0.8 * log.columns["satisfaction_noisy"]
    path = log.write(tmp_path / f"log{suffix}", satisfaction_noisy=stars, satisfaction=None)
    read = read_log(path, Reading(scale=(1.0, 5.0)))
    np.testing.assert_allclose(read.reported, plain.reported, atol=1e-12)
    percent = log.write(tmp_path / f"log{suffix}", satisfaction_noisy=20.0 * plain.reported, satisfaction=None)
    np.testing.assert_allclose(read_log(percent, Reading(scale=(0.0, 100.0))).reported, plain.reported, atol=1e-12)


def test_a_scale_that_is_not_named(log: SmallLog, tmp_path: Path) -> None:
    """Before, 1 to 5 was taken for 0 to 5."""
    stars = np.round(1.0 + 0.8 * log.columns["satisfaction_noisy"])
    path = log.write(tmp_path / "log.csv", satisfaction_noisy=stars, satisfaction=None)
    with pytest.raises(InputError, match=r"none of 288 ratings is below 1: is this a scale from 1 to 5\? say --sca"):
        read_log(path)
    assert read_log(path, Reading(scale=(0.0, 5.0))).reported.min() == 1.0


@SUFFIXES
def test_missing_ratings_tell_of_habits(log: SmallLog, plain: RequestLog, tmp_path: Path, suffix: str) -> None:
    gone = np.arange(288) % 3 == 0
    said = log.columns["satisfaction_noisy"].astype(str)
    said[gone] = np.where(np.arange(gone.sum()) % 2 == 0, "", "nan")
    if suffix == ".parquet":
        said = np.where(gone, np.nan, log.columns["satisfaction_noisy"])
    read = read_log(log.write(tmp_path / f"log{suffix}", satisfaction_noisy=said))
    assert (len(read), len(read.habits.user)) == (192, 288)
    np.testing.assert_allclose(read.reported, plain.reported[~gone])
    np.testing.assert_array_equal(read.habits.codes, plain.habits.codes)
    nothing = log.write(tmp_path / f"none{suffix}", satisfaction_noisy=np.full(288, np.nan))
    with pytest.raises(InputError, match="no ratings, expected some; nothing can be learnt"):
        read_log(nothing)


@SUFFIXES
def test_columns_by_other_names_and_units(log: SmallLog, plain: RequestLog, tmp_path: Path, suffix: str) -> None:
    columns = log.columns
    path = log.write(
        tmp_path / f"log{suffix}",
        user=None, customer=columns["user"], satisfaction_noisy=None, score=columns["satisfaction_noisy"],
        min_rate_kbit_per_s=None, min_rate_bit_per_s=1e3 * columns["min_rate_kbit_per_s"],
        demand_rate_kbit_per_s=None, wanted=columns["demand_rate_kbit_per_s"] / 1e3,
    )  # fmt: skip
    read = read_log(path, Reading({"user": "customer", "rating": "score", "demand_rate_mbit_per_s": "wanted"}))
    np.testing.assert_array_equal(read.user, plain.user)
    np.testing.assert_allclose(read.reported, plain.reported)
    np.testing.assert_allclose(read.position, plain.position, atol=1e-9)
    np.testing.assert_allclose(read.numbers, plain.numbers, atol=1e-9)


def test_what_may_be_missing_is_told(log: SmallLog, tmp_path: Path) -> None:
    gone = ("persona", "place", "activity", "speed_m_per_s", "duration_s")
    read = read_log(log.write(tmp_path / "log.csv", **dict.fromkeys(gone)))
    assert read.habits.absent == gone
    assert read.names["persona"] == ("everyone",)
    assert set(category(read, "activity")) == {"sitting"}
    assert np.isnan(read.habits.duration_s).all()


def test_everything_that_is_wrong_is_told_at_once(log: SmallLog, tmp_path: Path) -> None:
    """A line for each kind of fault, with the first value and the rows."""
    given, rating = log.columns["given_rate_kbit_per_s"].astype(str), log.columns["satisfaction_noisy"].astype(str)
    user, activity = log.columns["user"].astype(str), log.columns["activity"].copy()
    given[[3, 5, 7, 9, 11]] = "1e9"
    given[20] = "fast"
    rating[[4, 6]] = "7"
    user[8] = ""
    activity[[1, 2]] = "runing"
    path = log.write(
        tmp_path / "log.csv", given_rate_kbit_per_s=given, satisfaction_noisy=rating, user=user, activity=activity
    )
    with pytest.raises(InputError) as caught:
        read_log(path)
    said = sorted(line.removeprefix(f"{path}:") for line in str(caught.value).splitlines())
    assert len(said) == 5
    assert said[0].startswith("10: user: got nothing, expected what a user is called")
    assert said[1].startswith("22: given_rate_kbit_per_s: got 'fast', expected a rate of at least 0 kbit/s")
    assert said[2].startswith("3: activity: got 'runing', ")
    assert said[2].endswith(" (and 1 more: line 4)")
    assert said[3] == (
        "5: given_rate_kbit_per_s: got '1e9', expected at most the demanded rate, demand_rate_kbit_per_s "
        "(and 4 more: lines 7, 9, …)"
    )
    assert said[4] == (
        "6: satisfaction_noisy: got '7', expected a rating from 0 to 5; another scale: --scale 1..5 "
        "(and 1 more: line 8)"
    )


@pytest.mark.parametrize(
    ("columns", "part"),
    [
        ({"rating": "scor"}, "--column rating=scor: no column 'scor', "),
        ({"ratin": "user"}, "--column ratin: a log has no such column, did you mean 'rating'?"),
    ],
)
def test_columns_that_cannot_be(log: SmallLog, tmp_path: Path, columns: dict[str, str], part: str) -> None:
    path = log.write(tmp_path / "log.csv")
    with pytest.raises(InputError) as caught:
        read_log(path, Reading(columns))
    assert part in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_all_missing_columns_at_once(log: SmallLog, tmp_path: Path) -> None:
    path = log.write(tmp_path / "log.csv", user=None, date=None, given_rate_kbit_per_s=None)
    with pytest.raises(InputError, match="no column 'user', 'date', 'given_rate_kbit_per_s'; a log has the columns"):
        read_log(path)
