"""Every entry of an observation has a name."""

import pytest

from mecsim.scenario import with_context
from mecsim.systems.offload.layout import (
    CONTEXT_SIZE,
    EXECUTING,
    HISTOGRAM,
    RATE_MBIT_PER_S,
    context_columns,
    layout_of,
    offload_spec,
    option_columns,
)
from tests.one_system import offload_scenario

CHANGES = {
    "plain": {"observation.cost_features": "false"},
    "costs": {},
    "device": {"servers.device": "{cpu: 1 GHz}"},
    "all": {"servers.device.cpu": "1 GHz", "tasks.deadline": "[1, 9] s", "tasks.priorities": "[0.5, 0.5]"},
    "zone": {"satisfaction": "{}", "tasks.deadline": "[1, 9] s"},
    "logistic": {"satisfaction.form": "logistic"},
    "upcoming": {"observation.upcoming": "2"},
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_there_are_as_many_names_as_columns(name: str) -> None:
    scenario = with_context(offload_scenario("gmorl"), CHANGES[name])
    spec = offload_spec(scenario)
    columns = option_columns(spec)
    assert len(columns) == len(set(columns)) == spec.option_width
    assert (columns[EXECUTING], columns[RATE_MBIT_PER_S]) == ("executing_tasks", "rate_mbit_per_s")
    assert columns[HISTOGRAM] == "residual_0_1_mbit"
    assert columns[HISTOGRAM + spec.bins - 1] == "residual_59_inf_mbit"
    costs = layout_of(scenario).cost_columns
    rated = ["satisfaction_shortfall"] if name in ("zone", "logistic") else []
    assert costs is None or [columns[index] for index in costs] == ["delay_s", "energy_j", *rated]
    extras = {
        "device": ("device",),
        "all": ("device", "deadline_s", "class"),
        "zone": ("deadline_s", "adequate_s", "desired_s"),
        "logistic": ("centre_s", "steepness_per_s"),
    }
    assert columns[spec.extra_column :] == extras.get(name, ())
    upcoming = ("upcoming_1", "upcoming_1_mbit", "upcoming_2", "upcoming_2_mbit") if name == "upcoming" else ()
    assert context_columns(spec)[CONTEXT_SIZE:] == upcoming
    assert len(context_columns(spec)) == spec.shape[2]


def test_bins_of_any_width() -> None:
    changed = {"observation.histogram.bins": "3", "observation.histogram.width": "2.5 Mbit"}
    columns = option_columns(offload_spec(with_context(offload_scenario("gmorl"), changed)))
    assert columns[HISTOGRAM : HISTOGRAM + 3] == ("residual_0_2.5_mbit", "residual_2.5_5_mbit", "residual_5_inf_mbit")
