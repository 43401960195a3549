"""Whole trainings in miniature: what a run leaves, repeatability, going on after an interruption, getting better."""

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mecsim_agents import METRICS, DiscreteSAC, DoubleDQN
from mecsim_agents.learner import Learner

from mecsim.core.threads import kernel_threads
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.policies import Policy, calibrate, named_policy, tradable
from mecsim.scenario import Scenario, load_scenario
from mecsim.sweep import evaluate, mean_cost, preference_grid
from mecsim.systems.offload.scenario import Evaluation as Yardsticks
from mecsim.systems.offload.scenario import ObjectiveValues
from mecsim.training import AgentPolicy, Run, loop
from mecsim.training.collect import Collector
from mecsim.training.loop import _updates_due
from tests.training.same_run import ANY, EPOCHS, Interrupt, assert_same_run, metrics_of, tensors_of
from tests.training.small import COPIES, ENVS, STEPS, new_run, small_scenario, trained


@ANY
def test_a_run_leaves_what_it_promises(tmp_path: Path, algorithm: str) -> None:
    run = new_run(tmp_path / "run", algorithm=algorithm)
    reports = trained(run)
    entries = {path.name for path in run.folder.iterdir()}
    assert entries == {"scenario.yaml", "config.yaml", "command.txt", "manifest.json", "metrics.csv", "checkpoints"}
    assert load_scenario(run.folder / "scenario.yaml") == run.scenario
    assert Run.open(run.folder) == run
    earlier, checkpoint = sorted((run.folder / "checkpoints").iterdir())
    assert (earlier.name, checkpoint.name) == ("000004", "000006")
    assert sorted(path.name for path in checkpoint.iterdir()) == [
        "agent.safetensors",
        "metrics.csv",
        "replay.safetensors",
        "state.json",
    ]
    state = json.loads((checkpoint / "state.json").read_text())
    # Half an update a step, but none in the first epoch.
    counts = {name: state[name] for name in ("epoch", "env_steps", "updates")}
    assert counts == {"epoch": EPOCHS, "env_steps": EPOCHS * ENVS * STEPS, "updates": (EPOCHS - 1) * STEPS // 2}
    assert list(state["files"]) == ["agent.safetensors", "replay.safetensors", "metrics.csv"]
    assert [report.epoch for report in reports] == list(range(1, EPOCHS + 1))
    assert {report.epochs for report in reports} == {EPOCHS}


@pytest.mark.parametrize(("algorithm", "learned"), [("sac", METRICS), ("double-dqn", DoubleDQN.METRICS)])
def test_metrics_say_what_happened_in_every_epoch(tmp_path: Path, algorithm: str, learned: dict[str, str]) -> None:
    run = new_run(tmp_path / "run", epochs=5, algorithm=algorithm)
    reports = trained(run)
    rows = metrics_of(run)
    assert list(rows[0]) == [
        "epoch", "env_steps", "updates", "return_delay", "return_energy", *learned, "hypervolume", "mean_cost",
            "hypervolume_ci95",
    ]  # fmt: skip
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5]
    assert [int(row["env_steps"]) for row in rows] == [32, 64, 96, 128, 160]
    assert [int(row["updates"]) for row in rows] == [0, 4, 8, 12, 16]
    evaluated = [bool(row["mean_cost"]) for row in rows]
    assert evaluated == [True, True, False, True, True]  # before the first update, every second, and the last
    assert not any(rows[0][name] for name in learned)  # the warm-up learns nothing
    for row in rows[1:]:
        assert all(np.isfinite(float(row[name])) for name in learned)
        assert algorithm != "sac" or 0.0 <= float(row["entropy"]) <= np.log(3.0)
    for row, report in zip(rows, reports, strict=True):
        assert float(row["return_delay"]) == report.returns[0] > 0.0
        assert float(row["return_energy"]) == report.returns[1] > 0.0
        assert report.action_shares.shape == (3,)
        assert report.action_shares.sum() == pytest.approx(1.0)
        assert all(spent_s > 0.0 for spent_s in report.section_s.values())
        playing, learning = {"acting", "environments", "storing"}, {"sampling", "learning"}
        assert report.section_s.keys() == (playing if report.epoch == 1 else playing | learning)
    rates = [float(row["learning_rate"]) for row in rows[1:]]
    assert all(later < earlier for earlier, later in pairwise(rates))


