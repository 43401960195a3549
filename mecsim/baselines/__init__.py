"""Policies to compare with, by name, and how policies are played."""

from collections.abc import Mapping
from types import MappingProxyType

from mecsim.baselines.calibration import Calibration, calibrate
from mecsim.baselines.policy import Play, Policy, PolicyFactory, play
from mecsim.baselines.simple import CloudPolicy, GreedyPolicy, RandomPolicy
from mecsim.errors import InputError
from mecsim.scenario import Scenario

BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "random": "the cloud with probability p = weight of the first objective, else an edge at random",
        "greedy": "the least immediate cost, known exactly",
        "cloud": "everything to the cloud",
        "edge": "an edge at random",
    }
)


def baseline(name: str, scenario: Scenario) -> PolicyFactory:
    """The baseline of a name, ready for a scenario.

    Raises:
        InputError: there is no such baseline.
    """
    match name:
        case "random":
            return RandomPolicy
        case "greedy":
            return lambda seed: GreedyPolicy(calibrate(scenario).scale)
        case "cloud":
            return lambda seed: CloudPolicy()
        case "edge":
            return lambda seed: RandomPolicy(seed, p=0.0)
    raise InputError(f"no baseline is called {name!r}; there are {', '.join(BASELINES)}")


__all__ = [
    "BASELINES",
    "Calibration",
    "CloudPolicy",
    "GreedyPolicy",
    "Play",
    "Policy",
    "PolicyFactory",
    "RandomPolicy",
    "baseline",
    "calibrate",
    "play",
]
