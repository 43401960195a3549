"""Tables: the bytes that are written, what is read back, and what is refused."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mecsim_agents import METRICS

from mecsim.core.frames import Column, CsvFile, Schema, csv_text, read_csv, write_csv
from mecsim.core.system import SYSTEMS
from mecsim.errors import InputError, RunError
from mecsim.scenario import load_scenario
from mecsim.sweep.files import front_schema
from mecsim.training.metrics import metrics_schema

SCHEMAS = {
    **{table.file: table.schema for name in SYSTEMS.plugins for table in SYSTEMS.load(name).tables},
    "front.csv": front_schema(load_scenario("gmorl-personal")),
    "metrics.csv": metrics_schema(("delay", "energy"), METRICS),
}
SMALL = Schema(
    (
        Column("name", "String", "who"),
        Column("count", "Int64", "how many"),
        Column("size_bit", "Float64", "how large", gaps=True),
        Column("rate_bit_per_s", "Float64", "how fast", optional=True),
    )
)
ROWS: dict[str, list[Any]] = {"name": ["a", "b, c"], "count": [1, 2], "size_bit": [1.5, None]}

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
VALUES = {"Int64": st.integers(-(2**63), 2**63 - 1), "Float64": st.floats(), "String": TEXTS}


@st.composite
def tables(draw: st.DrawFn, schema: Schema) -> dict[str, list[object]]:
    """Values of all columns, or without the optional ones, from no row to a few."""
    count, whole = draw(st.integers(0, 4)), draw(st.booleans())
    return {
        column.name: draw(
            st.lists(
                st.none() | VALUES[column.type] if column.gaps else VALUES[column.type], min_size=count, max_size=count
            )
        )
        for column in schema.columns
        if whole or not column.optional
    }


def as_csv_module_writes(schema: Schema, columns: dict[str, list[object]]) -> bytes:
    """The same table by Python's own writer."""

    def told(name: str, value: object) -> object:
        digits = schema.named(name).digits
        return value if digits is None or value is None else f"{value:.{digits}g}"

    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*([told(name, value) for value in values] for name, values in columns.items()), strict=True))
    return out.getvalue().encode()


