"""Run folders that are damaged or of another kind, and trained policies on other scenarios."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import yaml
from mecsim_agents import DiscreteSAC, EnvironmentShape, Replay
from mecsim_agents.learner import Learner
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.errors import InputError, RunError, ScenarioError
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.policies import calibrate
from mecsim.scenario import parse_scenario
from mecsim.schema.units import CountRange
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Edge, Servers
from mecsim.systems.offload.scenario import Evaluation as Yardsticks
from mecsim.systems.offload.scenario import Histogram, ObjectiveValues, Observation, OffloadScenario
from mecsim.training import AgentPolicy, MultiRun, Run, is_run, run_policy
from tests.one_system import offload_scenario
from tests.one_system import play_offload as play
from tests.training.small import COPIES, ENVS, new_run, small_scenario, trained

SCENARIO = small_scenario()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, not to be changed."""
    run = new_run(tmp_path_factory.mktemp("finished") / "run", epochs=2)
    trained(run)
    return run


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Run:
    """A copy of it."""
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    return Run(folder, finished.scenario, finished.config, finished.steps, finished.seed)


def config_with(run: Run, **values: Any) -> None:
    path = run.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


def one_line(caught: pytest.ExceptionInfo[BaseException], *parts: Any) -> None:
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for part in parts:
        assert str(part) in message


def test_runs_keep_the_files_of_their_scenario(run: Run, tmp_path: Path) -> None:
    """One by one and together: they are what they were, wherever they are moved, and whatever becomes of the files."""
    (tmp_path / "sites.csv").write_text("name,x_m,y_m,cpu_ghz\nlibrary,0,0,1.5\ngate,100,50,3\n")
    text = "mecsim: 1\nkind: offload\nusers: {mobility: {model: fixed}}\nservers: {edge: {sites: sites.csv}}\n"
    sited = replace(run, scenario=parse_scenario(text, folder=tmp_path), folder=tmp_path / "sited")
    several = MultiRun.of_seeds(replace(sited, folder=tmp_path / "several"), 2)
    sited.create("mecsim train")
    several.create("mecsim train")
    (tmp_path / "sites.csv").unlink()
    moved = [folder.rename(tmp_path / f"moved-{folder.name}") for folder in (sited.folder, several.folder)]
    opened = [Run.open(moved[0]), *MultiRun.open(moved[1]).runs]
    for one in opened:
        assert draw_tapes(cast(OffloadScenario, one.scenario), 0, 0, 1).cpu_hz[0, 1:].tolist() == [1.5e9, 3e9]
    (copy,) = (moved[0] / "data").iterdir()
    copy.write_text("x_m,y_m\n0,0\n")
    with pytest.raises(ScenarioError) as caught:
        Run.open(moved[0])
    one_line(caught, copy, "has been changed since it was copied here")


def test_a_folder_without_a_config_is_no_run(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    assert not is_run(tmp_path / "absent")
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RunError, match="not a run of mecsim train") as caught:
            Run.open(folder)
        one_line(caught, folder)


def test_a_whole_run_is_one(run: Run) -> None:
    assert is_run(run.folder)
    assert Run.open(run.folder) == run


@pytest.mark.parametrize("version", [0, 1, "2", None, [2]])
def test_another_format_is_refused_with_a_cure(run: Run, version: object) -> None:
    config_with(run, mecsim_run=version)
    with pytest.raises(RunError, match="this version reads format 2") as caught:
        Run.open(run.folder)
    one_line(caught, "config.yaml", "train anew")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1",
        b"just text",
        b"- 1\n- 2\n",
        bytes(range(256)),
        b"\xff\xfe\x00",
        b"[" * 3000,
        b"a: *b",
        b"!!python/x y",
    ],
)
def test_a_config_of_something_else_is_refused(run: Run, content: bytes) -> None:
    (run.folder / "config.yaml").write_bytes(content)
    with pytest.raises(RunError) as caught:
        Run.open(run.folder)
    one_line(caught, "config.yaml")


