"""mecsim: multi-objective reinforcement learning for edge offloading.

`gymnasium.make("mecsim/offload-v0", scenario="gmorl")` works once this package is imported. Everything heavy is
imported when it is first asked for, so that `import mecsim` stays light.
"""

from typing import TYPE_CHECKING, Any

from gymnasium import register

from mecsim.version import __version__

if TYPE_CHECKING:
    from mecsim.envs.vector import make_vec
    from mecsim.scenario import Scenario, load_scenario

__all__ = ["Scenario", "__version__", "load_scenario", "make_vec"]

register(
    id="mecsim/offload-v0",
    entry_point="mecsim.envs.offload:OffloadEnv",
    vector_entry_point="mecsim.envs.vector:OffloadVectorEnv",
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
