"""Logs that are read, and logs that are refused: one line, with the place and the cure."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mecsim.errors import InputError
from mecsim.people.population import PERIODS, PLACES
from mecsim.predictor.data import CATEGORIES, RequestLog, rate_position
from mecsim.predictor.read import read_log

from .request_log import SmallLog, small_log


@pytest.fixture(scope="module")
def log() -> SmallLog:
    return small_log(users=4, days=3)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_log(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert len(text.splitlines()) == 1
    return text.removeprefix(str(path))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_request_is_read(log: SmallLog, tmp_path: Path, suffix: str) -> None:
    read = read_log(log.write(tmp_path / f"log{suffix}"))
    columns = log.columns
    assert len(read) == 96
    np.testing.assert_array_equal(read.users.numbers[read.user], columns["user"])
    assert read.users.ids == ("0", "1", "2", "3")
    assert set(read.day) == {0, 1, 2}
    for column, name in enumerate(CATEGORIES):
        np.testing.assert_array_equal(np.array(read.names[name])[read.codes[:, column]], columns[name])
    assert read.names["period"] == PERIODS
    assert read.names["place"] == PLACES
    assert read.names["persona"] == tuple(sorted(set(columns["persona"])))
    low, high, given = (columns[f"{name}_rate_kbit_per_s"] for name in ("min", "demand", "given"))
    np.testing.assert_allclose(read.position, np.log(given / low) / np.log(high / low), rtol=1e-9)
    np.testing.assert_allclose(read.numbers[:, 1:], np.log10(np.stack([low, high], axis=1) * 1e3), rtol=1e-12)
    np.testing.assert_allclose(read.reported, columns["satisfaction_noisy"], rtol=1e-12)
    assert read.truth is not None
    np.testing.assert_allclose(read.truth, columns["satisfaction"], rtol=1e-12)
    assert read.rejected == 0


def test_both_kinds_of_file_say_the_same(log: SmallLog, tmp_path: Path) -> None:
    first, second = (read_log(log.write(tmp_path / f"log{suffix}")) for suffix in (".csv", ".parquet"))
    for name in ("user", "day", "codes", "numbers", "position", "reported", "truth"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_columns_that_nothing_is_learnt_from_and_the_truth_may_be_missing(log: SmallLog, tmp_path: Path) -> None:
    read = read_log(log.write(tmp_path / "log.csv", satisfaction=None, request=None, delta_kbit_per_s=None, time=None))
    assert read.truth is None
    assert len(read) == 96
    assert read.select(read.user == 0).truth is None


def test_requests_that_got_less_than_their_minimum_are_left_out(log: SmallLog, tmp_path: Path) -> None:
    given = log.columns["given_rate_kbit_per_s"].copy()
    given[:10] = 0.0
    read = read_log(log.write(tmp_path / "log.csv", given_rate_kbit_per_s=given))
    assert (read.rejected, len(read)) == (10, 86)
    nothing = log.write(tmp_path / "none.csv", given_rate_kbit_per_s=0.0 * given)
    assert "no request was given its minimum rate" in refusal(nothing)


def test_names_of_personas_may_be_any(log: SmallLog, tmp_path: Path) -> None:
    """They become names of a scenario."""
    other = np.char.add(log.columns["persona"], ", retired")
    read = read_log(log.write(tmp_path / "log.csv", persona=other))
    assert set(read.names["persona"]) == {f"{name}_retired" for name in log.columns["persona"]}


def changed(log: SmallLog, name: str, row: int, value: object) -> dict[str, object]:
    column = log.columns[name].astype(object if isinstance(value, str) else float)
    column[row] = value
    return {name: column.astype(str) if isinstance(value, str) else column}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("satisfaction_noisy", 5.001, "expected a rating from 0 to 5"),
        ("satisfaction_noisy", -0.1, "expected a rating from 0 to 5"),
        ("satisfaction", 7.0, "expected a rating from 0 to 5"),
        ("satisfaction_noisy", "good", "got 'good', expected a rating from 0 to 5"),
        ("min_rate_kbit_per_s", 1e6, "expected at most the demanded rate, demand_rate_kbit_per_s"),
        ("given_rate_kbit_per_s", 1e6, "expected at most the demanded rate, demand_rate_kbit_per_s"),
        ("min_rate_kbit_per_s", 0.0, "expected a rate above 0 kbit/s"),
        ("given_rate_kbit_per_s", -1.0, "expected a rate of at least 0 kbit/s"),
        ("demand_rate_kbit_per_s", np.inf, "expected a rate above 0 kbit/s"),
        ("speed_m_per_s", -1.0, "expected a speed"),
        ("user", "", "got nothing, expected what a user is called"),
        ("period", "evening", "got 'evening', expected an hour such as 8 or 08:15, or one of after_midnight"),
        ("period", "25", "got '25', expected an hour"),
        ("place", "", "got nothing, expected the name of one place"),
        ("activity", "", "got nothing, "),
        ("activity", "siting", "did you mean 'sitting'?"),
        ("day_class", "week day", "did you mean 'weekday'?"),
        ("persona", "", "got nothing, expected the name of one persona"),
        ("date", "31.01.2024", "got '31.01.2024', expected a date such as 2024-01-31"),
    ],
)
def test_a_wrong_value_is_named(
    log: SmallLog, tmp_path: Path, suffix: str, name: str, value: float | str, part: str
) -> None:
    path = log.write(tmp_path / f"log{suffix}", **changed(log, name, 50, value))
    said = refusal(path)
    place = ":52: " if suffix == ".csv" else ": row 51: "
    assert said.startswith(f"{place}{name}: got ")
    assert part in said


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("name", ["user", "satisfaction_noisy", "given_rate_kbit_per_s", "date"])
def test_a_missing_column(log: SmallLog, tmp_path: Path, suffix: str, name: str) -> None:
    said = refusal(log.write(tmp_path / f"log{suffix}", **{name: None}))
    assert said.startswith(f": no column '{name}'; a log has the columns user, date, application")


def test_too_many_names(log: SmallLog, tmp_path: Path) -> None:
    said = refusal(log.write(tmp_path / "log.csv", application=np.array([f"app{i}" for i in range(96)])))
    assert "application: more than 64 different names" in said


def test_files_that_are_no_log(log: SmallLog, tmp_path: Path) -> None:
    whole = log.write(tmp_path / "whole.csv").read_text()
    bare = whole.replace('"', "")
    cases = {
        "absent.csv": (None, "no such file"),
        "log.txt": (whole, "expected a file that ends in .csv or .parquet"),
        "empty.csv": ("", "no column 'user', 'date'"),
        "header.csv": (whole.splitlines()[0] + "\n", "no requests"),
        "other.csv": ("a,b\n1,2\n", "no column 'user', 'date'"),
        "ragged.csv": (bare.rsplit(",", 1)[0] + "\n", "cannot be read: "),
        "two_lines.csv": ("one\rtwo," + bare, "cannot be read: "),  # to Arrow: its header ends after the first
        "text.parquet": (whole, "cannot be read: "),
        "empty.parquet": ("", "cannot be read: "),
    }
    for name, (text, part) in cases.items():
        if text is not None:
            (tmp_path / name).write_text(text, newline="")
        assert part in refusal(tmp_path / name), name
    (tmp_path / "binary.csv").write_bytes(whole.encode()[:300] + b"\xff\xfe\x00" + whole.encode()[300:])
    refusal(tmp_path / "binary.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "no such file" in refusal(tmp_path / "folder.csv")
    (tmp_path / "cut.parquet").write_bytes(log.write(tmp_path / "log.parquet").read_bytes()[:-100])
    refusal(tmp_path / "cut.parquet")


def test_a_missing_package(log: SmallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log.write(tmp_path / "log.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"fit needs pyarrow: pip install 'mecsim\[data\]'"):
        read_log(path)


def test_positions() -> None:
    rate, minimum, demand = np.array([1.0, 2.0, 4.0, 8.0, 0.0]), np.full(5, 1.0), np.full(5, 4.0)
    np.testing.assert_allclose(rate_position(rate, minimum, demand), [0.0, 0.5, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(rate_position(np.array([3.0, 4.0]), np.full(2, 4.0), np.full(2, 4.0)), [0.0, 1.0])


def test_some_of_a_log(log: SmallLog, tmp_path: Path) -> None:
    read = read_log(log.write(tmp_path / "log.csv"))
    some = read.select(np.arange(0, 96, 2))
    assert isinstance(some, RequestLog)
    assert (len(some), some.names, len(some.users)) == (48, read.names, 4)
    np.testing.assert_array_equal(some.reported, read.reported[::2])
