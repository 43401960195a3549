"""One preference for a run, and one run for each of several preferences or seeds."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import yaml
from mecsim_agents import DiscreteSAC
from mecsim_agents.replay import Replay
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from torch import Tensor

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.errors import InputError, RunError
from mecsim.schema.units import CountRange
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Edge, Servers
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.training import EpochReport, MultiRun, NearestPolicy, Run, is_multi_run, is_run, run_policy, run_scenario
from tests.one_system import play_offload as play
from tests.training.small import new_run, small_config, small_scenario, trained

SCENARIO = small_scenario()
GRID = ((0.0, 1.0), (0.5, 0.5), (1.0, 0.0))


def new_multi(folder: Path, grid: Sequence[Sequence[float]] = GRID, epochs: int = 2, **settings: Any) -> MultiRun:
    config = small_config(**settings)
    multi = MultiRun.of(Run(folder, SCENARIO, config, epochs * config.num_envs * SCENARIO.episode.steps, 0), grid)
    multi.create("mecsim train")
    return multi


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> MultiRun:
    """A finished job, not to be changed."""
    multi = new_multi(tmp_path_factory.mktemp("finished") / "multi")
    for run in multi.runs:
        trained(run)
    return multi


@pytest.fixture
def folder(finished: MultiRun, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(finished.folder, tmp_path / "multi")


def index_with(folder: Path, **values: Any) -> None:
    path = folder / "policies.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


# One preference


def test_a_run_of_one_preference_explores_and_learns_with_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explored, learned = [], []
    act, update = DiscreteSAC.act, DiscreteSAC.update

    def watched_act(
        agent: DiscreteSAC, observation: Arrays, preference: NDArray[np.float64], *, explore: bool
    ) -> NDArray[np.int64] | int:
        explored.append(np.asarray(preference))
        return act(agent, observation, preference, explore=explore)

    def watched_update(
        agent: DiscreteSAC, replay: Replay, progress: float, preference: NDArray[np.float64]
    ) -> Mapping[str, Tensor]:
        learned.append(preference)
        return update(agent, replay, progress, preference)

    monkeypatch.setattr(DiscreteSAC, "act", watched_act)
    monkeypatch.setattr(DiscreteSAC, "update", watched_update)
    run = new_run(tmp_path / "run", epochs=3, preference="[0.3, 0.7]")
    trained(run)
    assert explored
    asked = np.asarray([0.3, 0.7], np.float32)
    assert all(np.array_equal(np.float32(each), np.tile(asked, (len(each), 1))) for each in explored)
    assert set(learned) == {(0.3, 0.7)}
    assert Run.open(run.folder) == run


def test_a_run_of_one_preference_plays_for_it_whatever_is_asked(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=2, preference="[1.0, 0.0]")
    trained(run)
    tapes, policy = draw_tapes(SCENARIO, 0, 0, 16), run_policy(run.folder, SCENARIO)(0)
    plays = [play(policy, SCENARIO, tapes, np.array(asked)).records.server for asked in ([1.0, 0.0], [0.0, 1.0])]
    assert_array_equal(plays[0], plays[1])


@pytest.mark.parametrize("preference", ["[1.0]", "[0.2, 0.3, 0.5]"])
def test_a_preference_over_other_objectives_is_refused(tmp_path: Path, preference: str) -> None:
    with pytest.raises(InputError, match="preference: expected a weight for each of delay, energy, got"):
        new_run(tmp_path / "run", preference=preference)


def test_a_finished_run_knows_that_it_is(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=4)
    assert not run.finished

    class Interrupt:
        def on_epoch(self, report: EpochReport) -> None:
            if report.epoch == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(run, [Interrupt()])
    assert run.has_checkpoint()
    assert not run.finished
    trained(run, resume=True)
    assert run.finished


# Several


def test_each_run_is_an_ordinary_one(finished: MultiRun) -> None:
    assert is_run(finished.folder)
    assert is_multi_run(finished.folder)
    assert run_scenario(finished.folder) == finished.scenario == SCENARIO
    assert MultiRun.open(finished.folder) == finished
    for run, preference in zip(finished.runs, GRID, strict=True):
        assert run.config.preference == preference
        assert is_run(run.folder)
        assert not is_multi_run(run.folder)
        assert run_scenario(run.folder) == SCENARIO
    assert [run.folder.name for run in finished.runs] == ["policy-00", "policy-01", "policy-02"]


def test_the_policy_of_the_nearest_preference_plays(finished: MultiRun) -> None:
    tapes = draw_tapes(SCENARIO, 0, 0, 12)
    asked = np.array([0.0, 0.2, 0.25, 0.3, 0.7, 0.75, 0.8, 1.0, 0.5, 0.9, 0.1, 0.6])
    nearest = [0, 0, 0, 1, 1, 1, 2, 2, 1, 2, 0, 1]  # of two equally near ones the first
    preference = np.stack([asked, 1.0 - asked], axis=1)
    played = play(run_policy(finished.folder, SCENARIO)(0), SCENARIO, tapes, preference).records.server
    alone = [
        play(run_policy(run.folder, SCENARIO)(0), SCENARIO, tapes, np.array([0.5, 0.5])).records.server
        for run in finished.runs
    ]
    assert not np.array_equal(alone[0], alone[2])
    for episode, index in enumerate(nearest):
        assert_array_equal(played[episode], alone[index][episode])


class Trained:
    """In an agent policy's place: says which it is. Preferences are converted by doubling the first weight."""

    def __init__(self, index: int, preference: Sequence[float]) -> None:
        self.index, self.preference = index, np.array(preference)

    def converted(self, preference: NDArray[np.float64]) -> NDArray[np.float64]:
        weight = preference * [2.0, 1.0]
        return weight / weight.sum(axis=1, keepdims=True)

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.full(len(preference), self.index)


