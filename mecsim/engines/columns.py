"""Names of what an observation holds, with units, in the order of `mecsim.engines.system`."""

from mecsim.engines.system import TO_MBIT, System

CONTEXT_COLUMNS = ("queued_tasks", "queued_mbit", "remaining_share")

_COSTS = ("delay_s", "energy_j", "satisfaction_shortfall")
_ALWAYS = ("size_mbit", "rate_mbit_per_s", "cpu_ghz", "executing_tasks", "uploading_tasks", "edges")


def option_columns(system: System) -> tuple[str, ...]:
    """A name for each column of an option's row, (F,).

    `residual_LOW_HIGH_mbit` counts the executing tasks of which LOW to HIGH Mbit are left; the last bin is open.
    """
    width_mbit = TO_MBIT / system.bins_per_bit
    edges = [f"{index * width_mbit:.6g}" for index in range(system.bins)]
    bins = [f"residual_{low}_{high}_mbit" for low, high in zip(edges, [*edges[1:], "inf"], strict=True)]
    costs = _COSTS[: system.num_costs] if system.cost_features else ()
    some = {"device": system.device, "deadline_s": system.deadlines, "class": system.classes}
    levels = ("centre_s", "steepness_per_s") if system.logistic else ("adequate_s", "desired_s")
    extras = (*(name for name, there in some.items() if there), *(levels if system.rated else ()))
    return (*_ALWAYS, *bins, *costs, *extras)