@pytest.mark.parametrize("name", list(SCHEMAS))
@given(data=st.data())
def test_a_table_has_the_bytes_of_pythons_own_writer_and_is_read_back(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    schema = SCHEMAS[name]
    columns = data.draw(tables(schema))
    path = tmp_path_factory.mktemp("table") / name
    frame = schema.frame(columns)
    write_csv(path, frame, schema)
    assert path.read_bytes() == as_csv_module_writes(schema, columns)
    again = read_csv(path, schema)
    assert again.schema == frame.schema
    for column in schema.columns:
        if column.name not in columns:
            continue
        expected = columns[column.name]
        if column.digits is not None:
            expected = [None if value is None else float(f"{value:.{column.digits}g}") for value in expected]
        found = again[column.name].to_list()
        if column.type == "Float64":  # to the last bit, NaN included
            assert [None if x is None else repr(x) for x in found] == [None if x is None else repr(x) for x in expected]
        else:
            assert found == expected
    assert list(path.parent.iterdir()) == [path]


@given(number=st.floats(), edge=st.sampled_from([1e-4, 1e16, 9999999999999998.0, 1e-05, 5e-324, 1e22, -0.0]))
def test_every_number_looks_as_python_writes_it(
    number: float, edge: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("table") / "a.csv"
    schema = Schema((Column("value", "Float64", "of anything"),))
    values = [number, edge, -edge]
    path.write_bytes(csv_text({"value": np.array(values)}, schema))
    assert path.read_bytes().decode() == "".join(f"{text}\r\n" for text in ["value", *map(repr, values)])


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_every_column_is_described_once_and_names_are_plain(name: str) -> None:
    columns = SCHEMAS[name].columns
    assert len({column.name for column in columns}) == len(columns)
    for column in columns:
        assert column.about, column.name
        assert not column.about.endswith("."), column.name
        assert column.name.isidentifier(), column.name
        assert column.digits is None or column.type == "Float64"


def test_batches_are_one_table(tmp_path: Path) -> None:
    schema = SCHEMAS["servers.csv"]
    whole: dict[str, list[Any]] = {
        "episode": [0, 0, 1],
        "server": [0, 1, 0],
        "kind": ["cloud", "edge", "cloud"],
        "name": ["cloud", "edge_01", "cloud"],
        "cpu_hz": [4e9, 2e9, 0.1],
    }
    write_csv(tmp_path / "whole.csv", schema.frame(whole), schema)
    with CsvFile(tmp_path / "parts.csv") as file:
        for part in (slice(0, 2), slice(2, 2), slice(2, 3)):
            file.append(csv_text({name: values[part] for name, values in whole.items()}, schema))
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_batches_of_other_columns_are_refused(tmp_path: Path) -> None:
    with CsvFile(tmp_path / "a.csv") as file:
        file.append(csv_text(ROWS, SMALL))
        with pytest.raises(ValueError, match=r"name,count,.*rate_bit_per_s.* differ from those before"):
            file.append(csv_text({**ROWS, "rate_bit_per_s": [1.0, 2.0]}, SMALL))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"name": ["a"], "count": [1]}, "size_bit: the column is missing"),
        ({**ROWS, "extra": [1, 2]}, "extra: is no column of this table"),
        ({**ROWS, "count": [1, None]}, "count: has gaps"),
    ],
)
def test_what_does_not_fit_the_schema_is_not_written(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SMALL.frame(columns)


def test_rows_may_lack_columns_that_may_be_empty() -> None:
    frame = SMALL.rows([{"name": "a", "count": 1}, {"count": 2, "name": "b", "size_bit": 3.0}])
    assert frame.columns == ["name", "count", "size_bit"]
    assert frame["size_bit"].to_list() == [None, 3.0]
    with pytest.raises(ValueError, match="sise_bit: is no column"):
        SMALL.rows([{"name": "a", "count": 1, "sise_bit": 1.0}])


HEADER = b"name,count,size_bit\r\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (HEADER + b"a,1,2\r\nb,x,\r\n", ":3: count: expected a whole number, got 'x'"),
        (HEADER + b"a,1.5,2\r\n", ":2: count: expected a whole number, got '1.5'"),
        (HEADER + b"a,,2\r\n", ":2: count: expected a whole number, got ''"),
        (HEADER + b",1,2\r\n", ":2: name: expected text, got ''"),
        (HEADER + b'a,1,2\r\n"b\nb",2,3\r\nc,3,large\r\n', ":5: size_bit: expected a number or nothing, got 'large'"),
        (b"name,size_bit\r\na,1\r\n", ": count: the column is missing"),
        (b"name,count,size_bit,colour\r\na,1,2,red\r\n", ": colour: is no column of this table, these are name, count"),
        (b'"two\nlines",b\r\n', ": two lines: is no column of this table"),
        (b"", ": name: the column is missing"),
        (HEADER + b"a,1,2,3,4\r\n", ": cannot be read: "),
        (HEADER + b"\xff\xfe,1,2\r\n", ": cannot be read: "),
        (None, ": cannot be read: No such file"),
    ],
)
@pytest.mark.parametrize("error", [InputError, RunError])
def test_a_wrong_file_is_one_line_that_says_where(
    content: bytes | None, told: str, error: type, tmp_path: Path
) -> None:
    path = tmp_path / "small.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as caught:
        read_csv(path, SMALL, error)
    assert str(caught.value).startswith(f"{path}{told}")
    assert "\n" not in str(caught.value)
    assert type(caught.value) is error


def test_what_a_short_line_lacks_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + b"a,1\r\n")
    assert read_csv(tmp_path / "a.csv", SMALL)["size_bit"].to_list() == [None]
    (tmp_path / "a.csv").write_bytes(HEADER + b"a\r\n")
    with pytest.raises(InputError, match=r":2: count: expected a whole number, got ''"):
        read_csv(tmp_path / "a.csv", SMALL)


def test_columns_are_read_in_any_order_and_come_in_that_of_the_schema(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("rate_bit_per_s,size_bit,name,count\ninf,nan,a,-3\n", encoding="utf-8")
    frame = read_csv(tmp_path / "a.csv", SMALL)
    assert frame.columns == ["name", "count", "size_bit", "rate_bit_per_s"]
    assert frame.row(0)[:2] == ("a", -3)
    assert np.isnan(frame["size_bit"][0])
    assert frame["rate_bit_per_s"][0] == np.inf
    assert frame.dtypes == [pl.String, pl.Int64, pl.Float64, pl.Float64]


def test_an_interrupted_write_leaves_the_earlier_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    write_csv(path, SMALL.frame(ROWS), SMALL)
    before = path.read_bytes()

    def interrupted(*given: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pl.DataFrame, "write_csv", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_csv(path, SMALL.frame({**ROWS, "count": [3, 4]}), SMALL)
    assert path.read_bytes() == before
