"""mecsim: multi-objective reinforcement learning for edge offloading and personalized wireless networks.

`gymnasium.make("mecsim/offload-v0", scenario="gmorl")` and `gymnasium.make("mecsim/personalize-v0")` work once this
package is imported. Everything heavy is imported when it is first asked for, so that `import mecsim` stays light.
"""

from typing import TYPE_CHECKING, Any

from gymnasium import register

from mecsim.version import __version__

if TYPE_CHECKING:
    from mecsim.envs.vector import make_vec
    from mecsim.scenario import Scenario, load_scenario

__all__ = ["Scenario", "__version__", "load_scenario", "make_vec"]

for _id, _entry_point in {
    "mecsim/offload-v0": "mecsim.envs.offload:OffloadEnv",
    "mecsim/personalize-v0": "mecsim.envs.personalize:PersonalizeEnv",
}.items():
    register(
        id=_id,
        entry_point=_entry_point,
        vector_entry_point="mecsim.envs.vector:BatchVectorEnv",
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
