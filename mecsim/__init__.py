"""mecsim: multi-objective reinforcement learning for edge offloading and personalized wireless networks.

Once this package is imported, `gymnasium.make("mecsim/NAME-v0", scenario=…)` makes an environment of the system NAME,
such as `mecsim/offload-v0` and `mecsim/cells-v0`, with a vector reward; `mecsim/NAME-scalar-v0` has one reward, of
`preference=…` and `scale=…`, and one vector to observe. `train`, `sweep`, `choose` and `simulate` are the commands of
these names, with objects as results. Everything heavy is imported when it is first asked for, so that `import mecsim`
stays light.
"""

from typing import TYPE_CHECKING, Any

from gymnasium import register

from mecsim.core.plugins import SYSTEM_PLACES, Reference
from mecsim.version import __version__

if TYPE_CHECKING:
    from mecsim.api.choice import Chosen, choose
    from mecsim.api.fronts import Sweep, sweep
    from mecsim.api.simulation import Simulation, simulate
    from mecsim.api.training import Run, train
    from mecsim.envs.vector import make_vec
    from mecsim.scenario import Scenario, load_scenario, with_context

__all__ = [
    "Chosen",
    "Run",
    "Scenario",
    "Simulation",
    "Sweep",
    "__version__",
    "choose",
    "load_scenario",
    "make_vec",
    "simulate",
    "sweep",
    "train",
    "with_context",
]

_PLACES = {
    "Chosen": "mecsim.api.choice",
    "Run": "mecsim.api.training",
    "Scenario": "mecsim.scenario",
    "Simulation": "mecsim.api.simulation",
    "Sweep": "mecsim.api.fronts",
    "choose": "mecsim.api.choice",
    "load_scenario": "mecsim.scenario",
    "make_vec": "mecsim.envs.vector",
    "simulate": "mecsim.api.simulation",
    "train": "mecsim.api.training",
    "with_context": "mecsim.scenario",
}
"""Where public names stand. `sweep` is the package of that name, which can be called."""

_FORMER = {"personalize": "cells"}
"""Names of environments in earlier versions."""

for _name in (*SYSTEM_PLACES.plugins, *_FORMER):
    register(
        id=f"mecsim/{_name}-v0",
        entry_point="mecsim.envs.registered:single",
        vector_entry_point="mecsim.envs.registered:vector",
        kwargs={"system": _FORMER.get(_name, _name)},
        disable_env_checker=True,  # the checker knows scalar rewards only
    )
    register(
        id=f"mecsim/{_name}-scalar-v0",
        entry_point="mecsim.envs.registered:scalar",
        kwargs={"system": _FORMER.get(_name, _name)},
    )


def __getattr__(name: str) -> Any:
    """The public names, imported at first use."""
    if name == "sweep":
        import mecsim.sweep as package

        return package
    if name in _PLACES:
        return Reference[Any](f"{_PLACES[name]}:{name}").load()
    raise AttributeError(f"module 'mecsim' has no attribute {name!r}")
