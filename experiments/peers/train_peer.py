"""Train one method on `gmorl-e6` for some seconds on one thread, and measure it at fixed moments of its training.

    python experiments/peers/train_peer.py NAME --seconds S --seed K --out FOLDER

`run.py` runs this for every method, the methods of morl-baselines with the Python of the environment that `setup.sh`
makes. FOLDER gets curve.csv, a line per moment, written at once, and at the end told.json: settings, totals, versions,
hardware. Without told.json a training was interrupted.

The clock stands still while a policy is measured. It starts when everything is imported and the engine is compiled, and
it counts whatever a method does from then on: making networks, playing, learning. `cpu_s` is the processor's time of
the same stretches, for machines that other work shares.

All methods see the same observation (the dict of arrays, or the same numbers in one vector), get costs in units of the
scenario's scale, and are measured by the same function, without exploring, on the same episodes, which are used for
nothing else.
"""

import os
import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import gymnasium as gym
import numpy as np
import torch
from course import CLOCKS, Course, Stopwatch, TimeUp
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from mecsim.cli import main
from mecsim.cli.options import key_values
from mecsim.core.episodes import Arrays
from mecsim.core.threads import use_threads
from mecsim.envs import FlatObservation
from mecsim.envs.sb3 import ScalarVecEnv, flat_observation
from mecsim.policies import Policy
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.stable_baselines import DqnConfig
from mecsim.report.provenance import provenance
from mecsim.sweep import write_json
from mecsim.systems.offload.environment import OffloadEnv
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.training import Evaluation, Run, TrainingConfig, train

UNLIMITED = 10**9  # steps of a training that time ends

HIDDEN = [256, 256]  # of the networks of all peers
REPLAY = 100_000  # transitions, of all peers
DISCOUNT = 0.95  # of all peers


# mecsim


def train_mecsim(course: Course, steps: int | None, settings: dict[str, str]) -> dict[str, Any]:
    """mecsim's agent, by the loop of `mecsim train`; it ends with its steps or its time. Returns its settings."""
    scenario = course.scenario
    config = TrainingConfig().with_settings(
        # An epoch is the smallest stretch after which the loop lets itself be measured. Checkpoints are of no use here.
        {**settings, "evaluation_epochs": "1", "checkpoint_epochs": str(UNLIMITED)}
    )
    course.begin()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), scenario, config, steps or scenario.training.steps, course.seed, 1)
        epochs = 0

        def watched(policy: Policy) -> Evaluation:
            # Asked after every epoch. Between the moments the last answer stands: the loop wants one and only shows it.
            nonlocal epochs
            epochs += 1
            course.passed(policy, epochs * config.num_envs * scenario.episode.steps, over=epochs == run.epochs)
            unknown = float("nan")
            return Evaluation(course.preferences, course.totals, np.zeros((0, 0)), unknown, unknown, unknown)

        with suppress(TimeUp):
            train(run, watched, [])
    return {"steps": run.steps, **config.to_mapping()}


# DQN of stable-baselines3, a model for each preference


