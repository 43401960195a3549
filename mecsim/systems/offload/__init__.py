"""Offloading: tasks of users run on a cloud, on edge servers or on their devices, and trade delay against energy.

`scenario` says what can be set, `simpy` is the definition of the system, `batched` the fast engine with the same
numbers, `engine` what both promise.
"""

from typing import TYPE_CHECKING

from mecsim.core.plugins import Reference
from mecsim.core.system import System
from mecsim.systems.offload.objectives import OBJECTIVES
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tables import TABLES

if TYPE_CHECKING:
    from mecsim.systems.offload.records import OffloadRecords
    from mecsim.systems.offload.tape import OffloadTapes

SYSTEM: "System[OffloadScenario, OffloadTapes, OffloadRecords]" = System(
    name="offload",
    about="tasks of users run on a cloud, on edge servers or on their devices",
    scenario=OffloadScenario,
    package=__name__,
    objectives=OBJECTIVES,
    quantities={
        "delay_s": "total delay (s)",
        "energy_j": "total energy (J)",
        "idle_energy_j": "of which idle servers (J)",
        "tasks": "tasks dispatched",
        "tasks_left_in_queue": "tasks left in the queue",
        "delay_per_task_s": "delay per task (s)",
        "upload_per_task_s": "of which upload (s)",
        "execution_alone_per_task_s": "of which alone on its server (s)",
        "queued_per_task_s": "waiting before dispatch per task (s)",
        "queued_share": "share of tasks that wait before dispatch",
        "energy_per_task_j": "energy per task (J)",
        "cloud_share": "share of tasks to the cloud",
        "device_share": "share of tasks on the users' devices",
        "deadline_miss_ratio": "share of tasks that missed their deadline",
        "price": "total price",
        "satisfaction": "mean satisfaction (0 to 5)",
        "adequate_share": "share at least adequately served",
    },
    tables=TABLES,
    draw=Reference("mecsim.systems.offload.draw.tapes:draw_tapes"),
    layout=Reference("mecsim.systems.offload.layout:layout_of"),
    engines={
        "batched": Reference("mecsim.systems.offload.batched:BatchedOffloadEngine"),
        "simpy": Reference("mecsim.systems.offload.simpy:SimpyOffloadEngine"),
        "cuda": Reference("mecsim.systems.offload.cuda:CudaOffloadEngine"),
    },
    episodes=Reference("mecsim.systems.offload.episodes:OffloadEpisodes"),
    episode_quantities=Reference("mecsim.systems.offload.quantities:episode_quantities"),
    units={
        "task_delay_s": "delay of a task (s)",
        "task_queued_s": "waiting of a task before dispatch (s)",
        "task_energy_j": "energy of a task (J)",
        "task_satisfaction": "satisfaction with a task (0 to 5)",
    },
    unit_values=Reference("mecsim.systems.offload.quantities:task_values"),
    option_quantities=Reference("mecsim.systems.offload.quantities:option_quantities"),
    recorded=Reference("mecsim.systems.offload.quantities:recorded_objectives"),
    concerns=Reference("mecsim.systems.offload.concerns:concerns"),
    environment=Reference("mecsim.systems.offload.environment:OffloadEnv"),
    rating_curves=Reference("mecsim.systems.offload.ratings:rating_curves"),
    timeline=Reference("mecsim.systems.offload.timeline:timeline"),
    scene=Reference("mecsim.systems.offload.scene:scene"),
    bounds=Reference("mecsim.systems.offload.bound.relaxation:episode_bounds"),
)
