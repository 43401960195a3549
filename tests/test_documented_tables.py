"""The reference names the columns of every table, in their order."""

import re
from pathlib import Path

import pytest
from mecsim_agents import METRICS

from mecsim.core.frames import Schema
from mecsim.core.system import SYSTEMS
from mecsim.report.bounds import bound_schema
from mecsim.sweep.files import objective_columns
from mecsim.training.metrics import metrics_schema

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"
OBJECTIVES = ("delay", "energy")  # of the examples in the reference
SCHEMAS = {
    **{table.file: table.schema for name in ("offload", "cells") for table in SYSTEMS.load(name).tables},
    "metrics.csv": metrics_schema(OBJECTIVES, METRICS),
    "front.csv": Schema(objective_columns(OBJECTIVES)),
    "bound.csv": bound_schema(OBJECTIVES),
}


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_the_documented_columns_are_those_that_are_declared(name: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    table = re.search(rf"^(?:Columns of )?`{re.escape(name)}`, [^\n]*\n\n((?:\|[^\n]*\n)+)", text, re.MULTILINE)
    assert table, f"reference.md has no table of the columns of {name}"
    first_cells = [row.split("|")[1] for row in table[1].splitlines()[2:]]
    assert re.findall(r"`(\w+)`", " ".join(first_cells)) == [column.name for column in SCHEMAS[name].columns]