def test_a_config_that_is_a_folder_is_no_run(run: Run) -> None:
    (run.folder / "config.yaml").unlink()
    (run.folder / "config.yaml").mkdir()
    assert not is_run(run.folder)
    with pytest.raises(RunError, match=r"config.yaml: cannot be read: .*directory"):
        Run.open(run.folder)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": "many"}, "many"),
        ({"seed": None}, "int"),
        ({"training": None}, "damaged"),
        ({"training": 5}, "damaged"),
        ({"training": {"num_envs": "x"}}, "num_envs: expected a whole number"),
        ({"training": {"envs": 3}}, "envs: no such training setting"),
        ({"training": {"agent": {"gamma": 1}}}, "agent.gamma: no such field"),
        ({"training": {"agent": 3}}, "agent"),
    ],
)
def test_a_config_with_wrong_values_is_damaged(run: Run, changed: dict[str, Any], message: str) -> None:
    config_with(run, **changed)
    with pytest.raises(RunError, match="damaged") as caught:
        Run.open(run.folder)
    one_line(caught, "config.yaml", message)


@pytest.mark.parametrize("key", ["steps", "seed", "training"])
def test_a_config_without_a_value_says_which(run: Run, key: str) -> None:
    path = run.folder / "config.yaml"
    content = yaml.safe_load(path.read_text())
    del content[key]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(RunError, match=f"damaged: '{key}' is missing"):
        Run.open(run.folder)


def test_a_run_without_its_scenario_is_damaged(run: Run) -> None:
    (run.folder / "scenario.yaml").unlink()
    with pytest.raises(RunError, match=r"scenario\.yaml") as caught:
        Run.open(run.folder)
    one_line(caught, run.folder)


def test_a_run_with_a_wrong_scenario_names_the_line(run: Run) -> None:
    path = run.folder / "scenario.yaml"
    path.write_text(path.read_text().replace("kind: offload", "kind: upload"))
    with pytest.raises(InputError, match=r"scenario.yaml:2: kind: expected 'offload' or 'cells', got 'upload'"):
        Run.open(run.folder)


def test_a_run_of_before_there_were_several_agents_is_one_of_the_first(run: Run) -> None:
    path = run.folder / "config.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    del content["training"]["algorithm"]
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    (run.folder / "manifest.json").unlink()  # neither had they a manifest
    state = next(run.folder.glob("checkpoints/*/state.json"))
    state.write_text(json.dumps({"epoch": 2, "env_steps": 64, "updates": 4}), encoding="utf-8")
    assert Run.open(run.folder).config == run.config
    assert isinstance(Run.open(run.folder).load_agent(), DiscreteSAC)


def test_a_run_with_an_agent_that_is_not_installed_says_so(run: Run) -> None:
    config_with(run, training=run.config.to_mapping() | {"algorithm": "of-a-plugin"})
    with pytest.raises(RunError, match="trained with the agent of-a-plugin: install the package") as caught:
        Run.open(run.folder)
    one_line(caught, run.folder)


def new_replay(servers: int = 3, counts: tuple[int, int] | None = (6, 10)) -> Replay:
    shape = EnvironmentShape(2, 12, 3, (1.0, 1.0), num_options=servers, count_columns=counts)
    return Replay(shape, 80, group=COPIES, width=ENVS)


@pytest.mark.parametrize("damage", ["absent", "empty", "cut", "text", "of another kind"])
@pytest.mark.parametrize("name", ["agent.safetensors", "replay.safetensors"])
def test_a_damaged_checkpoint_is_refused(run: Run, name: str, damage: str) -> None:
    path = run.latest_checkpoint() / name
    if damage == "absent":
        path.unlink()
    elif damage == "of another kind":
        other = {"agent.safetensors": "replay.safetensors", "replay.safetensors": "agent.safetensors"}[name]
        shutil.copy(path.parent / other, path)
    else:
        path.write_bytes({"empty": b"", "cut": path.read_bytes()[:-64], "text": b"no tensors here " * 9}[damage])
    with pytest.raises(RunError, match="damaged") as caught:
        run.load_checkpoint(new_replay(), "cpu")
    one_line(caught, path.parent)
    if name == "agent.safetensors":
        with pytest.raises(RunError, match="damaged"):
            run_policy(run.folder, SCENARIO)
    else:
        run_policy(run.folder, SCENARIO)  # a policy needs no replay


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"epoch": null, "env_steps": null}', "7", '"x"', "\x00"])
def test_a_damaged_state_is_refused(run: Run, content: str) -> None:
    (run.latest_checkpoint() / "state.json").write_text(content)
    for use in (run.latest_epoch, run.latest_env_steps):
        with pytest.raises(RunError, match="damaged") as caught:
            use()
        one_line(caught, "checkpoints", "state.json")


def test_a_replay_of_another_shape_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match="does not fit"):
        run.load_checkpoint(new_replay(servers=5), "cpu")