def test_nearness_is_measured_in_the_scale_of_the_training() -> None:
    policy = NearestPolicy(cast(Any, [Trained(index, preference) for index, preference in enumerate(GRID)]))
    asked = np.array([[0.5, 0.5], [1 / 3, 2 / 3], [0.7, 0.3], [0.0, 1.0]])  # 0.67, 0.5, 0.82 and 0 of the first
    assert policy.act(cast(Any, None), {"mask": np.ones((4, 3))}, asked).tolist() == [1, 1, 2, 0]


@pytest.mark.parametrize("count", [0, 1, 1001])
def test_a_number_of_policies_that_cannot_be(tmp_path: Path, count: int) -> None:
    run = Run(tmp_path, SCENARIO, small_config(), 32, 0)
    with pytest.raises(InputError, match=f"expected 2 to 1000 preferences, a policy each, got {count}"):
        MultiRun.of(run, [(0.5, 0.5)] * count)


def test_a_run_of_one_preference_is_not_made_several(tmp_path: Path) -> None:
    run = Run(tmp_path, SCENARIO, small_config(preference="[0.5, 0.5]"), 32, 0)
    with pytest.raises(InputError, match="leave out --set preference"):
        MultiRun.of(run, GRID)


# Several seeds


def test_seeds_follow_the_one_that_is_given_and_name_their_folders(tmp_path: Path) -> None:
    run = Run(tmp_path / "job", SCENARIO, small_config(preference="[0.5, 0.5]"), 32, 98)
    multi = MultiRun.of_seeds(run, 3)
    assert [(one.folder.name, one.seed) for one in multi.runs] == [("seed-98", 98), ("seed-99", 99), ("seed-100", 100)]
    assert all(replace(one, folder=run.folder, seed=98) == run for one in multi.runs)
    multi.on_threads(2).create("mecsim train")
    opened = MultiRun.open(tmp_path / "job")
    assert opened == multi.on_threads(2)
    assert opened.repeated
    assert is_run(tmp_path / "job")
    assert is_multi_run(tmp_path / "job")
    assert run_scenario(tmp_path / "job") == SCENARIO
    with pytest.raises(InputError, match=r"a policy for each of several seeds; name one, such as .*seed-98"):
        run_policy(tmp_path / "job", SCENARIO)


@pytest.mark.parametrize(
    ("seed", "count", "message"),
    [
        (0, 0, "expected 2 to 1000 seeds, a training each, got 0"),
        (0, 1, "got 1"),
        (0, 1001, "got 1001"),
        (2**63 - 3, 4, "the last of 4 seeds would be 9223372036854775808, the largest is 9223372036854775807"),
    ],
)
def test_seeds_that_cannot_be(tmp_path: Path, seed: int, count: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MultiRun.of_seeds(Run(tmp_path, SCENARIO, small_config(), 32, seed), count)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mecsim_seeds": 2}, "format 2, this version reads format 1; train anew"),
        ({"seeds": {}}, "damaged: seeds should name folders such as seed-00 with their seeds"),
        ({"seeds": {"policy-00": 0}}, "damaged: seeds should name folders"),
        ({"seeds": {0: 0}}, "damaged: seeds should name folders"),
        ({"seeds": {"seed-00/../seed-01": 1}}, "damaged: seeds should name folders"),
        ({"seeds": {"seed-00": 1}}, "damaged: seed-00 was trained for another seed"),
        ({"seeds": {"seed-07": 7}}, "seed-07: not a run of mecsim train"),
    ],
)
def test_an_index_of_seeds_with_wrong_values_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    MultiRun.of_seeds(Run(tmp_path, SCENARIO, small_config(), 32, 0), 2).create("mecsim train")
    path = tmp_path / "seeds.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changed))
    with pytest.raises(RunError, match=message):
        MultiRun.open(tmp_path)


