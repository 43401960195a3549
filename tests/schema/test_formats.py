"""CSV files of others: their names, units, separators, decimal signs and dates, as a format maps them to ours."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mecsim.errors import ScenarioError
from mecsim.schema.cells import Column
from mecsim.schema.formats import Clocked, Format
from mecsim.schema.stamps import parse_stamp
from mecsim.schema.tables import Table, read_table
from mecsim.schema.units import parse_unit

COLUMNS = (
    Column("time_s", "a time from 0 to 1e12 s", 0.0, 1e12, unit="s", stamps=True),
    Column("user", "the number of a user", 0.0, 9.0, whole=True, ids=True),
    Column("size_bit", "a size above 0", 1e-3, 1e18, unit="bit"),
    Column("deadline_s", "a time above 0 s", 1e-18, 1e18, optional=True, empty=np.inf, unit="s"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.csv"


def told(**keys: object) -> Format:
    return Clocked.model_validate(keys).format


def read(path: Path, text: str, **keys: object) -> Table:
    path.write_bytes(text.encode())
    return read_table(str(path), (COLUMNS,), as_told=told(**keys))


def values(table: Table) -> dict[str, list[float]]:
    return {name: column.tolist() for name, column in table.columns.items()}


def test_a_file_of_a_spreadsheet(path: Path) -> None:
    """Semicolons, decimal commas, a mark of the byte order, CRLF, other names, other units, further columns."""
    text = "\ufeffWhen;Who;Bytes;Note\r\n1500,5;b;2,5;x\r\n0;a;1;\r\n"
    columns = {
        "time_s": {"column": "When", "unit": "ms"},
        "user": {"column": "Who", "ids": True},
        "size_bit": {"column": "Bytes", "unit": "kB"},
        "name": "Note",
    }
    found = read(path, text, columns=columns, separator=";", decimal=",")
    assert values(found) == {"time_s": [1.5005, 0.0], "user": [1.0, 0.0], "size_bit": [20_000.0, 8000.0]}
    assert found.names == ("x", "")


def test_own_names_may_stand_beside_mapped_ones_and_values_for_all_rows(path: Path) -> None:
    text = "T,size_bit,deadline_s,other\n3,5,,x\n4,6,2,y\n"
    found = read(path, text, columns={"time_s": "T", "user": {"value": 7}})
    assert values(found) == {
        "time_s": [3.0, 4.0], "size_bit": [5.0, 6.0], "deadline_s": [np.inf, 2.0], "user": [7.0, 7.0]
    }  # fmt: skip


def test_a_unit_may_be_a_quantity(path: Path) -> None:
    found = read(path, "t,n\n1,100\n", columns={
        "time_s": "t", "user": {"value": 0}, "size_bit": {"column": "n", "unit": "32 bit"}})  # fmt: skip
    assert found.columns["size_bit"].tolist() == [3200.0]


def test_dates_count_from_the_first_or_from_the_origin(path: Path) -> None:
    text = "TIMESTAMP,user,size_bit\n2023-11-16 18:17:04.0319600,0,1\n2023-11-16 18:17:03.9799600,0,1\n"
    columns = {"time_s": "TIMESTAMP"}
    found = read(path, text, columns=columns)
    assert (found.columns["time_s"].tolist(), found.dated) == ([0.052, 0.0], True)
    found = read(path, text, columns=columns, origin="2023-11-16 18:17")
    assert (found.columns["time_s"].tolist(), found.dated) == ([4.03196, 3.97996], False)
    own = read(path, text.replace("TIMESTAMP", "time_s"))
    assert own.columns["time_s"].tolist() == [0.052, 0.0]


def test_zones_are_told_apart(path: Path) -> None:
    text = "time_s,user,size_bit\n2008-12-11 04:42:14+00,0,1\n2008-12-11T06:42:15+02:00,0,1\n2008-12-11T04:42:16Z,0,1\n"
    assert read(path, text).columns["time_s"].tolist() == [0.0, 1.0, 2.0]


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["T", " "]),
)
def test_stamps_are_those_of_the_standard_library(moment: datetime, ahead_min: int, between: str) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=ahead_min)))
    since = (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_stamp(zoned.isoformat(between)) == (since * 1000, True)
    naive = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert parse_stamp(moment.isoformat(between)) == (naive * 1000, False)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 9), st.floats(1, 1e6)), min_size=1, max_size=20),
    order=st.permutations(["When", "Who", "What", "Else"]),
    signs=st.sampled_from([(",", "."), (";", ","), ("|", ","), ("tab", "."), (";", ".")]),
)
def test_a_foreign_spelling_tells_the_same(
    rows: list[tuple[float, int, float]], order: list[str], signs: tuple[str, str]
) -> None:
    """As our own table of the same values, whatever the order of columns, the separator and the decimal sign."""
    separator, decimal = signs
    with TemporaryDirectory() as folder:
        own, other = Path(folder) / "own.csv", Path(folder) / "other.csv"
        own.write_text("time_s,user,size_bit\n" + "".join(f"{t!r},{u},{b!r}\n" for t, u, b in rows))
        letter = "\t" if separator == "tab" else separator
        lines = [letter.join(order)]
        for time_s, user, size_bit in rows:
            cells = {"When": repr(time_s), "Who": str(user), "What": repr(size_bit), "Else": "no number"}
            lines.append(letter.join(cells[name].replace(".", decimal) for name in order))
        other.write_text("\n".join(lines))
        columns = {"time_s": "When", "user": "Who", "size_bit": {"column": "What", "unit": "bit"}}
        as_told = told(columns=columns, separator=separator, decimal=decimal)
        found = read_table(str(other), (COLUMNS,), as_told=as_told)
        assert values(found) == values(read_table(str(own), (COLUMNS,)))


@pytest.mark.parametrize("text", ["", "12", "2023-11-16", "2023-02-30 10:00", "2023-01-01 24:00", "18:00:01"])
def test_other_texts_are_no_stamps(text: str) -> None:
    assert parse_stamp(text) is None


@pytest.mark.parametrize(
    "lines",
    [
        "# time_s,user,size_bit\n",
        "# of 2024\n#time_s,user,size_bit\n",
        "# of 2024, by hand\ntime_s,user,size_bit\n",
    ],
)
def test_headers_and_lines_above_them_may_be_comments(path: Path, lines: str) -> None:
    text = lines + "1,2,3\n2,3,x\n"
    with pytest.raises(ScenarioError, match=rf"data\.csv:{text.count(chr(10))}: size_bit"):
        read(path, text)
    found = read(path, lines + "1,2,3\n2,3,4\n")
    assert found.columns["time_s"].tolist() == [1.0, 2.0]
    with pytest.raises(ScenarioError, match=rf"data\.csv:{lines.count(chr(10)) + 2}: late"):
        found.refuse(found.columns["time_s"] > 1.0, "late")


@pytest.mark.parametrize(
    ("text", "keys", "problem"),
    [
        ("When,user,size_bit\n1,1,1\n", {"columns": {"time_s": "Time"}},
         ":1: no column 'Time', which is to be time_s; the file has 'When', 'user', 'size_bit'"),
        ("When,When,user,size_bit\n1,1,1,1\n", {"columns": {"time_s": "When"}},
         ":1: twice a column 'When', which is to be time_s; the file has 'When', 'When', 'user', 'size_bit'"),
        ("When,user\n1,1\n", {"columns": {"time_s": "When"}},
         ":1: no column for size_bit, expected time_s,user,size_bit,[deadline_s]; the file has 'When', 'user'"),
        ("When;user;size_bit\n1;1;1\n", {"columns": {"time_s": "When"}},
         ":1: no column for user and size_bit, expected time_s,user,size_bit,[deadline_s]; "
         "the file has 'When;user;size_bit'"),
        ("root:x:0:0\n1,1\n", {"columns": {"time_s": "root"}},
         ":1: no column for user and size_bit, expected time_s,user,size_bit,[deadline_s]; "
         "the file has no header of columns, or another separator"),
        ("t,user,size_bit\nsecret,1,1\n", {"columns": {"time_s": "t"}},
         ":2: time_s: expected a time from 0 to 1e12 s, got text that is none"),
        ("t,user,size_bit\n-77,1,1\n", {"columns": {"time_s": "t"}},
         ":2: time_s: expected a time from 0 to 1e12 s, got a number beyond that"),
        ("t,user,size_bit\n2023-01-01 00:00,1,1\n4,1,1\n", {"columns": {"time_s": "t"}},
         ":3: time_s: expected a date and a time without a zone such as 2023-11-16 18:17:03.5, as in the first row, "
         "got a number beyond that"),
        ("t,user,size_bit\n2023-01-01 00:00,1,1\n2023-01-01 00:00Z,1,1\n", {"columns": {"time_s": "t"}},
         ":3: time_s: expected a date and a time without a zone such as 2023-11-16 18:17:03.5, as in the first row, "
         "got text that is none"),
        ("time_s,user,size_bit\n2023-01-01 00:00,1,1\n", {"origin": "2023-01-02 00:00"},
         ":2: time_s: a moment before the origin, expected an earlier origin"),
        ("time_s,user,size_bit\n2023-01-01 00:00,1,1\n", {"origin": "2023-01-01 00:00Z"},
         ":2: time_s: expected an origin without a zone"),
        ("time_s,user,size_bit\n1,1,1\n", {"origin": "2023-01-01 00:00Z"},
         ":2: time_s: an origin needs dates and times, got '1'"),
        ("t,user,n\n1,1,1\n", {"columns": {"time_s": "t", "size_bit": {"column": "n", "unit": "s"}}},
         ":1: size_bit: expected a unit that can be told in bit, or a quantity, got 's'"),
        ("t,user,size_bit\n1,1,1\n", {"columns": {"time_s": {"column": "t", "ids": True}}},
         ":1: time_s: ids have no meaning here, expected a time from 0 to 1e12 s"),
        ("t,n,size_bit\n1,1,1\n", {"columns": {"time_s": "t", "user": {"column": "n", "unit": "s"}}},
         ":1: user: has no unit, expected the number of a user"),
        ("t,size_bit\n1,1\n", {"columns": {"time_s": "t", "user": {"value": 10}}},
         ": user: expected the number of a user, got a value of 10"),
        ("time_s;user;size_bit\n1;1;1.000,5\n", {"separator": ";", "decimal": ","},
         ":2: size_bit: expected a size above 0, got '1.000,5'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_the_cure(path: Path, text: str, keys: dict[str, object], problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(path, text, **keys)
    assert caught.value.problems == [f"{path}{problem}"]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"columns": "t"}, "expected a mapping from our columns"),
        ({"columns": {"time_s": {"unit": "s"}}}, "got neither"),
        ({"columns": {"time_s": {"column": "t", "value": 1}}}, "got both a column and a value"),
        ({"columns": {"time_s": {"column": "t", "units": "s"}}}, "unknown key 'units', did you mean 'unit'"),
        ({"columns": {"time_s": {"value": "x"}}}, "expected a number for all rows"),
        ({"columns": {"time_s": ["t"]}}, "expected the name of a column"),
        ({"columns": {"user": {"column": "t", "unit": "s", "ids": True}}}, "names have no unit"),
        ({"decimal": ","}, "is the separator, too"),
        ({"origin": "yesterday"}, "expected a date and a time such as"),
    ],
)
def test_formats_that_cannot_be(keys: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Clocked.model_validate(keys)


def test_formats_are_written_as_they_are_read() -> None:
    keys = {
        "columns": {"time_s": "t", "user": {"column": "u", "ids": True}, "size_bit": {"column": "b", "unit": "B"},
                    "priority": {"value": 1.0}},
        "separator": "tab", "decimal": ",", "origin": "2023-01-01 00:00",
    }  # fmt: skip
    written = Clocked.model_validate(keys).model_dump(mode="json", by_alias=True)
    assert written == keys
    assert Clocked.model_validate(written) == Clocked.model_validate(keys)


def test_units() -> None:
    assert [parse_unit("kB", "bit"), parse_unit("0.5 B", "bit")] == [8e3, 4.0]
    for text in ("mbit", "s", "", "-1 B", "0 B", "B B"):
        with pytest.raises(ValueError, match="expected a unit that can be told in bit"):
            parse_unit(text, "bit")
