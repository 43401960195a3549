"""Quantities per episode that a simulation is reported by."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Play
from mecsim.core.rating import ADEQUATE_RATING, TOP_RATING
from mecsim.systems.offload.edges import server_powers
from mecsim.systems.offload.layout import offload_spec
from mecsim.systems.offload.misses import counted_of
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

OffloadPlay = Play[OffloadScenario, OffloadTapes, OffloadRecords]


def episode_quantities(
    played: OffloadPlay, tapes: OffloadTapes, scenario: OffloadScenario
) -> dict[str, NDArray[np.float64]]:
    """Quantity (see `System.quantities`) to values (N,), one per episode; NaN where an episode had no task."""
    records = played.records
    dispatched = records.dispatched
    tasks = dispatched.sum(axis=1)

    def per_task(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.where(dispatched, values, 0.0).sum(axis=1)
        return np.asarray(np.divide(total, tasks, out=np.full(len(tasks), np.nan), where=tasks > 0))

    to_cloud = (records.server < scenario.servers.cloud.count).astype(np.float64)
    executed_s = _executed_s(records, tapes, scenario)
    columns = {"delay_s": played.shown("delay"), "energy_j": played.shown("energy")}
    if scenario.energy.model == "power-curve":
        columns["idle_energy_j"] = _idle_j(tapes, scenario)
    columns |= {
        "tasks": tasks.astype(np.float64),
        "tasks_left_in_queue": (tapes.arrivals.sum(axis=1) - tasks).astype(np.float64),
        "delay_per_task_s": per_task(records.delay_s),
        "upload_per_task_s": per_task(records.upload_end_s - records.dispatch_s),
        "execution_alone_per_task_s": per_task(executed_s),
        "queued_per_task_s": per_task(records.queued_s),
        "queued_share": per_task((records.queued_s > 0.0).astype(np.float64)),
        "energy_per_task_j": per_task(records.energy_j),
        "cloud_share": per_task(to_cloud),
    }
    if scenario.servers.device is not None:
        columns["device_share"] = per_task((records.server >= scenario.max_servers).astype(np.float64))
    if scenario.has_deadlines:
        columns["deadline_miss_ratio"] = _miss_ratio(records, tapes)
    if scenario.servers.priced:
        columns["price"] = records.price.sum(axis=1)
    if scenario.satisfaction is not None:
        columns["satisfaction"] = per_task(records.satisfaction)
        columns["adequate_share"] = per_task((records.satisfaction >= ADEQUATE_RATING).astype(np.float64))
    return columns


def task_values(played: OffloadPlay, tapes: OffloadTapes, scenario: OffloadScenario) -> dict[str, NDArray[np.float64]]:
    """What each task came to, (N, T); NaN where a step had none to dispatch."""
    records = played.records
    columns = {"task_delay_s": records.delay_s, "task_queued_s": records.queued_s, "task_energy_j": records.energy_j}
    if scenario.satisfaction is not None:
        columns["task_satisfaction"] = records.satisfaction
    return {name: np.where(records.dispatched, values, np.nan) for name, values in columns.items()}


def option_quantities(
    played: OffloadPlay, tapes: OffloadTapes, scenario: OffloadScenario
) -> dict[str, NDArray[np.float64]]:
    """What each option had of an episode, (N, A); all devices are one option.

    `share` of the tasks; `load`: the time that its tasks take alone there per time of the episode, of a device on
    average. Beyond 1 it has more than it can do before the episode ends.
    """
    records, spec = played.records, offload_spec(scenario)
    option = np.minimum(records.server, spec.max_servers)
    duration_s = tapes.decision_s[:, -1:]

    def by_option(values: NDArray[np.float64]) -> NDArray[np.float64]:
        cell = option + spec.max_options * np.arange(len(option))[:, None]
        total = np.bincount(cell[records.dispatched], values[records.dispatched], len(option) * spec.max_options)
        return np.asarray(total.reshape(len(option), spec.max_options), np.float64)

    tasks = records.dispatched.sum(axis=1, keepdims=True)
    executed_s = by_option(_executed_s(records, tapes, scenario))
    load = np.divide(executed_s, duration_s, out=np.zeros_like(executed_s), where=duration_s > 0.0)
    load[:, spec.max_servers :] /= scenario.users.count
    return {"share": by_option(np.ones(option.shape)) / np.maximum(1, tasks), "load": load}


def recorded_objectives(records: OffloadRecords, tapes: OffloadTapes, scenario: OffloadScenario) -> NDArray[np.float64]:
    """Total delay (s), total energy (J) and what else there is of OBJECTIVES, (N, Q), by the records alone."""
    dispatched, spec = records.dispatched, offload_spec(scenario)
    delay_s = records.delay_s + (records.queued_s if spec.waiting_in_delay else 0.0)
    idle_j = _idle_j(tapes, scenario) if spec.power_curve else np.zeros(len(tapes))
    columns = [np.where(dispatched, delay_s, 0.0).sum(axis=1), records.energy_j.sum(axis=1) + idle_j]
    if spec.rated:
        short = np.where(dispatched, TOP_RATING - records.satisfaction, 0.0).sum(axis=1)
        columns.append(TOP_RATING - short / np.maximum(1, dispatched.sum(axis=1)))
    if spec.missed:
        columns.append(np.nan_to_num(_miss_ratio(records, tapes)))
    if spec.priced:
        columns.append(records.price.sum(axis=1))
    return np.stack(columns, axis=1)


def _idle_j(tapes: OffloadTapes, scenario: OffloadScenario) -> NDArray[np.float64]:
    """What the servers of each episode take if they do nothing, (N,)."""
    return server_powers(scenario).idle_w(tapes.num_servers) * tapes.decision_s[:, -1]


def _miss_ratio(records: OffloadRecords, tapes: OffloadTapes) -> NDArray[np.float64]:
    """Share of late tasks in each episode, (N,); NaN without any. `misses` says which are counted."""
    tasks, expired = counted_of(tapes, records.task)
    late = (records.dispatched & (records.result_s > records.deadline_s)).sum(axis=1) + expired
    return np.asarray(np.divide(late, tasks, out=np.full(len(late), np.nan), where=tasks > 0))


def _executed_s(records: OffloadRecords, tapes: OffloadTapes, scenario: OffloadScenario) -> NDArray[np.float64]:
    """How long each task takes alone on its server, (N, T)."""
    cpu_hz = np.take_along_axis(tapes.server_hz, records.server, axis=1)
    return np.asarray(records.cycles / cpu_hz)
