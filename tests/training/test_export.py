"""An exported policy is the policy, in a file that stands alone."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from mecsim_agents.learner import Learner
from mecsim_agents.values import ValueLearner
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.core.scenario import Training
from mecsim.errors import InputError
from mecsim.scenario import load_scenario
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.demand import Episode
from mecsim.systems.offload.network import Cloud, Edge, Servers
from mecsim.training import Agreement, ExportedPolicy, Run, agreement, export_onnx
from mecsim.training.export import metadata

from .small import new_run, small_scenario, trained

SERVERS = Servers(cloud=Cloud(cpu_hz=Uniform(4e9, 4e9)), edge=Edge(count=CountRange(1, 5), cpu_hz=Uniform(2e9, 2e9)))
KINDS: dict[str, dict[str, Any]] = {
    "set": {},
    "padded": {"architecture": "padded"},
    "exchange": {"architecture": "exchange", "encoder_sizes": "[16, 16]", "cumulate": "true"},
    "single": {"preference": "[0.2, 0.8]"},
    "double-dqn": {"algorithm": "double-dqn"},
}
TOLERANCE = 1e-4


@dataclasses.dataclass
class Exported:
    run: Run
    agent: ValueLearner
    path: Path
    policy: ExportedPolicy


@pytest.fixture(scope="module", params=list(KINDS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A run of each kind with one to five edges, and its file."""
    folder = tmp_path_factory.mktemp(request.param)
    run = new_run(folder / "run", small_scenario(servers=SERVERS), learning_rate="0.01", **KINDS[request.param])
    trained(run)
    agent, path = run.load_agent(), folder / "policy.onnx"
    assert isinstance(agent, ValueLearner)
    export_onnx(run, agent, path)
    return Exported(run, agent, path, ExportedPolicy(path))


def states(agent: Learner, count: int, options: int, seed: int = 0) -> tuple[Arrays, NDArray[np.float64]]:
    """Made-up states, some without all of their options, and preferences."""
    rng = np.random.default_rng(seed)
    mask = (rng.random((count, options)) < 0.7).astype(np.int8)
    mask[:, 0] = 1
    observation: Arrays = {
        "options": rng.exponential(3.0, (count, options, agent.shape.option_features)).astype(np.float32),
        "mask": mask,
        "context": rng.random((count, agent.shape.context_features)).astype(np.float32),
    }
    return observation, rng.dirichlet([1.0, 1.0], count)


def test_it_plays_as_the_agent_in_real_episodes(exported: Exported) -> None:
    found = agreement(exported.policy, exported.agent, exported.run.scenario, exported.run.config.preference)
    assert found.states == 64 * 8
    assert found.options == (2, 3, 4, 5, 6)
    assert found.largest_difference < TOLERANCE
    assert found.rounding < TOLERANCE
    assert found.close
    assert found.equal_actions == 1.0


def test_any_number_of_states_and_of_options(exported: Exported) -> None:
    agent, fixed = exported.agent, exported.run.config.preference
    sizes = [(1, 6), (7, 6)] if agent.config.architecture == "padded" else [(1, 6), (7, 6), (1, 1), (2, 3), (5, 40)]
    for count, options in sizes:
        observation, preference = states(agent, count, options)
        action, probability = exported.policy.run(observation, preference)
        wanted = preference if fixed is None else fixed
        assert (action.dtype, probability.dtype) == (np.int64, np.float32)
        assert np.array_equal(action, agent.eval(observation, wanted))
        np.testing.assert_allclose(probability, agent.action_probabilities(observation, wanted), atol=TOLERANCE)
        assert (probability[observation["mask"] == 0] == 0).all()


def test_only_the_padded_file_fixes_the_number_of_options(exported: Exported) -> None:
    options = 6 if exported.agent.config.architecture == "padded" else "A"
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for graph in [onnx.load(exported.path).graph]
        for value in (*graph.input, *graph.output)
    }
    assert shapes == {
        "options": ["N", options, exported.agent.shape.option_features],
        "mask": ["N", options],
        "context": ["N", 3],
        "preference": ["N", 2],
        "action": ["N"],
        "probabilities": ["N", options],
    }


