"""`mecsim/offload-v0`: offload tasks to a cloud and edges, one decision per step, with a vector reward."""

from mecsim.envs.single import SystemEnv
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes


class OffloadEnv(SystemEnv[OffloadScenario, OffloadTapes, OffloadRecords]):
    """Offload tasks to a cloud and edges.

    **Observation** (`Dict`): `options` (A, F) float32, a row per server: task size (Mbit), rate to that server
    (Mbit/s), CPU (GHz), tasks executing, tasks uploading, number of edges, a histogram of the residual sizes of its
    executing tasks, and, where the scenario has `cost_features`, the immediate delay (s) and energy (J) of choosing it.
    Rows of servers that do not exist in this episode are −1. `mask` (A,) int8 is 1 for servers that exist. `context`
    (G,) float32: tasks in the dispatch queue, their Mbit, the share of the episode that remains, and, where the
    scenario shows `upcoming` tasks, for each place behind the head of the queue whether a task waits there that can
    still be dispatched, and its Mbit. Devices, deadlines, classes and rated delays add columns at the end of `options`
    (`OffloadSpec.extra_column`).

    **Action** (`Discrete(A)`): the server for the task at the head of the queue. Without a task it has no effect. An
    absent server stands for the last one that exists.

    **Reward** (`reward_space`, float32): minus the cost of each objective, in the scenario's order. `delay` (s) is by
    how much the dispatch raises the total remaining delay of all tasks in the system, so that an episode's sum is the
    total delay of its tasks; `energy` (J) is what the task consumes; `satisfaction` is by how much the dispatch raises
    what the ratings of all tasks in the system fall short of 5, over the number of tasks that the episode dispatches,
    so that an episode's sum is its mean rating minus 5.

    **Start**: the tasks of the first step have arrived. `reset(seed=s)` starts with episode 0 of seed s; further
    resets go on with episode 1, 2, …

    **End**: the episode terminates after T steps, when the remaining tasks finish and nothing more can be earned.

    **Info**: `delay_s`, `energy_j` of the dispatch, and `satisfaction_shortfall` where delays are rated;
    `queued_tasks`, `queued_mbit`, `executing_tasks` (A,), `action_mask` (A,).

    Args:
        scenario: the name of a built-in scenario, a file, or a `OffloadScenario`.
        engine: `simpy`, the definition, or `batched`, the fast one with the same results.
    """

    SYSTEM = "offload"
    DEFAULT = "gmorl"
