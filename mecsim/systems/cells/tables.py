"""requests.csv and cells.csv: every request and cell of the episodes that were simulated."""

from typing import TYPE_CHECKING

import numpy as np

from mecsim.core.frames import Column, Schema, Values
from mecsim.core.record_tables import EPISODE, RecordTable
from mecsim.people.population import ACTIVITIES, PERIODS
from mecsim.systems.cells.scenario import CellsScenario

if TYPE_CHECKING:
    from mecsim.systems.cells.records import CellsRecords
    from mecsim.systems.cells.tape import CellsTapes

REQUESTS = Schema(
    (
        Column(EPISODE, "Int64", "from 0"),
        Column("request", "Int64", "position in the order of arrival, from 0"),
        Column("user", "Int64", "whose it is"),
        Column("persona", "String", "what kind of person that is"),
        Column("period", "String", "of the day"),
        Column("place", "String", "where the user is"),
        Column("activity", "String", "what the user does"),
        Column("speed_m_per_s", "Float64", "how fast the user moves"),
        Column("application", "String", "what is asked for"),
        Column("cqi", "Int64", "of the cell that serves it, else of the strongest one"),
        Column("min_rate_bit_per_s", "Float64", "with less it does not work"),
        Column("demand_rate_bit_per_s", "Float64", "with more it works no better"),
        Column("given_rate_bit_per_s", "Float64", "what it got; 0 where it was rejected"),
        Column("blocks", "Int64", "what it held; 0 where it was rejected"),
        Column("start_s", "Float64", "when it arrived, in the episode"),
        Column("end_s", "Float64", "when it ended, in the episode; where it was rejected as it arrived"),
        Column("blocked", "Int64", "1 where no option but rejection was possible"),
        Column("satisfaction", "Float64", "0 to 5"),
        Column("predicted_satisfaction", "Float64", "0 to 5"),
        Column(
            "saved_block_s", "Float64", "block-seconds at the demanded rate in the strongest cell, minus those held"
        ),
        Column("cell", "Int64", "that serves it; −1 where it was rejected"),
        Column("level", "Int64", "of its rate, from 1; 0 where it was rejected"),
        Column("adequate_position", "Float64", "of the user's adequate level then, with memory", optional=True),
        Column("desired_position", "Float64", "of the user's desired level then, with memory", optional=True),
        Column("left", "Int64", "1 where the user had left: nothing was asked for; with memory", optional=True),
    )
)
"""A row per request, in the order of arrival."""

CELLS = Schema(
    (
        Column(EPISODE, "Int64", "from 0"),
        Column("cell", "Int64", "from 0"),
        Column("blocks", "Int64", "that it has"),
        Column("requests", "Int64", "that it served"),
        Column("busy_block_s", "Float64", "integral of its occupied blocks over time"),
        Column("peak_blocks", "Int64", "most that were occupied at a time"),
    )
)
"""A row per cell."""


def request_columns(records: "CellsRecords", tapes: "CellsTapes", scenario: CellsScenario) -> dict[str, Values]:
    """requests.csv of some episodes."""
    episode, request = np.indices(tapes.user.shape)
    level, served, levels = records.level, records.level > 0, tapes.rate_bit_per_s.shape[2]
    given = np.take_along_axis(tapes.rate_bit_per_s, np.maximum(level - 1, 0)[..., None], axis=2)[..., 0]
    candidate = np.where(served, (records.option - 1) // levels, 0)
    words = {
        "persona": tuple(scenario.population.personas),
        "period": PERIODS,
        "place": scenario.population.place_names,
        "activity": ACTIVITIES,
        "application": tuple(scenario.population.applications),
    }
    columns = {
        EPISODE: episode,
        "request": request,
        "user": tapes.user,
        **{name: np.array(entries)[getattr(tapes, name)] for name, entries in words.items()},
        "speed_m_per_s": tapes.speed_m_per_s,
        "cqi": np.take_along_axis(tapes.cqi, candidate[..., None], axis=2)[..., 0],
        "min_rate_bit_per_s": tapes.min_rate_bit_per_s,
        "demand_rate_bit_per_s": tapes.demand_rate_bit_per_s,
        "given_rate_bit_per_s": np.where(served, given, 0.0),
        "blocks": records.blocks,
        "start_s": records.start_s,
        "end_s": records.end_s,
        "blocked": records.blocked.astype(np.int64),
        "satisfaction": records.satisfaction,
        "predicted_satisfaction": records.predicted,
        "saved_block_s": records.saved_block_s,
        "cell": records.cell,
        "level": level,
    }
    if scenario.memory is not None:
        columns |= {"adequate_position": records.adequate, "desired_position": records.desired}
        columns["left"] = records.left.astype(np.int64)
    return {name: values.ravel() for name, values in columns.items()}


def cell_columns(records: "CellsRecords", tapes: "CellsTapes", scenario: CellsScenario) -> dict[str, Values]:
    """cells.csv of some episodes."""
    episode, cell = np.indices(records.busy_block_s.shape)
    served = (records.cell[:, None, :] == np.arange(records.busy_block_s.shape[1])[:, None]).sum(axis=2)
    return {
        EPISODE: episode.ravel(),
        "cell": cell.ravel(),
        "blocks": np.full(cell.size, scenario.cells.blocks),
        "requests": served.ravel(),
        "busy_block_s": records.busy_block_s.ravel(),
        "peak_blocks": records.peak_blocks.ravel(),
    }


TABLES = (RecordTable("requests.csv", REQUESTS, request_columns), RecordTable("cells.csv", CELLS, cell_columns))
