"""An exported policy, played by ONNX Runtime, and whether it plays as the agent that it was made of."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mecsim_agents import Learner
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.files import atomic_write
from mecsim.core.json_files import parse_json
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.errors import InputError, MecsimError
from mecsim.policies.policy import Actions, Preferences
from mecsim.training.export import METADATA_KEY, check_export_packages, export_onnx
from mecsim.training.run import Run

TOLERANCE = 1e-4  # in a probability
ROUNDINGS = 4.0  # so many times the agent's own rounding are no difference either
EPISODES, STEPS = 64, 200  # at most so many are compared, and fewer of large scenarios
TAPES_BYTE, OBSERVATION_BYTE = 2**30, 2**26


class ExportedPolicy:
    """A file that `mecsim export` wrote. On one thread, as small networks gain nothing from more."""

    def __init__(self, path: Path) -> None:
        """Raises InputError if a package is missing, or the file is not such a file."""
        check_export_packages()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self.metadata: dict[str, Any] = parse_json(self._session.get_modelmeta().custom_metadata_map[METADATA_KEY])
        except Exception as error:  # ONNX Runtime has no common class of its errors
            reason = "it has no such metadata" if isinstance(error, KeyError) else str(error).splitlines()[0]
            raise InputError(f"{path}: not a file of mecsim export: {reason}") from None
        self._asks = "preference" in {entry.name for entry in self._session.get_inputs()}

    def run(self, observation: Arrays, preference: NDArray[np.floating]) -> tuple[Actions, NDArray[np.float32]]:
        """Actions (N,) and probabilities (N, A), for N ≥ 1 observations and preferences (N, objectives).

        A file that was written for one preference asks for none, and plays by its own.
        """
        inputs = {
            "options": np.ascontiguousarray(observation["options"], np.float32),
            "mask": np.ascontiguousarray(observation["mask"], np.int8),
            "context": np.ascontiguousarray(observation["context"], np.float32),
            "preference": np.ascontiguousarray(preference, np.float32),
        }
        if not self._asks:
            del inputs["preference"]
        action, probability = self._session.run(None, inputs)
        return action, probability

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The likeliest server in each episode; preferences are in the scale of the scenario of its training."""
        return self.run(observation, preference)[0]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How an exported policy compares with the agent, on states of real episodes."""

    states: int
    largest_difference: float  # of any probability
    rounding: float  # the same between the agent and its own policy in double precision
    equal_actions: float  # share of the states
    options: tuple[int, ...]  # numbers of options that the states had

    @property
    def close(self) -> bool:
        """Whether no probability differs by more than `TOLERANCE`, or than single precision makes it differ anyway.

        A softmax over values of 10 at a temperature of 0.005 turns the last digit of a value into 2e-4.
        """
        return self.largest_difference <= max(TOLERANCE, ROUNDINGS * self.rounding)


def agreement(
    exported: ExportedPolicy,
    agent: Learner,
    scenario: Scenario,
    preference: tuple[float, ...] | None,
    seed: int = 0,
) -> Agreement:
    """Play episodes of the scenario with the agent and ask both in every state.

    Every episode has a preference of its own. Where absent options can be left out, the file is asked without them as
    well. `preference` is the one that the agent was trained for, None if for all.
    """
    episodes = new_episodes(scenario, "batched")
    observation_byte = 4 * int(np.prod(episodes.observation_space["options"].shape or ()))
    count = int(max(1, min(EPISODES, TAPES_BYTE // scenario.tape_byte, OBSERVATION_BYTE // observation_byte)))
    asked = _preferences(count, len(scenario.objectives), seed)
    played = asked if preference is None else np.tile(preference, (count, 1))
    exact = copy.deepcopy(agent.deployed()).double()
    differences, roundings, equal, sizes = [0.0], [0.0], [], set[int]()
    observation = episodes.begin(draw_episodes(scenario, seed, 0, count, Stream.VALIDATION))
    while not episodes.over and episodes.step_index < STEPS:
        action = np.asarray(agent.eval(observation, played), np.int64)
        probability = agent.action_probabilities(observation, played)
        roundings.append(np.abs(_in_double(exact, observation, played) - probability).max())
        for rows, seen in _views(observation, cut=exported.metadata["num_options"] is None):
            found_action, found = exported.run(seen, asked[rows])
            differences.append(np.abs(found - probability[rows, : found.shape[1]]).max())
            equal.append(found_action == action[rows])
            sizes |= set(seen["mask"].sum(axis=1).tolist())
        observation, _, _ = episodes.step(action)
    return Agreement(
        states=count * episodes.step_index,
        largest_difference=float(np.max(differences)),  # which keeps a NaN, where max() could lose it
        rounding=float(np.max(roundings)),
        equal_actions=float(np.concatenate(equal).mean()),
        options=tuple(sorted(sizes)),
    )


@torch.inference_mode()
def _in_double(policy: torch.nn.Module, observation: Arrays, preference: Preferences) -> NDArray[np.float64]:
    """Probabilities (N, A) of a policy in double precision, for the inputs that the agent gets."""
    inputs = (observation["options"], observation["context"], np.asarray(preference, np.float32))
    options, context, weights = (torch.as_tensor(array).double() for array in inputs)
    _, probability = policy(options, torch.as_tensor(observation["mask"]), context, weights)
    return np.asarray(probability.numpy())


def _preferences(count: int, objectives: int, seed: int) -> Preferences:
    """Preferences (N, objectives): each objective alone, then random ones."""
    drawn = np.random.default_rng(seed).dirichlet(np.ones(objectives), count)
    drawn[:objectives] = np.eye(objectives)[:count]
    return drawn


def _views(observation: Arrays, cut: bool) -> list[tuple[NDArray[np.int64], Arrays]]:
    """All states as they are, and with `cut` those of each number of options without the absent ones."""
    existing = observation["mask"].sum(axis=1, dtype=np.int64)
    views = [(np.arange(len(existing)), observation)]
    for size in np.unique(existing).tolist() if cut else ():
        rows = np.flatnonzero(existing == size)
        part = {name: values[rows] for name, values in observation.items()}
        views.append((rows, part | {"options": part["options"][:, :size], "mask": part["mask"][:, :size]}))
    return views


def write_exported(
    run: Run, agent: Learner, path: Path, preference: tuple[float, ...] | None = None
) -> tuple[Agreement, int]:
    """Write the file of a run's policy, check it and give it its name; return what the check found and its size, byte.

    With a `preference` it is the policy of that one alone, see `export_onnx`.

    Raises:
        MecsimError: the file plays otherwise than the run.
    """
    with atomic_write(path) as partial:
        export_onnx(run, agent, partial, preference)
        found = agreement(ExportedPolicy(partial), agent, run.scenario, preference or run.config.preference)
        if not found.close:
            raise MecsimError(
                f"{run.folder}: the exported policy is another one, a probability differs by "
                f"{found.largest_difference:.1e} where rounding explains {found.rounding:.1e}: nothing was written; "
                "report it with the versions of torch and onnx"
            )
    return found, path.stat().st_size