# An index that is damaged


@pytest.mark.parametrize(
    "content", [b"", b"[1", b"- 1\n", bytes(range(256)), b"[" * 3000, b"? [1]\n: 2\n", b"!!python/x y", b"{1: 2}"]
)
def test_an_index_of_something_else_is_refused(folder: Path, content: bytes) -> None:
    (folder / "policies.yaml").write_bytes(content)
    for use in (MultiRun.open, run_scenario, lambda folder: run_policy(folder, SCENARIO)):
        with pytest.raises(RunError, match=r"policies\.yaml") as caught:
            use(folder)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mecsim_policies": 2}, "format 2, this version reads format 1; train anew"),
        ({"mecsim_policies": None}, "no format"),
        ({"policies": None}, "damaged: policies should name folders"),
        ({"policies": {}}, "damaged: policies should name folders"),
        ({"policies": ["policy-00"]}, "damaged: policies should name folders"),
        ({"policies": {"../multi/policy-00": [0.0, 1.0]}}, "damaged: policies should name folders"),
        ({"policies": {"policies.yaml": [0.0, 1.0]}}, "damaged: policies should name folders"),
        ({"policies": {"policy-00": [1.0, 0.0]}}, "damaged: policy-00 was trained for another preference"),
        ({"policies": {"policy-00": None}}, "damaged: policy-00 was trained for another preference"),
    ],
)
def test_an_index_with_wrong_values_is_refused(folder: Path, changed: dict[str, Any], message: str) -> None:
    index_with(folder, **changed)
    with pytest.raises(RunError, match=message) as caught:
        MultiRun.open(folder)
    assert "policies.yaml" in str(caught.value)


def test_a_missing_policy_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "policy-01")
    with pytest.raises(RunError, match="policy-01: not a run of mecsim train"):
        MultiRun.open(folder)


def test_a_policy_of_another_scenario_is_named(folder: Path) -> None:
    path = folder / "policy-01" / "scenario.yaml"
    path.write_text(path.read_text().replace("description: small", "description: other"))
    (folder / "policy-01" / "manifest.json").unlink()  # which would tell that it was edited
    with pytest.raises(RunError, match="damaged: policy-01 was trained on another scenario"):
        MultiRun.open(folder)


def test_a_policy_that_is_not_trained_yet_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "policy-02" / "checkpoints")
    with pytest.raises(RunError, match="policy-02: the run has no checkpoint yet"):
        run_policy(folder, SCENARIO)


# The padded architecture


def wide(edges: int) -> OffloadScenario:
    return small_scenario(servers=Servers(edge=Edge(count=CountRange(edges, edges))))


def test_a_padded_run_plays_fewer_servers_but_no_more(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=2, architecture="padded")
    trained(run)
    assert run.load_agent().shape.num_options == 3
    fewer = wide(1)
    played = play(run_policy(run.folder, fewer)(0), fewer, draw_tapes(fewer, 0, 0, 8), np.array([0.5, 0.5]))
    assert (played.records.server < 2).all()
    with pytest.raises(InputError, match=r"does not fit the scenario: options: .* at most 3, got 4") as caught:
        run_policy(run.folder, wide(3))
    assert len(str(caught.value).splitlines()) == 1


def test_a_padded_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole, parts = (new_run(tmp_path / name, epochs=4, architecture="padded") for name in ("whole", "parts"))
    trained(whole)

    class Interrupt:
        def on_epoch(self, report: EpochReport) -> None:
            if report.epoch == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(parts, [Interrupt()])
    trained(Run.open(parts.folder), resume=True)
    assert (whole.folder / "metrics.csv").read_bytes() == (parts.folder / "metrics.csv").read_bytes()