def test_returns_are_what_the_episodes_of_an_epoch_cost(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=1)
    [report] = trained(run)
    rewards = tensors_of(run)["replay.safetensors", "reward"]
    assert rewards.shape == (ENVS * STEPS, 2)
    np.testing.assert_allclose(report.returns, -rewards.sum(axis=0) / ENVS, rtol=1e-5)


def test_the_warm_up_ends_with_the_normalisation_of_inputs(tmp_path: Path) -> None:
    runs = [new_run(tmp_path / name, epochs=2, warmup_epochs=warm_up) for name, warm_up in (("a", "2"), ("b", "3"))]
    for run in runs:
        trained(run)
    known, unknown = ({k: v for (_, k), v in tensors_of(run).items() if "normaliser" in k} for run in runs)
    assert any(not np.array_equal(known[name], unknown[name]) for name in known)


def test_a_started_epoch_is_played_to_its_end(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=1)
    longer = Run(run.folder, run.scenario, run.config, run.steps + 1, 0)
    assert len(trained(longer)) == 2


@ANY
def test_the_same_seed_gives_the_same_run_and_another_does_not(tmp_path: Path, algorithm: str) -> None:
    seeds = {"a": 3, "b": 3, "c": 4}
    first, again, other = (new_run(tmp_path / name, seed=seed, algorithm=algorithm) for name, seed in seeds.items())
    for run in (first, again, other):
        trained(run)
    assert_same_run(first, again)
    assert (first.folder / "metrics.csv").read_bytes() != (other.folder / "metrics.csv").read_bytes()


@ANY
def test_products_of_updates_can_be_rounded(tmp_path: Path, algorithm: str) -> None:
    """To bf16: weights stay in single precision, and those of a single epoch of learning are nearly the same ones."""
    critics = []
    for name, precision in (("plain", "float32"), ("rounded", "bf16"), ("again", "bf16")):
        run = new_run(tmp_path / name, epochs=2, algorithm=algorithm, precision=precision, steps_per_round=str(STEPS))
        trained(run)
        critics.append({key: value for key, value in tensors_of(run).items() if key[1].startswith("model.critic")})
    plain, rounded, again = critics
    assert {value.dtype for value in rounded.values()} == {np.dtype("float32")}
    assert all((rounded[key] == again[key]).all() for key in plain)
    apart = [float(np.abs(rounded[key] - plain[key]).max()) for key in plain]
    assert 0.0 < max(apart) < 0.1 * max(float(np.abs(value).max()) for value in plain.values())


def test_copies_are_learned_from_side_by_side(tmp_path: Path) -> None:
    """What neighbours in the replay saw first is the same, and so is their preference; what they did differs."""
    run = new_run(tmp_path / "run", epochs=1, replay_capacity="32", residual="false", corner_fraction="0")
    trained(run)
    held = {name: value for (file, name), value in tensors_of(run).items() if file == "replay.safetensors"}
    assert held["preference"].shape == (ENVS * STEPS, 2)
    groups = {name: value.reshape(-1, COPIES, *value.shape[1:]) for name, value in held.items() if value.ndim}
    assert (groups["preference"] == groups["preference"][:, :1]).all()
    assert len(np.unique(held["preference"], axis=0)) == ENVS // COPIES
    for name in ("options", "options.counts", "mask", "context"):
        assert (groups[name][:2] == groups[name][:2, :1]).all()  # the first step of all environments
    assert (groups["action"] != groups["action"][:, :1]).any()


