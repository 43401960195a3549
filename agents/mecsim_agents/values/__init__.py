"""What learners have in common that value every option for every preference; their names are in `sac` and `dqn`."""

from typing import TYPE_CHECKING

from mecsim_agents.late import late
from mecsim_agents.values.config import ValueConfig
from mecsim_agents.values.metrics import VALUE_METRICS

if TYPE_CHECKING:
    from mecsim_agents.values.deployed import DeployedPolicy
    from mecsim_agents.values.learner import ValueLearner
    from mecsim_agents.values.model import ValueModel

__all__ = ["VALUE_METRICS", "DeployedPolicy", "ValueConfig", "ValueLearner", "ValueModel"]

__getattr__ = late(
    __name__,
    {
        "DeployedPolicy": "mecsim_agents.values.deployed",
        "ValueLearner": "mecsim_agents.values.learner",
        "ValueModel": "mecsim_agents.values.model",
    },
)
