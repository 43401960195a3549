"""What observations, actions and rewards hold."""

from mecsim.core.episodes import Layout
from mecsim_queue.admission.objectives import OBJECTIVES
from mecsim_queue.admission.scenario import AdmissionScenario

REJECT, ADMIT = range(2)  # options

TIME, REVENUE = range(2)  # columns of rewards

ADMITS, BACKLOG_S, SERVICE_S, VALUE = range(4)  # columns of an option's row
COSTS = 4  # the first of them, where the scenario shows any

REMAINING = 0  # entry of the context


def layout_of(scenario: AdmissionScenario) -> Layout:
    """Of a scenario."""
    costs = ("cost_time_in_system_s", "cost_revenue") if scenario.observation.cost_features else ()
    return Layout(
        steps=scenario.steps,
        objectives=OBJECTIVES,
        option_names=("reject", "admit"),
        option_columns=("admits", "backlog_s", "service_s", "value", *costs),
        context_columns=("remaining_share",),
        lowest_feature=-float("inf"),
        reward_low=(-float("inf"), 0.0),
        reward_high=(0.0, 1.0),
        cost_columns=(COSTS + TIME, COSTS + REVENUE) if costs else None,
        separable=("revenue",),
        count_columns=None,
        seen=f"{'with' if costs else 'without'} cost_features",
    )
