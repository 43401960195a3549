"""CSV tables: read exactly, whichever way, and whatever is wrong is named with its line."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.errors import ScenarioError
from mecsim.schema import tables
from mecsim.schema.tables import Column, read_table

COLUMNS = (
    Column("time_s", "a time from 0 to 1e12 s", 0.0, 1e12),
    Column("user", "the number of a user", 0.0, 9.0, whole=True),
    Column("deadline_s", "a time above 0 s, or nothing for none", 1e-18, 1e18, optional=True, empty=np.inf),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.csv"


def read(path: Path, text: str | bytes) -> dict[str, list[float]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return {name: values.tolist() for name, values in read_table(str(path), (COLUMNS,)).columns.items()}


@pytest.mark.parametrize(
    "text",
    [
        "time_s,user\n0.5,1\n2,3\n",
        "time_s,user\n0.5,1\n2,3",
        "user,time_s\n1,0.5\n3,2\n",
        "\ufefftime_s,user\r\n0.5,1\r\n2,3\r\n",
        "time_s, user\n 0.5 , 1\n\n5e-1,1\n".replace("5e-1,1", "2.0,3"),
        '"time_s","user"\n"0.5","1"\n"2","3"\n',
        "time_s,user\n\n   \n0.5,1\n2,3\n\n",
        "name,time_s,user\nalpha,0.5,1\n\"two\nlines, or 'so'\",2,3\n",
        "time_s,user\n+.5,1.0\n2e0,3\n",
    ],
)
def test_spellings_of_a_table(path: Path, text: str) -> None:
    assert read(path, text) == {"time_s": [0.5, 2.0], "user": [1.0, 3.0]}


def test_empty_values_where_they_mean_something(path: Path) -> None:
    found = read(path, "time_s,user,deadline_s\n1,0,2.5\n2,0,\n3,0,inf\n")
    assert found["deadline_s"] == [2.5, np.inf, np.inf]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ":1: no header, expected time_s,user,[deadline_s]"),
        ("time_s,user\n", ":1: no rows after the header, expected at least one"),
        ("time_s,user\n\n\n", ":1: no rows after the header, expected at least one"),
        ("time_s\n1\n", ":1: columns time_s, expected time_s,user,[deadline_s]"),
        ("time_s,users\n1,1\n", ":1: unknown column 'users', did you mean 'user'?"),
        ("time_s,user,weight\n1,1,1\n", ":1: unknown column 'weight', expected one of time_s, user, deadline_s"),
        ("time_s,user,user\n1,1,1\n", ":1: column 'user' is there twice, expected it once"),
        ("time_s,user\n1,1\n2\n", ":3: expected 2 values, got 1"),
        ("time_s,user\n1,1\n2,2,2\n", ":3: expected 2 values, got 3"),
        ("time_s,user\n1,1,\n2,2,\n", ":2: expected 2 values, got 3"),
        ("time_s,user\n1,1\n\n\nx,2\n", ":5: time_s: expected a time from 0 to 1e12 s, got 'x'"),
        ("time_s,user\n1,1\n-1,2\n", ":3: time_s: expected a time from 0 to 1e12 s, got '-1'"),
        ("time_s,user\n1,1\n,2\n", ":3: time_s: expected a time from 0 to 1e12 s, got nothing"),
        ("time_s,user\nnan,1\n", ":2: time_s: expected a time from 0 to 1e12 s, got 'nan'"),
        ("time_s,user\ninf,1\n", ":2: time_s: expected a time from 0 to 1e12 s, got 'inf'"),
        ("time_s,user\n1_0,1\n", ":2: time_s: expected a time from 0 to 1e12 s, got '1_0'"),
        ("time_s,user\n1,1.5\n", ":2: user: expected the number of a user, got '1.5'"),
        ("time_s,user\n1,10\n", ":2: user: expected the number of a user, got '10'"),
        ("time_s,user\n# 1,1\n", ":2: time_s: expected a time from 0 to 1e12 s, got '# 1'"),
        ("time_s;user\n1;1\n", ":1: unknown column 'time_s;user', did you mean 'time_s'?"),
        ("time_s,user,deadline_s\n1,1,0\n", ":2: deadline_s: expected a time above 0 s, or nothing for none, got '0'"),
        ('time_s,user\n1,"1\n', ":2: unexpected end of data, expected comma-separated values"),
        (b"time_s,user\n1,1\n\xff,2\n", ":3: is not UTF-8 text, expected a CSV file"),
    ],
)
def test_the_line_at_fault_is_named(path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(path, text)
    assert caught.value.problems == [f"{path}{problem}"]


def test_files_that_are_none(tmp_path: Path) -> None:
    for name, problem in (
        ("missing.csv", "cannot be read: No such file or directory, expected a CSV file"),
        ("", "is not a regular file, expected a CSV file"),
    ):
        with pytest.raises(ScenarioError) as caught:
            read_table(str(tmp_path / name), (COLUMNS,))
        assert caught.value.problems == [f"{tmp_path / name}: {problem}"]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ScenarioError, match="is not a regular file"):
        read_table(str(tmp_path / "pipe"), (COLUMNS,))


def test_limits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("time_s,user\n" + "1,1\n" * 3, encoding="utf-8")
    assert len(read_table(str(path), (COLUMNS,), 3).columns["user"]) == 3
    with pytest.raises(ScenarioError, match=r"data\.csv: has 4 lines, expected a table of at most 2 rows"):
        read_table(str(path), (COLUMNS,), 2)
    monkeypatch.setattr(tables, "MAX_TABLE_BYTE", 2**20)
    with pytest.raises(ScenarioError, match=r"data\.csv: larger than 1 MiB"):
        read(path, "time_s,user\n" + "1,1\n" * 2**18)


def test_names_of_files_stay_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.csv"
    path.write_text("time_s,user\n1,x\n")
    with pytest.raises(ScenarioError) as caught:
        read_table(str(path), (COLUMNS,))
    assert "\n" not in caught.value.problems[0]


def test_tables_are_remembered_until_they_change(path: Path) -> None:
    path.write_text("time_s,user\n1,1\n")
    once = read_table(str(path), (COLUMNS,))
    assert read_table(str(path), (COLUMNS,)) is once
    with pytest.raises(ValueError, match="read-only"):
        once.columns["user"][0] = 3
    path.write_text("time_s,user\n1,1\n2,2\n")
    assert len(read_table(str(path), (COLUMNS,)).columns["user"]) == 2


def test_a_row_is_refused_by_its_line(path: Path) -> None:
    path.write_text('name,time_s,user\n\n"a\nb",1,1\n\nc,2,2\nd,3,3\n')
    table = read_table(str(path), (COLUMNS,))
    table.refuse(table.columns["user"] > 3, "too many")
    with pytest.raises(ScenarioError, match=r"data\.csv:6: too many"):
        table.refuse(table.columns["user"] >= 2, "too many")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e12), st.integers(0, 9)), min_size=1, max_size=30))
def test_both_ways_of_reading_give_the_same(rows: list[tuple[float, int]]) -> None:
    """Numbers come back to the last bit, be it by NumPy or, where there are names, line by line."""
    with TemporaryDirectory() as folder:
        for header, name in (("time_s,user", ""), ("time_s,name,user", "x,")):
            path = Path(folder) / f"{name}.csv"
            path.write_text(header + "\n" + "".join(f"{time!r},{name}{user}\n" for time, user in rows))
            columns = read_table(str(path), (COLUMNS,)).columns
            assert list(zip(columns["time_s"], columns["user"], strict=True)) == rows


@pytest.mark.parametrize(
    "first", ["root:x:0:0:root:/root:/bin/sh", "-----BEGIN KEY-----", "key=0123456789abcdef", "a" * 60]
)
def test_no_message_shows_a_file_that_is_no_table(path: Path, first: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(path, f"{first}\n{first}\n")
    assert caught.value.problems == [f"{path}:1: no header of columns, expected time_s,user,[deadline_s]"]
