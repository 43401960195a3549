"""The baselines by name, for each kind of scenario.

What a baseline needs is imported when it is asked for, so that this module stays light.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from mecsim.baselines.calibration import calibrate
from mecsim.baselines.cell_policies import FixedLevelPolicy, OracleGreedyPolicy, RandomLevelPolicy
from mecsim.baselines.policy import PolicyFactory
from mecsim.baselines.shortest_work import JoinShortestWorkPolicy
from mecsim.baselines.simple import CloudPolicy, GreedyPolicy, RandomPolicy
from mecsim.errors import InputError
from mecsim.scenario import AnyScenario, CellScenario, Scenario

ScenarioT = TypeVar("ScenarioT", Scenario, CellScenario)
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class _Baseline(Generic[ScenarioT]):
    description: str
    prepare: Callable[[ScenarioT], PolicyFactory]


def _lookahead(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.lookahead import LookaheadPolicy

    return lambda seed: LookaheadPolicy(scenario, calibrate(scenario).scale, seed)


def _hindsight(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.hindsight import HindsightPolicy

    return lambda seed: HindsightPolicy(scenario, calibrate(scenario).scale, seed)


def _linucb(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.linucb import LinUcbPolicy

    return lambda seed: LinUcbPolicy(scenario)


def _annealing(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.annealing import AnnealingPolicy

    return lambda seed: AnnealingPolicy(scenario)


def _nsga2(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.nsga2 import Nsga2Policy

    return lambda seed: Nsga2Policy(scenario)


def _pareto_q(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.pareto_q import ParetoQPolicy

    return lambda seed: ParetoQPolicy(scenario)


def _dqn(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.scalar_rl import DqnPolicy

    return lambda seed: DqnPolicy(scenario)


def _ppo(scenario: Scenario) -> PolicyFactory:
    from mecsim.baselines.scalar_rl import PpoPolicy

    return lambda seed: PpoPolicy(scenario)


def _exact_of_windows(scenario: CellScenario, truth: bool = False) -> PolicyFactory:
    from mecsim.baselines.cell_fronts import SnapshotPolicy, exact_finder

    return lambda seed: SnapshotPolicy(scenario, exact_finder, "exact", seed, truth)


def _nsga2_of_windows(scenario: CellScenario) -> PolicyFactory:
    from mecsim.baselines.cell_fronts import SnapshotPolicy, evolving_finder

    return lambda seed: SnapshotPolicy(scenario, evolving_finder, "nsga2", seed)


_OFFLOAD: Mapping[str, _Baseline[Scenario]] = MappingProxyType(
    {
        "random": _Baseline(
            "the cloud with probability p = weight of the first objective, else an edge at random",
            lambda scenario: RandomPolicy,
        ),
        "greedy": _Baseline(
            "the least immediate cost, known exactly",
            lambda scenario: lambda seed: GreedyPolicy(calibrate(scenario).scale),
        ),
        "cloud": _Baseline("everything to the cloud", lambda scenario: lambda seed: CloudPolicy()),
        "edge": _Baseline("an edge at random", lambda scenario: lambda seed: RandomPolicy(seed, p=0.0)),
        "join-shortest-work": _Baseline(
            "the server that needs the least time for all it has to do",
            lambda scenario: lambda seed: JoinShortestWorkPolicy(),
        ),
        "lookahead": _Baseline("each option tried on sampled futures that greedy plays on", _lookahead),
        "hindsight": _Baseline("local search with the whole episode known in advance: a bound, no policy", _hindsight),
        "linucb": _Baseline("a linear bandit per server, fitted first", _linucb),
        "annealing": _Baseline("a fixed schedule per preference, by simulated annealing", _annealing),
        "nsga2": _Baseline("fixed schedules for all preferences, by NSGA-II", _nsga2),
        "pareto-q": _Baseline("tabular Pareto Q-learning on a coarse state, fitted first", _pareto_q),
        "dqn": _Baseline("a DQN of stable-baselines3 per preference, trained first", _dqn),
        "ppo": _Baseline("a PPO of stable-baselines3 per preference, trained first", _ppo),
    }
)

_CELLS: Mapping[str, _Baseline[CellScenario]] = MappingProxyType(
    {
        "universal": _Baseline(
            "always the demanded rate, while there are blocks", lambda scenario: lambda seed: FixedLevelPolicy(-1)
        ),
        "minimum": _Baseline("always the minimum rate", lambda scenario: lambda seed: FixedLevelPolicy(0)),
        "greedy": _Baseline(
            "the best sum of predicted satisfaction and saved resources, now",
            lambda scenario: lambda seed: GreedyPolicy(calibrate(scenario).scale),
        ),
        "exact": _Baseline("the best choice for those who are expected to share the cell", _exact_of_windows),
        "nsga2": _Baseline("likewise, from a front that NSGA-II evolves on at each arrival", _nsga2_of_windows),
        "greedy-oracle": _Baseline(
            "greedy that knows the true satisfaction: a bound",
            lambda scenario: lambda seed: OracleGreedyPolicy(calibrate(scenario).scale),
        ),
        "exact-oracle": _Baseline(
            "exact that knows the true satisfaction: a bound", lambda scenario: _exact_of_windows(scenario, truth=True)
        ),
        "random": _Baseline("any level that fits, or none, at random", lambda scenario: RandomLevelPolicy),
    }
)

BASELINES: Mapping[str, str] = MappingProxyType({name: entry.description for name, entry in _OFFLOAD.items()})
"""Each name for offloading with a line about it."""

CELL_BASELINES: Mapping[str, str] = MappingProxyType({name: entry.description for name, entry in _CELLS.items()})
"""Each name for cells with a line about it."""


def baselines_of(scenario: AnyScenario) -> Mapping[str, str]:
    """The names that a scenario knows, each with a line about it."""
    return CELL_BASELINES if isinstance(scenario, CellScenario) else BASELINES


def baseline(name: str, scenario: AnyScenario) -> PolicyFactory:
    """The baseline of a name, ready for a scenario. What has to be fitted is fitted when it first acts.

    Raises:
        InputError: there is no such baseline.
    """
    if isinstance(scenario, CellScenario):
        return _known(name, _CELLS).prepare(scenario)
    return _known(name, _OFFLOAD).prepare(scenario)


def _known(name: str, registry: Mapping[str, _Entry]) -> _Entry:
    if name not in registry:
        raise InputError(f"no baseline is called {name!r}; there are {', '.join(registry)}")
    return registry[name]