def test_a_replay_with_other_counts_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match="damaged"):
        run.load_checkpoint(new_replay(counts=None), "cpu")


def test_a_checkpoint_is_the_agent_and_fills_the_replay(run: Run) -> None:
    replay = new_replay()
    agent = run.load_checkpoint(replay, "cpu")
    assert agent.updates == 4
    assert len(replay) == 64


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"epoch,x\nfirst,1\n", b"\xff\xfe", b'epoch\n"1', b"epoch,x\n1\n\n,,\n"]
)
def test_damaged_metrics_are_refused(run: Run, content: bytes) -> None:
    (run.folder / "metrics.csv").write_bytes(content)
    with pytest.raises(RunError, match="damaged") as caught:
        run.read_metrics(9)
    one_line(caught, "metrics.csv")


def test_metrics_until_an_epoch(run: Run) -> None:
    assert [row["epoch"] for row in run.read_metrics(1)] == [1]
    assert len(run.read_metrics(9)) == 2
    (run.folder / "metrics.csv").unlink()
    assert len(run.read_metrics(9)) == 2  # those of the checkpoint
    next(run.folder.glob("checkpoints/*/state.json")).unlink()
    assert run.read_metrics(9) == []


def test_a_folder_without_its_state_is_no_checkpoint(run: Run) -> None:
    assert run.has_checkpoint()
    assert (run.latest_epoch(), run.latest_env_steps()) == (2, 64)
    (run.folder / "checkpoints" / "000009").mkdir()
    assert run.latest_checkpoint().name == "000002"
    (run.latest_checkpoint() / "state.json").unlink()
    assert not run.has_checkpoint()
    for use in (run.latest_checkpoint, run.latest_epoch, run.latest_env_steps, run.load_agent):
        with pytest.raises(RunError, match="no checkpoint yet") as caught:
            use()
        one_line(caught, run.folder)


def test_a_trained_policy_repeats_itself(finished: Run) -> None:
    tapes = draw_tapes(SCENARIO, 1, 0, 8)
    preference = np.array([0.4, 0.6])
    plays = [play(run_policy(finished.folder, SCENARIO)(seed), SCENARIO, tapes, preference) for seed in (0, 1)]
    assert_array_equal(plays[0].records.server, plays[1].records.server)


def test_a_policy_works_with_more_servers_than_it_was_trained_on(finished: Run) -> None:
    wide = small_scenario(servers=Servers(edge=Edge(count=CountRange(1, 7))))
    tapes = draw_tapes(wide, 0, 0, 30)
    played = play(run_policy(finished.folder, wide)(0), wide, tapes, np.array([0.5, 0.5]))
    assert (played.records.server < tapes.num_servers[:, None]).all()


class Listener:
    """In the agent's place: keeps the preference it is asked for."""

    asked: NDArray[np.float64] | None = None

    def __init__(self, shape: EnvironmentShape) -> None:
        self.shape = shape

    def check_options(self, count: int) -> None:
        pass

    def act(self, observation: Arrays, preference: NDArray[np.float64], *, explore: bool) -> NDArray[np.int64]:
        assert not explore
        self.asked = preference
        return np.zeros(len(preference), np.int64)


def scaled(delay_s: float, energy_j: float) -> OffloadScenario:
    return small_scenario(evaluation=Yardsticks(scale=ObjectiveValues(delay_s=delay_s, energy_j=energy_j)))


def asked_of_the_agent(
    trained_on: OffloadScenario, played_on: OffloadScenario, preference: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Only the ratio of the scales means anything.
    shape = EnvironmentShape(2, 12, 3, cast(Any, 7.0 * calibrate(trained_on).scale))
    agent, tapes = Listener(shape), draw_tapes(played_on, 0, 0, len(preference))
    play(AgentPolicy(cast(Learner, agent), trained_on, played_on), played_on, tapes, preference)
    assert agent.asked is not None
    return agent.asked


def test_another_scale_keeps_the_trade_of_seconds_for_joules() -> None:
    trained_on, played_on = scaled(200.0, 0.5), scaled(40.0, 2.0)
    preference = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])
    asked = asked_of_the_agent(trained_on, played_on, preference)
    assert_allclose(asked.sum(axis=1), 1.0)

    def seconds_per_joule(weight: NDArray[np.float64], scenario: OffloadScenario) -> NDArray[np.float64]:
        scale = calibrate(scenario).scale
        return (weight[:, 1] / scale[1]) / (weight[:, 0] / scale[0])

    assert_allclose(seconds_per_joule(asked, trained_on), seconds_per_joule(preference, played_on))
    assert not np.allclose(asked, preference)


