"""What is played: policies by name, runs, objects of Python modules, and any of these with planning on top."""

import shlex
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from mecsim.core.files import is_run
from mecsim.core.scenario import Scenario
from mecsim.core.system import SYSTEMS, system_of
from mecsim.errors import InputError
from mecsim.policies import Planning, PolicyFactory, named_policy, planner, policies_of, policy_at
from mecsim.policies.registry import is_place, policy_names
from mecsim.sweep.planned import base_of, planned


def check_targets(targets: Iterable[str], scenario: Scenario | None = None) -> None:
    """Refuse what names no target, before anything is imported that plays one.

    Raises:
        InputError: something names none, of any system if no scenario is given.
    """
    systems = [SYSTEMS.load(name) for name in SYSTEMS.plugins] if scenario is None else [system_of(scenario)]
    known = frozenset[str]().union(*map(policy_names, systems))
    for base in map(_whole_base, targets):
        if base not in known and not is_run(Path(base)) and not is_place(base):
            told = f"{base!r} is neither a run, nor package.module:Object, nor a policy"
            raise InputError(f"{told}; these are {', '.join(sorted(known))}")


def scenario_of_runs(targets: Sequence[str]) -> Scenario:
    """The scenario of the first run among targets.

    Raises:
        InputError: none is a run, or something names no target at all; RunError: the run cannot be used.
    """
    check_targets(targets)
    run = next((base for base in map(_whole_base, targets) if is_run(Path(base))), None)
    if run is None:
        told = f"{' and '.join(targets)}: need a scenario to be played on"
        raise InputError(f"{told}: add --scenario NAME, or scenario=NAME in Python")
    from mecsim.training import run_scenario  # PyTorch comes with it

    return run_scenario(Path(run))


def check_playable(targets: Iterable[str], scenario: Scenario) -> None:
    """Make what is to be played, once: what cannot be should not be noticed after hours.

    Raises:
        InputError, RunError: something cannot be played on the scenario.
    """
    for target in targets:
        for run in runs_of(target, scenario):
            policy_factory(run, scenario)


def with_greedy(targets: Sequence[str]) -> list[str]:
    """Targets, and greedy, the yardstick, whether it is asked for or not.

    Raises:
        InputError: one is named twice.
    """
    if len({str(Path(target)) for target in targets}) < len(targets):
        raise InputError("targets: one is named twice")
    return list(dict.fromkeys((*targets, "greedy")))


def _whole_base(target: str) -> str:
    """What a target plays without any planning."""
    base, futures = base_of(target)
    return target if futures is None else _whole_base(base)


def policy_factory(target: str, scenario: Scenario) -> PolicyFactory:
    """The policy that a target names: one that has a name, the folder of a run, or `package.module:Object`.

    With `+planK` after it, it plans with K futures.

    Raises:
        InputError: it names none of these, or cannot plan; RunError: the run cannot be used.
    """
    base, futures = base_of(target)
    if futures is not None:
        if base_of(base)[1] is not None:
            raise InputError(f"{target}: plans twice; leave --plan or one +planK out")
        return planner(policy_factory(base, scenario), scenario, Planning(futures))
    check_targets([target], scenario)
    if target not in policies_of(scenario):
        if is_run(Path(target)):
            return _run_policy(target, scenario)
        if is_place(target):
            return policy_at(target, scenario)
    return named_policy(target, scenario)


def runs_of(target: str, scenario: Scenario) -> tuple[str, ...]:
    """What is played in the place of a target: the runs in a folder of several seeds, else the target itself.

    Raises:
        RunError: the folder is damaged; InputError: some run in it is not trained to its end, as the others may be.
    """
    base, futures = base_of(target)
    if futures is not None:
        return tuple(planned(run, futures) for run in runs_of(base, scenario))
    if target in policies_of(scenario) or not is_run(Path(target)):
        return (target,)
    from mecsim.training import MultiRun, is_multi_run

    multi = MultiRun.open(Path(target)) if is_multi_run(Path(target)) else None
    if multi is None or not multi.repeated:
        return (target,)
    for run in multi.runs:
        if not run.finished:
            again = f"mecsim train --resume --out {shlex.quote(target)}"
            raise InputError(f"{run.folder}: is not trained to its end; first go on with {again}")
    return tuple(str(run.folder) for run in multi.runs)


@lru_cache(maxsize=8)
def _run_policy(target: str, scenario: Scenario) -> PolicyFactory:
    from mecsim.training import run_policy  # PyTorch comes with it, for more than a second

    return run_policy(Path(target), scenario)