def test_a_round_is_played_with_the_policy_of_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without learning anything in the warm-up: three rounds of 3, 3 and 2 steps in each of three epochs."""
    heard: list[Any] = []
    release, update, collect = DiscreteSAC.release, DiscreteSAC.update, Collector.collect

    def noted(method: Callable[..., Any], word: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            heard.append(word(*given))
            return method(*given)

        return call

    monkeypatch.setattr(DiscreteSAC, "release", noted(release, lambda *given: "release"))
    monkeypatch.setattr(DiscreteSAC, "update", noted(update, lambda *given: "update"))
    monkeypatch.setattr(Collector, "collect", noted(collect, lambda *given: given[-1]))
    trained(new_run(tmp_path / "run", epochs=2, updates_per_step="1"))
    warm = ["release", 3, "release", 3, "release", 2]
    learning = ["release", *["update"] * 3, 3, "release", *["update"] * 3, 3, "release", *["update"] * 2, 2]
    assert heard == warm + learning


class Early:
    """An executor that has done its work before the caller goes on."""

    def submit(self, work: Callable[..., Any], *given: Any) -> Any:
        done: Future[Any] = Future()
        done.set_result(work(*given))
        return done


class Late:
    """One that does it when its result is asked for."""

    class Waiting:
        def __init__(self, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
            self.work, self.given = work, given

        def result(self) -> Any:
            return self.work(*self.given)

    def submit(self, work: Callable[..., Any], *given: Any) -> Any:
        return self.Waiting(work, given)


@pytest.mark.parametrize("executor", [Early(), Late()])
@pytest.mark.parametrize("policy", ["softmax", "network"])
def test_it_does_not_matter_whether_learning_or_collecting_is_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: Early | Late, policy: str
) -> None:
    @contextmanager
    def beside(engine: str) -> Iterator[Early | Late]:
        yield executor

    alone, together = (new_run(tmp_path / name, epochs=4, policy=policy) for name in ("alone", "together"))
    trained(alone)
    monkeypatch.setattr(loop, "_beside", beside)
    trained(together)
    assert_same_run(alone, together)


def test_a_failure_while_collecting_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(collector: Any, agent: Learner, steps: int) -> None:
        raise RuntimeError("the environment broke")

    monkeypatch.setattr(Collector, "collect", failing)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        with pytest.raises(RuntimeError, match="the environment broke"):
            trained(new_run(tmp_path / f"run{threads}"))


def test_the_collecting_thread_leaves_the_cores_alone() -> None:
    """Kernels, too, count threads for each thread that calls them."""
    torch.set_num_threads(2)
    with loop._beside("batched") as beside:
        assert beside is not None
        assert beside.submit(lambda: (torch.get_num_threads(), kernel_threads())).result() == (1, 1)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("policy", ["softmax", "network"])
def test_a_run_on_a_gpu_goes_on_and_plays_on_the_cpu(tmp_path: Path, policy: str) -> None:
    run = new_run(tmp_path / "run", policy=policy)
    torch.set_num_threads(2)
    with pytest.raises(KeyboardInterrupt):
        trained(run, [Interrupt(3)], device="cuda")
    reports = trained(run, resume=True, device="cuda")
    assert [report.epoch for report in reports] == [3, 4, 5, 6]
    assert all(np.isfinite(value) for report in reports for value in report.metrics.values())
    assert run.finished
    greedy = cost_of(named_policy("greedy", run.scenario)(0), run.scenario)
    assert cost_of(policy_of(run), run.scenario) < 1.2 * greedy


@pytest.mark.parametrize("objectives", [("delay",), ("energy", "delay")])
def test_any_objectives_can_be_trained_for(tmp_path: Path, objectives: tuple[str, ...]) -> None:
    run = new_run(tmp_path / "run", small_scenario(objectives=objectives), epochs=2)
    reports = trained(run)
    assert reports[-1].returns.shape == (len(objectives),)
    assert [name for name in metrics_of(run)[0] if name.startswith("return_")] == [f"return_{o}" for o in objectives]


def test_satisfaction_while_training_is_told_from_0_to_5(tmp_path: Path) -> None:
    rated = {"satisfaction": DelaySatisfaction(), "objectives": ("delay", "satisfaction")}
    reports = trained(new_run(tmp_path / "run", small_scenario(**rated), epochs=2))
    assert all(3.0 < report.returns[1] < 5.0 for report in reports)  # tasks are small here


def test_the_agent_weighs_objectives_as_the_scenario_does(tmp_path: Path) -> None:
    yardsticks = Yardsticks(scale=ObjectiveValues(delay_s=50.0, energy_j=0.1))
    scenario = small_scenario(evaluation=yardsticks)
    run = new_run(tmp_path / "run", scenario, epochs=1)
    trained(run)
    scale = run.load_agent().shape.objective_scale
    assert scale[0] / scale[1] == pytest.approx(50.0 / 0.1)
    size = np.mean(tradable(scenario) / [50.0, 0.1])
    assert scale[0] == pytest.approx(50.0 * size)


def policy_of(run: Run) -> AgentPolicy:
    return AgentPolicy(run.load_agent(), run.scenario, run.scenario)


def cost_of(policy: Policy, scenario: Scenario) -> float:
    """Mean scalarised cost at the asked preference, on tapes of its own."""
    grid = preference_grid(2, 11)
    totals = evaluate(lambda seed: policy, scenario, grid, 64, 99)
    return mean_cost(totals.mean(axis=1), grid, calibrate(scenario).scale)


@pytest.mark.parametrize(
    ("algorithm", "own"),
    [
        ("sac", {"policy": "softmax", "exploration_temperature": "0.01"}),
        ("sac", {"policy": "network", "exploration_temperature": "0.01"}),
        ("double-dqn", {}),
    ],
)
def test_training_from_nothing_gets_close_to_greedy(tmp_path: Path, algorithm: str, own: dict[str, str]) -> None:
    settings: dict[str, Any] = {
        **own, "algorithm": algorithm, "discount": "0.95", "temperature": "0.01",
        "num_envs": "16", "residual": "false", "updates_per_step": "2", "batch_size": "64", "learning_rate": "3e-3",
        "encoder_sizes": "[32]", "head_sizes": "[32]", "replay_capacity": "5000", "evaluation_epochs": "1000",
    }  # fmt: skip
    run = new_run(tmp_path / "run", epochs=40, **settings)
    trained(run)
    untrained = new_run(tmp_path / "untrained", epochs=1, **settings)
    trained(untrained)
    greedy = cost_of(named_policy("greedy", run.scenario)(0), run.scenario)
    before = cost_of(policy_of(untrained), run.scenario)
    after = cost_of(policy_of(run), run.scenario)
    assert before > 1.2 * greedy  # there is something to learn
    assert after < greedy + 0.25 * (before - greedy)


@ANY
def test_the_residual_agent_is_no_worse_than_greedy(tmp_path: Path, algorithm: str) -> None:
    run = new_run(tmp_path / "run", epochs=10, algorithm=algorithm, num_envs="16", batch_size="64")
    trained(run)
    greedy = cost_of(named_policy("greedy", run.scenario)(0), run.scenario)
    assert cost_of(policy_of(run), run.scenario) < 1.02 * greedy


def test_fractions_of_updates_are_kept_from_epoch_to_epoch(tmp_path: Path) -> None:
    reports = trained(new_run(tmp_path / "run", epochs=6, updates_per_step="0.3"))
    done = [report.updates for report in reports]
    assert done == [math.floor(0.3 * STEPS * epoch + 1e-9) for epoch in range(6)]  # none in the first, the warm-up


@pytest.mark.parametrize("rate", [0.005, 0.1, 0.3, 0.5, 0.7, 1.0, 2.5])
def test_no_fraction_of_an_update_is_lost(rate: float) -> None:
    due = [_updates_due(rate, step) for step in range(1000)]
    assert sum(due) == round(1000 * rate)
    assert max(due) - min(due) <= 1
