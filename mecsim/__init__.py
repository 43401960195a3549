"""mecsim: multi-objective reinforcement learning for edge offloading and personalized wireless networks.

Once this package is imported, `gymnasium.make("mecsim/NAME-v0", scenario=…)` makes an environment of the system NAME,
such as `mecsim/offload-v0` and `mecsim/cells-v0`. Everything heavy is imported when it is first asked for, so that
`import mecsim` stays light.
"""

from typing import TYPE_CHECKING, Any

from gymnasium import register

from mecsim.core.plugins import SYSTEM_PLACES
from mecsim.version import __version__

if TYPE_CHECKING:
    from mecsim.envs.vector import make_vec
    from mecsim.scenario import Scenario, load_scenario

__all__ = ["Scenario", "__version__", "load_scenario", "make_vec"]

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


def __getattr__(name: str) -> Any:
    """The public names, imported at first use."""
    if name == "make_vec":
        from mecsim.envs.vector import make_vec

        return make_vec
    if name in ("Scenario", "load_scenario"):
        import mecsim.scenario

        return getattr(mecsim.scenario, name)
    raise AttributeError(f"module 'mecsim' has no attribute {name!r}")