class _ModelPolicy:
    """A model of stable-baselines3 for one preference."""

    def __init__(self, model: BaseAlgorithm) -> None:
        self._model = model

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The action of the highest value."""
        return np.asarray(self._model.predict(flat_observation(observation), deterministic=True)[0], np.int64)


@dataclass(frozen=True, slots=True)
class _Measured:
    wall_s: float  # of this model's own training
    cpu_s: float
    env_steps: int
    totals: NDArray[np.float64]  # (1, episodes, objectives)


class _Measuring(BaseCallback):
    """Measures a model at each moment of its own training, and ends that after the last."""

    def __init__(self, course: Course, preference: Preferences, own_moments: list[float]) -> None:
        super().__init__()
        self.found: list[_Measured] = []
        self._course, self._preference, self._moments = course, preference, own_moments
        self._begun = course.watch.read()

    def _on_step(self) -> bool:
        own = [now - begun for now, begun in zip(self._course.watch.read(), self._begun, strict=True)]
        passed = sum(moment <= own[self._course.clock] for moment in self._moments)
        if passed > len(self.found):
            with self._course.watch.paused():
                totals = self._course.play(_ModelPolicy(self.model), self._preference)
            self.found += [_Measured(own[0], own[1], self.num_timesteps, totals)] * (passed - len(self.found))
        return len(self.found) < len(self._moments)


def train_dqn(course: Course) -> dict[str, Any]:
    """A DQN for each preference, one after another; the time is that of all together. Returns their settings.

    Each model has its share of the time. A line of the curve is what the models had after the same share of their
    training each, at the sum of the times that this took.
    """
    config = DqnConfig()  # the settings of mecsim's baseline `dqn`, apart from its budget and widths
    count = len(course.preferences)
    exploring = round(config.exploration * config.steps)
    own_moments = [moment / count for moment in course.moments]
    found: list[list[_Measured]] = []
    course.begin()
    for preference in course.preferences:
        measuring = _Measuring(course, preference[None], own_moments)
        env = ScalarVecEnv(course.scenario, preference, course.calibration.scale, config.envs, course.seed)
        model = DQN(
            "MlpPolicy", env, learning_rate=config.learning_rate, buffer_size=REPLAY, learning_starts=config.warm_up,
            batch_size=config.batch, gamma=DISCOUNT, train_freq=1, gradient_steps=config.updates,
            target_update_interval=config.target_every, exploration_fraction=exploring / UNLIMITED,
            policy_kwargs={"net_arch": HIDDEN}, seed=course.seed, device="cpu",
        )  # fmt: skip
        model.learn(UNLIMITED, callback=measuring)
        found.append(measuring.found)
        click.echo(f"dqn: {len(found)} of {count} preferences, {measuring.num_timesteps:,} steps", err=True)
    for together in zip(*found, strict=True):
        course.tell(
            sum(one.wall_s for one in together),
            sum(one.cpu_s for one in together),
            sum(one.env_steps for one in together),
            np.concatenate([one.totals for one in together]),
        )
    own = {"hidden": HIDDEN, "replay": REPLAY, "discount": DISCOUNT, "steps": None}
    return {**asdict(config), **own, "exploring_steps": exploring, "models": count}


# Envelope and GPI-LS of morl-baselines


class _Watched(gym.Wrapper[Any, Any, Any, Any]):
    """Asks after every step whether the policy is to be measured: the packages' loops have no callback."""

    def __init__(self, env: gym.Env[Any, Any], course: Course) -> None:
        super().__init__(env)
        self.policy: Policy | None = None
        self._course = course
        self._steps = 0

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step."""
        result = self.env.step(action)
        self._steps += 1
        if self.policy is not None:
            self._course.passed(self.policy, self._steps)
        return result


class _Unclocked(gym.Wrapper[Any, Any, Any, Any]):
    """Stops the clock from a reset to the end of the episode: what an algorithm plays to measure itself is free."""

    def __init__(self, env: gym.Env[Any, Any], watch: Stopwatch) -> None:
        super().__init__(env)
        self._watch = watch

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset and stop the clock."""
        self._watch.pause()
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; at the end of the episode the clock goes on."""
        result = self.env.step(action)
        if result[2]:
            self._watch.go_on()
        return result


def _vector_env(course: Course, seed: int) -> gym.Env[Any, Any]:
    """One environment with `flat_observation` of `mecsim.envs.sb3` and a reward vector in units of the scale."""
    flat = FlatObservation(OffloadEnv(course.scenario, "batched"))  # the faster engine, also for one environment
    box = gym.spaces.Box(-np.inf, np.inf, flat.observation_space.shape, np.float32)
    scale = course.calibration.scale.astype(np.float32)
    logs: gym.Env[Any, Any] = gym.wrappers.TransformObservation(
        flat, lambda values: np.sign(values) * np.log1p(np.abs(values)), box
    )
    env: gym.Env[Any, Any] = gym.wrappers.TransformReward(logs, lambda reward: np.asarray(reward) / scale)
    env.reset(seed=seed)  # resets without a seed go on from here
    env.action_space.seed(seed)
    return env


def _spread_weights() -> None:
    """Let morl-baselines spread its weights of evaluation, which it remembers, before the clock starts.

    It takes seconds for them at the start of each training, although nothing uses them where logs are off.
    """
    from morl_baselines.common.weights import (  # type: ignore[import-not-found, unused-ignore]
        equally_spaced_weights,
    )

    equally_spaced_weights(2, n=100)  # as `train` calls it: only then is it the same to the cache


def _seed_packages(seed: int) -> None:
    """morl-baselines draws from the global generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


class _EnvelopePolicy:
    """What `Envelope.eval` would do, for many episodes at once."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    @torch.no_grad()
    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The action of the highest scalarised value."""
        weight = torch.tensor(preference, dtype=torch.float32)
        values = self._agent.q_net(torch.from_numpy(flat_observation(observation)), weight)
        return np.asarray(torch.einsum("nr,nar->na", weight, values).argmax(dim=1).numpy())


def train_envelope(course: Course) -> dict[str, Any]:
    """Envelope Q-learning. Returns its settings; what is not among them is the package's default."""
    from morl_baselines.multi_policy.envelope.envelope import Envelope  # type: ignore[import-not-found, unused-ignore]

    settings: dict[str, Any] = {
        "net_arch": HIDDEN,
        "buffer_size": REPLAY,
        "gamma": DISCOUNT,
        "batch_size": 64,
        "learning_starts": 1000,
        "initial_epsilon": 0.05,
        "final_epsilon": 0.05,
        "homotopy_decay_steps": 10_000,
    }
    _spread_weights()
    course.begin()
    _seed_packages(course.seed)
    env = _Watched(_vector_env(course, course.seed), course)
    agent = Envelope(env, **settings, seed=course.seed, device="cpu", log=False)
    env.policy = _EnvelopePolicy(agent)
    with suppress(TimeUp):
        agent.train(UNLIMITED)
    return settings


