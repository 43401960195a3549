"""Training: collect, learn from what happened, evaluate, save."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
from mecsim_agents import LEARNERS, EnvironmentShape, Learner, Replay

from mecsim.core.episodes import AnyEpisodes
from mecsim.core.machine import memory_byte
from mecsim.core.stopping import never
from mecsim.core.system import new_episodes, system_of, values_shown
from mecsim.core.threads import on_threads, use_threads
from mecsim.envs.vector import BatchVectorEnv
from mecsim.errors import InputError
from mecsim.policies import Policy, calibrate, tradable
from mecsim.training.collect import Collector
from mecsim.training.guard import Guard
from mecsim.training.monitor import EpochReport, Evaluation, Monitor
from mecsim.training.policy import AgentPolicy
from mecsim.training.run import Run

Evaluate = Callable[[Policy], Evaluation]
"""What `train` calls to evaluate: the policy of the moment to how it does."""


class Prepared(NamedTuple):
    """What trains together: who plays, who learns, and what is learned from."""

    collector: Collector
    agent: Learner
    replay: Replay


def train(
    run: Run, evaluate: Evaluate, monitors: list[Monitor], device: str = "cpu", resume: bool = False,
    stop: Callable[[], bool] = never,
) -> None:  # fmt: skip
    """Train the agent of `run`, or go on from its newest checkpoint as if there had been no interruption.

    A run that was interrupted before its first checkpoint starts again. Where `stop` answers so after an epoch, there
    is a checkpoint and this returns.

    Raises:
        RunError: what there is to resume is damaged; MecsimError: a number that was played or learned is not finite.
    """
    scenario, config = run.scenario, run.config
    first_epoch = run.latest_epoch(go_on=True) if resume and run.has_checkpoint() else 0
    rows = run.mended_metrics(first_epoch)
    with _computing(device, config.precision), _beside(config.engine) as beside:
        collector, agent, replay = prepared(run, device, first_epoch)
        policy = AgentPolicy(agent, scenario, scenario, config.preference)
        guard = Guard(run, first_epoch, device)
        saved_s = time.monotonic()
        for epoch in range(first_epoch + 1, run.epochs + 1):
            report = _epoch(Prepared(collector, agent, replay), run, epoch, beside, guard)
            stopped = stop()  # before an evaluation, which may take long: from here on there is something to lose
            collector.env.episodes.trust_actions()
            if run.is_evaluated(epoch):
                report = dataclasses.replace(report, evaluation=evaluate(policy))
            rows.append(_row(report, scenario.objectives))
            run.write_metrics(rows)
            for monitor in monitors:
                monitor.on_epoch(report)
            late = time.monotonic() - saved_s >= 60.0 * config.checkpoint_minutes
            stopped = stop() or stopped  # it may be a monitor that asks for it
            if stopped or late or epoch % config.checkpoint_epochs == 0 or epoch == run.epochs:
                run.save_checkpoint(epoch, agent, replay, {"env_steps": report.env_steps, "updates": agent.updates})
                guard.saved(epoch)
                saved_s = time.monotonic()
            if stopped:
                return


def prepared(run: Run, device: str = "cpu", done_epochs: int = 0) -> Prepared:
    """What `run` trains with, before its first epoch, or as its newest checkpoint left it after `done_epochs`.

    Before the first epoch nothing of the run's folder is read or written.

    Raises:
        RunError: the checkpoint is damaged.
    """
    config = run.config
    collector = Collector(run, done_epochs * config.num_envs // config.copies)
    shape = _environment_shape(collector.env)
    replay = Replay(shape, config.agent.replay_capacity, device, config.copies, config.num_envs)
    if done_epochs:
        return Prepared(collector, run.load_checkpoint(replay, device), replay)
    return Prepared(collector, LEARNERS[config.algorithm].new(shape, config.agent, device, run.seed), replay)


def check_engine(run: Run, device: str) -> None:
    """Raise InputError if the environments of `run` cannot be played where it is to learn."""
    engine = run.config.engine
    if engine == "batched":
        return
    if not device.startswith(engine):
        raise InputError(f"engine={engine} needs --device {engine}, got {device}; or choose --set engine=batched")
    if engine not in system_of(run.scenario).usable_engines():
        raise InputError(
            f"engine={engine} cannot be used here: pip install 'mecsim[cuda]', or choose --set engine=batched"
        )


def check_memory(run: Run, at_once: int = 1) -> None:
    """Raise InputError if the replay and the episodes side by side would take more than the machine has.

    `at_once`: such trainings that run at the same time.
    """
    needed_byte, available_byte = at_once * training_byte(run), memory_byte()
    if needed_byte > 0.8 * available_byte:
        raise InputError(
            f"training needs about {needed_byte / 2**30:.0f} GiB of memory, this machine has "
            f"{available_byte / 2**30:.0f}: choose a smaller replay_capacity or num_envs with --set"
            f"{', or fewer --workers' if at_once > 1 else ''}"
        )


def training_byte(run: Run) -> float:
    """About how much memory its replay and its episodes side by side take."""
    scenario, config = run.scenario, run.config
    episodes = new_episodes(scenario, "batched")
    first, after = episodes.layout.count_columns or (0, 0)
    options, width = _shape(episodes, "options")
    row_byte = 4 * (width - (after - first)) + (after - first)
    replay_byte = (config.agent.replay_capacity + config.num_envs) * options * row_byte
    return replay_byte + config.num_envs * scenario.tape_byte


def _shape(episodes: AnyEpisodes, name: str) -> tuple[int, ...]:
    shape = episodes.observation_space[name].shape
    if shape is None:
        raise TypeError(f"{name}: the agent needs an array")
    return shape


def _environment_shape(env: BatchVectorEnv) -> EnvironmentShape:
    calibration = calibrate(env.scenario)
    # The scenario decides the ratio of the scales; the agent's numerics want them as large as what can be traded.
    agent_scale = calibration.scale * float(np.mean(tradable(env.scenario) / calibration.scale))
    num_options, option_features = _shape(env.episodes, "options")
    return EnvironmentShape(
        num_objectives=env.reward_dim,
        option_features=option_features,
        context_features=_shape(env.episodes, "context")[0],
        objective_scale=agent_scale.tolist(),
        num_options=num_options,
        reward_columns=env.episodes.cost_columns,
        separable=env.episodes.separable,
        count_columns=env.episodes.layout.count_columns,
        elapsed_entry=env.episodes.layout.elapsed_entry,
        discount_per_s=env.episodes.layout.discount_per_s,
    )


@contextmanager
def _computing(device: str, precision: str) -> Iterator[None]:
    """Meanwhile that GPU is the current one, if it is one, and matrix products in single precision are that precise."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        with torch.cuda.device(device) if device.startswith("cuda") else nullcontext():
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _products(device: str, precision: str) -> torch.autocast:
    """The matrix products of an update have that precision, its sums and weights single precision.

    Nothing is kept from one product to the next: what is kept cannot be recorded as a CUDA graph.
    """
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


