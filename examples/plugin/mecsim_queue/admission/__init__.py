"""Admission to a queue: each job that arrives is admitted or turned away; revenue is traded against waiting.

After Naor (The regulation of queue size by levying tolls, Econometrica 37, 1969): one server, first come first served.
"""

from typing import TYPE_CHECKING

from mecsim.core.plugins import Reference
from mecsim.core.system import System
from mecsim_queue.admission.objectives import OBJECTIVES
from mecsim_queue.admission.scenario import AdmissionScenario
from mecsim_queue.admission.tables import TABLES

if TYPE_CHECKING:
    from mecsim_queue.admission.records import AdmissionRecords
    from mecsim_queue.admission.tape import AdmissionTapes

SYSTEM: "System[AdmissionScenario, AdmissionTapes, AdmissionRecords]" = System(
    name="admission",
    about="jobs are admitted to a queue or turned away",
    scenario=AdmissionScenario,
    package=__name__,
    objectives=OBJECTIVES,
    quantities={
        "time_in_system_s": "time of admitted jobs in the system (s)",
        "revenue": "share of the offered value that was admitted",
        "admitted_share": "share of the jobs admitted",
    },
    tables=TABLES,
    draw=Reference("mecsim_queue.admission.tape:draw_tapes"),
    layout=Reference("mecsim_queue.admission.layout:layout_of"),
    engines={
        "batched": Reference("mecsim_queue.admission.batched:BatchedAdmissionEngine"),
        "simpy": Reference("mecsim_queue.admission.simpy:SimpyAdmissionEngine"),
    },
    episodes=Reference("mecsim_queue.admission.episodes:AdmissionEpisodes"),
    episode_quantities=Reference("mecsim_queue.admission.records:episode_quantities"),
    recorded=Reference("mecsim_queue.admission.records:recorded_objectives"),
    environment=Reference("mecsim_queue.admission.episodes:AdmissionEnv"),
)
