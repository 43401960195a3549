"""The policies that are fitted, with budgets of a second or less, and scenarios that ask something of each."""

from collections.abc import Callable

from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.policies import Policy, PolicyFactory
from mecsim.schema.units import CountRange
from mecsim.systems.offload.demand import Tasks, TaskSize, Users
from mecsim.systems.offload.network import Cloud, Device, Edge, Servers
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import OffloadPolicy
from tests.training.small import small_scenario

SMALL = small_scenario()
RANGE = small_scenario(servers=Servers(edge=Edge(count=CountRange(1, 4))))
NO_CLOUD = small_scenario(servers=Servers(cloud=Cloud(count=0), edge=Edge(count=CountRange(1, 3))))
ONE_OBJECTIVE = small_scenario(objectives=("energy",))
TURNED = small_scenario(objectives=("energy", "delay"))
IDLE = small_scenario(users=Users(count=3, arrival_rate_per_s=0.0), tasks=Tasks(size=TaskSize(mean_bit=5e6)))
DEVICE = small_scenario(servers=Servers(edge=Edge(count=CountRange(1, 2)), device=Device(capacitance=1e-30)))
RATED = small_scenario(satisfaction=DelaySatisfaction(), objectives=("delay", "energy", "satisfaction"))
SCENARIOS = {
    "small": SMALL, "range": RANGE, "no cloud": NO_CLOUD, "one objective": ONE_OBJECTIVE, "turned": TURNED,
    "idle": IDLE, "device": DEVICE, "rated": RATED,
}  # fmt: skip


def linucb(scenario: OffloadScenario) -> OffloadPolicy:
    from mecsim.systems.offload.policies.linucb import LinUcbConfig, LinUcbPolicy

    return LinUcbPolicy(scenario, LinUcbConfig(rounds=3, episodes=32))


def annealing(scenario: OffloadScenario) -> OffloadPolicy:
    from mecsim.systems.offload.policies.annealing import AnnealingConfig, AnnealingPolicy

    return AnnealingPolicy(scenario, AnnealingConfig(evaluations=40, episodes=8, starts=4))


def nsga2(scenario: OffloadScenario) -> OffloadPolicy:
    from mecsim.systems.offload.policies.nsga2 import Nsga2Config, Nsga2Policy

    return Nsga2Policy(scenario, Nsga2Config(population=8, generations=4, episodes=8))


def pareto_q(scenario: OffloadScenario) -> OffloadPolicy:
    from mecsim.systems.offload.policies.pareto_q import ParetoQConfig, ParetoQPolicy

    return ParetoQPolicy(scenario, ParetoQConfig(rounds=3, episodes=16, partitions=4))


def dqn(scenario: OffloadScenario) -> OffloadPolicy:
    from mecsim.policies.stable_baselines import DqnConfig, DqnPolicy

    return DqnPolicy(scenario, DqnConfig(steps=256, envs=8, warm_up=32, batch=16, replay=512))


def ppo(scenario: OffloadScenario) -> OffloadPolicy:
    from mecsim.policies.stable_baselines import PpoConfig, PpoPolicy

    return PpoPolicy(scenario, PpoConfig(steps=256, envs=8, rollout=16, batch=32, epochs=1))


def maskable_ppo(scenario: OffloadScenario) -> OffloadPolicy:
    from mecsim.policies.stable_baselines import MaskablePpoConfig, MaskablePpoPolicy

    return MaskablePpoPolicy(scenario, MaskablePpoConfig(steps=256, envs=8, rollout=16, batch=32, epochs=1))


SMALL_BUDGETS: dict[str, Callable[[OffloadScenario], OffloadPolicy]] = {
    "linucb": linucb, "annealing": annealing, "nsga2": nsga2, "pareto-q": pareto_q, "dqn": dqn, "ppo": ppo,
    "maskable-ppo": maskable_ppo,
}  # fmt: skip
"""Name of the policy, and what makes it for a scenario with a small budget."""


def forget_fits() -> None:
    """Empty the memory of every fit."""
    from mecsim.policies.stable_baselines import trained
    from mecsim.systems.offload.policies.annealing import annealed
    from mecsim.systems.offload.policies.linucb import fitted_bandit
    from mecsim.systems.offload.policies.nsga2 import schedule_front
    from mecsim.systems.offload.policies.pareto_q import fitted_table

    for fit in (annealed, fitted_bandit, schedule_front, fitted_table, trained):
        fit.cache_clear()


def always(policy: Policy) -> PolicyFactory:
    """A factory for what depends on no seed."""
    return lambda seed: policy