class _GpiPolicy:
    """What `GPILS.eval` would do, for many episodes at once."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    @torch.no_grad()
    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The action of the highest scalarised value that any of the supported weights' policies promises."""
        net = self._agent.q_nets[0].eval()
        weight = torch.tensor(preference, dtype=torch.float32)
        # Its `forward`, but features of a state are computed once and not for each of the supported weights.
        state = net.state_features(torch.from_numpy(flat_observation(observation)))
        support = net.weights_features(torch.stack(self._agent.weight_support))
        values = net.net(state[:, None] * support[None]).unflatten(2, (self._agent.action_dim, -1))
        net.train()
        promised = torch.einsum("nr,nmar->nma", weight, values).amax(dim=1)
        return np.asarray(promised.argmax(dim=1).numpy())


def train_gpi_ls(course: Course) -> dict[str, Any]:
    """GPI-LS. Returns its settings; what is not among them is the package's default.

    It chooses the next weights by evaluating its policies; these evaluations are not clocked, nor are their steps
    counted.
    """
    from morl_baselines.multi_policy.gpi_pd.gpi_pd import GPILS  # type: ignore[import-not-found, unused-ignore]

    settings: dict[str, Any] = {
        "net_arch": HIDDEN,
        "buffer_size": REPLAY,
        "gamma": DISCOUNT,
        "gradient_updates": 1,  # by default 20 from step 5,000 on; more steps are worth more here than more updates
        "learning_starts": 1000,
        "initial_epsilon": 0.05,
        "final_epsilon": 0.05,
        "target_net_update_freq": 200,
    }
    steps_per_weight = 5000
    _spread_weights()
    course.begin()
    _seed_packages(course.seed)
    env = _Watched(_vector_env(course, course.seed), course)
    own_evaluations = _Unclocked(_vector_env(course, course.seed + 1), course.watch)
    agent = GPILS(env, **settings, seed=course.seed, device="cpu", log=False)
    env.policy = _GpiPolicy(agent)
    with suppress(TimeUp), open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # it prints without end
        agent.train(UNLIMITED, own_evaluations, np.zeros(2), timesteps_per_iter=steps_per_weight, checkpoints=False)
    return {**settings, "timesteps_per_iter": steps_per_weight}


PEERS: dict[str, Callable[[Course], dict[str, Any]]] = {
    "dqn": train_dqn,
    "envelope": train_envelope,
    "gpi-ls": train_gpi_ls,
}
OURS: dict[str, dict[str, str]] = {
    "mecsim": {},
    "mecsim-plain": {"residual": "false"},  # it does not start from the greedy choice, and learns what costs it sees
}
"""Settings of mecsim's agent that make each of its methods."""


@click.command()
@click.argument("name", type=click.Choice([*OURS, *PEERS]))
@click.option("--seconds", type=click.FloatRange(0.0, min_open=True), required=True, help="Training time.")
@click.option(
    "--clock",
    type=click.Choice(CLOCKS),
    default="wall",
    show_default=True,
    help="What --seconds and the moments count; the processor's time where other work shares the machine.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the training.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the results.")
@click.option("--preferences", type=click.IntRange(2), default=11, show_default=True, help="To measure at.")
@click.option("--episodes", type=click.IntRange(1), default=64, show_default=True, help="To measure on.")
@click.option("--episode-seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of these episodes.")
@click.option("--steps", type=click.IntRange(1), help="Length of mecsim's schedule.  [default: the scenario's]")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A training setting of mecsim; repeatable.")
def command(
    name: str, seconds: float, clock: str, seed: int, out: Path, preferences: int, episodes: int, episode_seed: int,
    steps: int | None, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Train the method NAME and measure it on the way."""
    changed = key_values(settings, "--set")
    use_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    (out / "told.json").unlink(missing_ok=True)
    course = Course(name, seed, seconds, clock, preferences, episodes, episode_seed, out)
    used = train_mecsim(course, steps, {**OURS[name], **changed}) if name in OURS else PEERS[name](course)
    last = course.lines[-1]
    asked = {
        "name": name, "seconds": seconds, "clock": clock, "seed": seed, "preferences": preferences,
        "episodes": episodes, "episode-seed": episode_seed, "steps": steps, "set": changed,
    }  # fmt: skip
    speed = {"steps_per_s": last["env_steps"] / last["wall_s"], "steps_per_cpu_s": last["env_steps"] / last["cpu_s"]}
    told = {"format": 1, "asked": asked, "settings": used, "last": last, **speed, **provenance()}
    told["versions"]["stable-baselines3"] = version("stable-baselines3")
    if "morl_baselines" in sys.modules:
        told["versions"]["morl-baselines"] = version("morl-baselines")
    write_json(out / "told.json", told)


if __name__ == "__main__":
    main(program=command)
