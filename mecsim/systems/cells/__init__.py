"""Personalized networks: users ask cells for sessions, and each is served at a quality that satisfies, or rejected.

`scenario` says what can be set, `simpy` is the definition of the system, `batched` the fast engine with the same
numbers, `engine` what both promise.
"""

from typing import TYPE_CHECKING

from mecsim.core.plugins import Reference
from mecsim.core.system import System
from mecsim.systems.cells.objectives import OBJECTIVES
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tables import TABLES

if TYPE_CHECKING:
    from mecsim.systems.cells.records import CellsRecords
    from mecsim.systems.cells.tape import CellsTapes

SYSTEM: "System[CellsScenario, CellsTapes, CellsRecords]" = System(
    name="cells",
    about="users ask cells for sessions, each is served at some quality or rejected",
    scenario=CellsScenario,
    package=__name__,
    objectives=OBJECTIVES,
    quantities={
        "satisfaction": "mean satisfaction (0 to 5)",
        "saved_resources": "share of the demanded block-seconds saved",
        "served_share": "share of the requests served",
        "blocked_share": "share for which no block was free",
        "adequate_share": "share at least adequately served",
        "fairness": "fairness among users (Jain)",
        "utilisation": "mean utilisation of the cells",
        "satisfied_users": "share of the users satisfied",
        "churn": "share of the users who left",
    },
    tables=TABLES,
    draw=Reference("mecsim.systems.cells.draw:draw_tapes"),
    layout=Reference("mecsim.systems.cells.layout:layout_of"),
    engines={
        "batched": Reference("mecsim.systems.cells.batched:BatchedCellsEngine"),
        "simpy": Reference("mecsim.systems.cells.simpy:SimpyCellsEngine"),
        "cuda": Reference("mecsim.systems.cells.cuda:CudaCellsEngine"),
    },
    episodes=Reference("mecsim.systems.cells.episodes:CellsEpisodes"),
    episode_quantities=Reference("mecsim.systems.cells.quantities:episode_quantities"),
    units={"request_satisfaction": "satisfaction with a request (0 to 5)"},
    unit_values=Reference("mecsim.systems.cells.quantities:request_values"),
    option_quantities=Reference("mecsim.systems.cells.quantities:option_quantities"),
    recorded=Reference("mecsim.systems.cells.quantities:recorded_objectives"),
    environment=Reference("mecsim.systems.cells.environment:CellsEnv"),
    rating_curves=Reference("mecsim.systems.cells.ratings:rating_curves"),
    timeline=Reference("mecsim.systems.cells.timeline:timeline"),
    scene=Reference("mecsim.systems.cells.scene:scene"),
    aliases=("personalize",),
)
