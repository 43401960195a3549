"""Checks of policies: every policy that does not have to be fitted for minutes plays every scenario of its system."""

import numpy as np
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from mecsim.conformance.subject import EPISODES, Subject
from mecsim.core.target import in_numpy
from mecsim.policies import Policy, policies_of
from mecsim.policies.registry import NamedPolicy, policy_names

DECISIONS = 3  # few, as planners on the engine of reference take seconds for each


def _quick(subject: Subject) -> dict[str, NamedPolicy]:
    return {name: entry for name, entry in policies_of(subject.scenario).items() if not entry.costly}


def _actions(policy: Policy, subject: Subject, preference: NDArray[np.float64]) -> NDArray[np.int64]:
    """What a policy does at first, (N, DECISIONS), checked step by step."""
    episodes, observation = subject.begun()
    taken = []
    for _ in range(DECISIONS):
        seen = {name: in_numpy(values) for name, values in observation.items()}
        before = {name: values.copy() for name, values in seen.items()}
        action = policy.act(episodes, seen, preference)
        for name, values in before.items():
            assert_array_equal(values, seen[name], err_msg=f"the policy changed {name}")
        assert action.shape == (EPISODES,)
        assert np.issubdtype(action.dtype, np.integer)
        assert seen["mask"][np.arange(EPISODES), action].all(), "an option was chosen that cannot be taken"
        taken.append(action.copy())
        observation, _, _ = episodes.step(action)
    return np.stack(taken, axis=1)


def policies_play(subject: Subject) -> None:
    """Each chooses options that can be taken, for any preference, and the same for the same seed."""
    objectives = len(subject.scenario.objectives)
    corners_and_middle = np.vstack([np.eye(objectives), np.full(objectives, 1.0 / objectives)])
    preference = corners_and_middle[-1 - np.arange(EPISODES) % len(corners_and_middle)]
    for name, entry in _quick(subject).items():
        first = _actions(entry.make(subject.scenario, 5), subject, preference)
        again = _actions(entry.make(subject.scenario, 5), subject, preference)
        assert_array_equal(first, again, err_msg=f"{name} of one seed acts in two ways")
        policy = entry.make(subject.scenario, 5)
        if not getattr(policy, "looks", True):
            episodes, _ = subject.begun()
            blind = policy.act(episodes, {}, preference)
            assert_array_equal(first[:, 0], blind, err_msg=f"{name} says that it does not look, but does")


def policies_are_described(subject: Subject) -> None:
    """Each has a line about it."""
    for name, entry in policies_of(subject.scenario).items():
        assert entry.about.strip(), name
        assert "\n" not in entry.about, name


def names_of_policies_are_written_out(subject: Subject) -> None:
    """Each is known before its module is imported."""
    missing = policies_of(subject.scenario).keys() - policy_names(subject.system)
    assert not missing, f'{", ".join(sorted(missing))}: expected @policy("NAME", …), with the name written out'