def test_corners_stay_corners_and_the_own_scale_changes_nothing() -> None:
    preference = np.array([[1.0, 0.0], [0.0, 1.0], [0.3, 0.7]])
    assert_allclose(asked_of_the_agent(scaled(200.0, 0.5), scaled(40.0, 2.0), preference)[:2], np.eye(2))
    assert_allclose(asked_of_the_agent(scaled(9.0, 3.0), scaled(9.0, 3.0), preference), preference)


@pytest.mark.parametrize("objectives", [("delay",), ("energy", "satisfaction")])
def test_other_objectives_are_refused(finished: Run, objectives: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"trained for the objectives delay, energy, the scenario has") as caught:
        run_policy(finished.folder, small_scenario(objectives=objectives, satisfaction=DelaySatisfaction()))
    one_line(caught, ", ".join(objectives))


def rated(*objectives: Any, scale: ObjectiveValues | None = None) -> OffloadScenario:
    return small_scenario(satisfaction=DelaySatisfaction(), objectives=objectives, evaluation=Yardsticks(scale=scale))


def test_further_objectives_of_the_scenario_are_left_to_others() -> None:
    """The weights of its own count, in their proportion and in the agent's order; equal ones where there are none."""
    own = ObjectiveValues(delay_s=200.0, energy_j=0.5)
    all_three = ObjectiveValues(delay_s=40.0, energy_j=0.5, satisfaction=0.3)
    trained_on = rated("energy", "delay", scale=own)
    played_on = rated("delay", "satisfaction", "energy", scale=all_three)
    preference = np.array([[0.2, 0.6, 0.2], [0.0, 0.5, 0.5], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    asked = asked_of_the_agent(trained_on, played_on, preference)
    assert_allclose(asked, [[1.0 / 6.0, 5.0 / 6.0], [1.0, 0.0], [0.5, 0.5], [1.0 / 6.0, 5.0 / 6.0]])


def test_a_run_of_two_objectives_plays_on_three(tmp_path: Path) -> None:
    """In each state what it does is what it does on its own scenario, asked for the same trade."""
    run = new_run(tmp_path / "run", rated("delay", "energy"), epochs=2)
    trained(run)
    scale = calibrate(run.scenario).scale
    values = ObjectiveValues(delay_s=scale[0], energy_j=scale[1], satisfaction=1.0)
    three = rated("delay", "energy", "satisfaction", scale=values)
    tapes = draw_tapes(three, 0, 0, 5)
    alone = play(run_policy(run.folder, run.scenario)(0), offload_scenario(run.scenario), tapes, np.array([0.25, 0.75]))
    there = play(run_policy(run.folder, three)(0), three, tapes, np.array([0.1, 0.3, 0.6]))
    assert_array_equal(alone.records.server, there.records.server)
    assert there.totals.shape == (5, 3)


def test_ratings_are_another_observation(finished: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="another observation") as caught:
        run_policy(finished.folder, rated("delay", "energy"))
    one_line(caught, "adequate_s; desired_s")
    run = new_run(tmp_path / "run", rated("delay", "energy"), epochs=1)
    trained(run)
    logistic = rated("delay", "energy").model_copy(update={"satisfaction": DelaySatisfaction(form="logistic")})
    with pytest.raises(InputError, match="another observation"):
        run_policy(run.folder, logistic)


@pytest.mark.parametrize(
    "observation",
    [
        Observation(histogram=Histogram(bins=5, width_bit=1e7)),
        Observation(histogram=Histogram(bins=4, width_bit=1e7), cost_features=False),
        Observation(histogram=Histogram(bins=6, width_bit=1e7), cost_features=False),  # as many columns
        Observation(histogram=Histogram(bins=4, width_bit=1e6)),
        Observation(histogram=Histogram(bins=4, width_bit=1e7), upcoming=1),
    ],
)
def test_another_observation_is_refused_before_anything_is_played(finished: Run, observation: Observation) -> None:
    with pytest.raises(InputError, match="use the same `observation`") as caught:
        run_policy(finished.folder, small_scenario(observation=observation))
    one_line(caught, "(4 bins of 10 Mbit, with cost_features)")