@contextmanager
def _beside(engine: str) -> Iterator[Executor | None]:
    """A thread to collect on while this one learns; None where there is a single thread for both.

    One of the threads of the training is then the collector's, the others compute. A GPU does one thing after another,
    whoever asks for it.
    """
    threads = torch.get_num_threads()
    if threads == 1 or engine == "cuda":
        yield None
        return
    with on_threads(threads - 1), ThreadPoolExecutor(1, initializer=use_threads, initargs=(1,)) as executor:
        yield executor


def _epoch(prepared: Prepared, run: Run, epoch: int, beside: Executor | None, guard: Guard) -> EpochReport:
    """One episode of every environment, with the updates that belong to it.

    In rounds: some steps are played with the policy as it was at the start of the round, and meanwhile the agent learns
    from what had been played before. So the outcome does not depend on which of the two is faster.
    """
    collector, agent, replay = prepared
    config, steps = run.config, run.scenario.steps
    tally = collector.begin(epoch)
    agent.timer.clear()
    learned: list[Mapping[str, torch.Tensor]] = []
    first_step = (epoch - 1 - config.warmup_epochs) * steps  # of those that learn, so that no fraction is ever lost
    for start in range(0, steps, config.steps_per_round):
        count = min(config.steps_per_round, steps - start)
        agent.release()
        played = beside.submit(collector.collect, agent, count) if beside else None
        if epoch > config.warmup_epochs:
            for step in range(start, start + count):
                progress = (epoch - 1 + step / steps) / run.epochs
                due = _updates_due(config.updates_per_step, first_step + step)
                with _products(replay.device.type, config.precision), guard.learning(epoch):
                    learned += [agent.update(replay, progress, config.preference) for _ in range(due)]
        for step, batch in enumerate(played.result() if played else collector.collect(agent, count), start):
            with agent.timer.section("storing"), guard.storing(epoch, step, batch):
                replay.add(batch, guard.checks(epoch))
    guard.check_returns(epoch, tally.returns)
    if epoch == config.warmup_epochs:
        agent.observe(replay)
    returns, chosen = tally.returns.numpy(force=True), tally.chosen.numpy(force=True)
    return EpochReport(
        epoch=epoch,
        epochs=run.epochs,
        env_steps=epoch * config.num_envs * steps,
        updates=agent.updates,
        returns=values_shown(returns + collector.env.episodes.total_offset, run.scenario).mean(axis=0),
        action_shares=chosen / max(1, chosen.sum()),
        metrics=_means(learned),
        section_s=dict(agent.timer.seconds),
        evaluation=None,
    )


def _updates_due(per_step: float, step: int) -> int:
    """Updates after a step, such that n steps together have ⌊n·per_step⌋ of them; the slack is for rounding."""
    return math.floor(per_step * (step + 1) + 1e-9) - math.floor(per_step * step + 1e-9)


def _means(learned: list[Mapping[str, torch.Tensor]]) -> dict[str, float]:
    if not learned:
        return {}
    return {name: float(torch.stack([metrics[name] for metrics in learned]).mean()) for name in learned[0]}


def _row(report: EpochReport, objectives: tuple[str, ...]) -> dict[str, Any]:
    """A row of metrics.csv; what there is nothing to tell of is None or left out."""
    evaluation = report.evaluation
    return {
        "epoch": report.epoch,
        "env_steps": report.env_steps,
        "updates": report.updates,
        **{f"return_{name}": value for name, value in zip(objectives, report.returns.tolist(), strict=True)},
        **report.metrics,
        "hypervolume": None if evaluation is None else evaluation.hypervolume,
        "mean_cost": None if evaluation is None else evaluation.mean_cost,
        "hypervolume_ci95": None if evaluation is None else evaluation.hypervolume_ci95,
    }