def test_the_preference_matters_unless_the_run_has_one(exported: Exported) -> None:
    observation, _ = states(exported.agent, 100, 6)
    ends = [exported.policy.run(observation, np.tile(end, (100, 1)))[1] for end in np.eye(2)]
    assert (np.abs(ends[0] - ends[1]).max() > 0.01) == (exported.run.config.preference is None)


def test_the_file_tells_how_to_use_it(exported: Exported) -> None:
    told, agent = exported.policy.metadata, exported.agent
    assert told == metadata(exported.run, agent)
    assert (told["objectives"], told["objective_units"]) == (["delay", "energy"], ["s", "J"])
    assert told["objective_scale"] == list(agent.shape.objective_scale)
    assert len(told["option_columns"]) == agent.shape.option_features
    assert len(told["context_columns"]) == agent.shape.context_features
    assert (told["scenario"], told["description"]) == (None, "small")
    assert told["preference"] == (None if exported.run.config.preference is None else [0.2, 0.8])
    assert (told["agent"], told["architecture"]) == (exported.run.config.algorithm, agent.config.architecture)
    assert told["num_options"] == (6 if agent.config.architecture == "padded" else None)


def test_a_built_in_scenario_goes_by_its_name(exported: Exported) -> None:
    shorter = load_scenario("gmorl-e6").model_copy(update={"description": "x", "training": Training(steps=5)})
    assert metadata(dataclasses.replace(exported.run, scenario=shorter), exported.agent)["scenario"] == "gmorl-e6"
    changed = shorter.model_copy(update={"episode": Episode(steps=5)})
    assert metadata(dataclasses.replace(exported.run, scenario=changed), exported.agent)["scenario"] is None


def test_the_file_names_no_folder_of_this_machine(exported: Exported) -> None:
    content = exported.path.read_bytes()
    assert b".py" not in content
    assert str(Path(__file__).parents[2]).encode() not in content


def test_the_file_is_played_without_mecsim_and_torch(exported: Exported, tmp_path: Path) -> None:
    observation, preference = states(exported.agent, 3, 6)
    kept: dict[str, Any] = {**observation, "preference": preference.astype(np.float32)}
    np.savez(tmp_path / "states.npz", **kept)
    script = (
        "import sys, json, numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])\n"
        "action, probabilities = session.run(None, dict(numpy.load(sys.argv[2])))\n"
        "assert not {'mecsim', 'torch'} & set(sys.modules)\n"
        "print(action.tolist())"
    )
    command = [sys.executable, "-c", script, str(exported.path), str(tmp_path / "states.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == str(exported.policy.run(observation, preference)[0].tolist())


def test_another_policy_is_noticed(exported: Exported, tmp_path: Path) -> None:
    agent = exported.run.load_agent()
    assert isinstance(agent, ValueLearner)
    for parameter in agent.model.averaged.parameters():
        parameter.mul_(1.5)
    found = agreement(exported.policy, agent, exported.run.scenario, exported.run.config.preference)
    assert found.largest_difference > 1e-3
    assert not found.close


def test_rounding_of_large_values_is_no_other_policy() -> None:
    found = Agreement(states=1, largest_difference=3e-4, rounding=1e-4, equal_actions=1.0, options=(2,))
    assert found.close
    assert not dataclasses.replace(found, rounding=2e-5).close
    assert not dataclasses.replace(found, largest_difference=1e-2).close
    assert not dataclasses.replace(found, largest_difference=float("nan")).close


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named_with_the_cure(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for use in (
        lambda: export_onnx(exported.run, exported.agent, tmp_path / "new.onnx"),
        lambda: ExportedPolicy(exported.path),
    ):
        with pytest.raises(InputError, match=rf"export needs {package}: pip install 'mecsim\[export\]'"):
            use()
    assert not (tmp_path / "new.onnx").exists()


def test_what_is_no_exported_policy_is_refused(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    other = onnx.load(exported.path)
    del other.metadata_props[:]
    onnx.save(other, tmp_path / "other.onnx")
    for name in ("junk.onnx", "absent.onnx", "other.onnx"):
        with pytest.raises(InputError, match=f"{name}: not a file of mecsim export") as caught:
            ExportedPolicy(tmp_path / name)
        assert "\n" not in str(caught.value)
