"""What learners of values share beside acting: an update of the critics, and files.

Dimension suffixes as in `values.model`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from mecsim_agents import checkpoint
from mecsim_agents.captured import Captured
from mecsim_agents.environment import EnvironmentShape
from mecsim_agents.functional import (
    critic_target,
    group_errors,
    huber,
    sample_preferences,
    weighted_mean,
)
from mecsim_agents.learner import Algorithm
from mecsim_agents.observation import State, read_preference
from mecsim_agents.replay import Replay
from mecsim_agents.timer import SectionTimer
from mecsim_agents.transitions import Transitions
from mecsim_agents.values.acting import ValueActor
from mecsim_agents.values.config import ValueConfig
from mecsim_agents.values.model import ValueModel

_WARM_UP = 20_000  # transitions that the input normalisation looks at
_CHECK_EVERY = 100  # updates between checks for finite numbers on a device where each check waits for it


class ValueLearner(ValueActor):
    """A learner with a critic for each objective, for all preferences at once (see `Learner` for what is promised).

    Preferences are drawn anew for sampled transitions (Alegre et al. 2023). Learning and exploring share no weights:
    `release` hands those of the moment to the exploring policy. One thread can so act with `explore=True` while another
    one updates.
    """

    NAME: ClassVar[str]
    CONFIG: ClassVar[type[ValueConfig]]
    MODEL: ClassVar[type[ValueModel]]
    METRICS: ClassVar[Mapping[str, str]]

    config: ValueConfig
    model: ValueModel

    def __init__(
        self,
        shape: EnvironmentShape,
        config: ValueConfig | None = None,
        device: torch.device | str = "cpu",
        seed: int = 0,
    ) -> None:
        """`seed` decides the initial weights and all later draws.

        Raises TypeError for the config of another learner, ValueError for an architecture that does not fit the shape.
        """
        self.shape, self.config, self.device, self.seed = shape, config or self.CONFIG(), torch.device(device), seed
        if not isinstance(self.config, self.CONFIG):
            raise TypeError(f"config: expected a {self.CONFIG.__name__}, got a {type(config).__name__}")
        initial_seed, act_seed, learn_seed = (int(word) for word in np.random.SeedSequence(seed).generate_state(3))
        # Two streams, so that how often one acts between updates does not change what is sampled from the replay.
        self._generators = {
            "act": torch.Generator(self.device).manual_seed(act_seed),
            "learn": torch.Generator(self.device).manual_seed(learn_seed),
        }
        initial = torch.Generator().manual_seed(initial_seed)  # on the CPU, so that a seed means one agent
        self.model = self.MODEL(shape, self.config, initial).to(self.device)
        self._optimisers = {name: self._adam(parameters) for name, parameters in self.model.learned().items()}
        self.updates = 0
        self.timer = SectionTimer()
        self._metric_names: tuple[str, ...] = ()
        self._outcome: dict[str, Tensor] = {}  # of the latest step of each optimiser: not finite if that failed
        self._learned_from: Replay | None = None  # by `_learning`
        self._learning: Captured
        self._trying: Captured
        self._record_anew()

    @classmethod
    def algorithm(cls, summary: str) -> Algorithm:
        """Describe learners of this class, in one line and otherwise."""
        return Algorithm(cls.NAME, summary, cls.CONFIG, cls.METRICS, cls, cls.load)

    # Learning

    def observe(self, replay: Replay) -> None:
        """Set the input normalisation from the transitions in `replay`: once, after warm-up and before updates."""
        warm = replay.oldest_first(_WARM_UP)
        self.model.normaliser.set_normalisation(warm.options, warm.mask, warm.context)

    def release(self) -> None:
        """Explore from now on with the policy as it is now."""
        self.model.release()

    def update(self, replay: Replay, progress: float, preference: ArrayLike | None = None) -> dict[str, Tensor]:
        """Make one gradient step of all that learns, and move the targets.

        `progress` in [0, 1] is the share of the training done; schedules follow it. With a `preference` (d,) nothing
        but that one is learned for, instead of preferences drawn anew. Returns the METRICS as tensors without
        dimension, so that reading them, which waits for the device, is the caller's choice. Raises FloatingPointError
        when a loss or a gradient is not finite.
        """
        if replay.device.type != self.device.type:
            raise ValueError(f"replay: on {replay.device}, but the agent is on {self.device}")
        self.check_options(replay.num_options)
        if self._learned_from is not replay:
            self._learned_from = replay
            self._learning = Captured(partial(self._learn_at, replay), self.device)
        scheduled = self._schedule(min(max(progress, 0.0), 1.0))
        with self.timer.section("sampling"):
            row_N = replay.draw(self.config.batch_size, self._generators["learn"])
            preferences = self._drawn_preferences(self.config.batch_size // replay.group, preference)
        values = self._learning(row_N, *preferences)
        with self.timer.section("learning"):
            self._check_finite()
            self.updates += 1
            # Polynomial-decay averaging (Shamir and Zhang 2013): about the latest 1/(1 + power) of all updates count.
            power = self.config.averaging_power
            self.model.follow(self.config.target_rate, (1.0 + power) / (self.updates + power))
        return dict(zip(self._metric_names, values.unbind(), strict=True)) | scheduled

    def _learn_at(self, replay: Replay, row_N: Tensor, drawn_Gd: Tensor, as_played_G1: Tensor) -> Tensor:
        """Make a gradient step on rows of the replay; what there is to report, in the order of `_metric_names`."""
        with self.timer.section("sampling"):
            batch = replay.at(row_N)
            preference_Nd = self._learned_for(batch, drawn_Gd, as_played_G1)
        with self.timer.section("learning"):
            metrics = self._learn(batch, preference_Nd, replay.group)
            self._metric_names = tuple(metrics)
            return torch.stack(list(metrics.values()))

    def _learn(self, batch: Transitions, preference_Nd: Tensor, group: int) -> dict[str, Tensor]:
        """Make a gradient step of the critics and of what else learns; what there is to report."""
        config, model = self.config, self.model
        with torch.no_grad():
            state = model.state(batch.options, batch.mask, batch.context, preference_Nd)
            following = model.state(batch.next_options, batch.next_mask, batch.next_context, preference_Nd)
            next_values_NAM = model.judged(model.values(model.target, following), preference_Nd)
            policy = model.next_policy(following, next_values_NAM)
            reward_NM, bonus = model.rewards(batch.reward, preference_Nd), model.entropy_bonus
            discount_N = self._discount(batch.next_context)
            target_NM = critic_target(
                reward_NM, batch.terminated, next_values_NAM, *policy, preference_Nd, discount_N, bonus
            )
        taken_KNM = model.taken_values(model.critic, state, batch.action)
        error_KNM = taken_KNM - target_NM
        if model.per_objective:  # what decides is the weighted error: it counts as much as that of an objective
            error_KNM = torch.cat([error_KNM, (error_KNM * preference_Nd).sum(-1, keepdim=True)], -1)
        within, common = group_errors(error_KNM, group)
        loss = huber(common, config.huber_beta)
        if group > 1:
            loss = huber(within, config.group_huber_beta) + config.group_mean_weight * loss
        norm = self._step("critic", len(taken_KNM) * loss)
        return {
            "critic_loss": loss.detach(),
            "error_within_groups": within.detach().square().mean().sqrt(),
            "error_of_groups": common.detach().square().mean().sqrt(),
            "value": weighted_mean(taken_KNM[0].detach(), preference_Nd),
            "target": weighted_mean(target_NM, preference_Nd),
            "critic_gradient_norm": norm,
        } | self._learn_more(state, following, policy)

    def _discount(self, next_context_NG: Tensor) -> Tensor | float:
        """γ of each transition, by the time until the next decision where that counts; else of all of them."""
        per_s, entry = self.shape.discount_per_s, self.shape.elapsed_entry
        if per_s is None or entry is None:
            return self.config.discount
        return torch.pow(per_s, next_context_NG[:, entry])

    def _learn_more(self, state: State, following: State, policy: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Make the gradient steps of what a learner has beside its critics; what there is to report of them.

        `policy`: probabilities and their logarithms of the one that the critics' targets followed in `following`.
        """
        return {}

    def _schedule(self, progress: float) -> dict[str, Tensor]:
        """Set what depends on the share of the training done, and report it."""
        last = self.config.final_learning_rate_fraction
        learning_rate = self.config.learning_rate * (last + (1.0 - last) * (1.0 - progress))
        for optimiser in self._optimisers.values():
            for group in optimiser.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(learning_rate)
                else:
                    group["lr"] = learning_rate
        return {"learning_rate": torch.full((), learning_rate, device=self.device)}

    # Saving

    def state_tensors(self) -> dict[str, Tensor]:
        """Return all that a run needs to continue bit for bit, replay apart, by name; independent copies on the CPU."""
        state = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for name, optimiser in self._optimisers.items():
            state |= checkpoint.optimiser_tensors(f"optimiser.{name}", optimiser)
        state |= {f"generator.{name}": generator.get_state() for name, generator in self._generators.items()}
        state |= {"updates": torch.tensor(self.updates)}
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    @torch.no_grad()
    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state_tensors` of an agent of the same shape; ValueError for one of another.

        Generators cannot move between kinds of device; there they start anew, from the seed and the number of updates.
        """
        for name, value in self.model.state_dict().items():
            given = state.get(f"model.{name}")
            if given is None or given.shape != value.shape:
                raise ValueError(f"model.{name}: missing, or of another shape than {tuple(value.shape)}")
        for name, value in self.model.state_dict().items():
            value.copy_(state[f"model.{name}"])
        for name, optimiser in self._optimisers.items():
            checkpoint.load_optimiser_tensors(f"optimiser.{name}", optimiser, state)
        if int(state["updates"]) < 0:
            raise ValueError(f"updates: expected a count, got {int(state['updates'])}")
        self.updates = int(state["updates"])
        self._record_anew()  # the optimisers have other tensors
        for index, (name, generator) in enumerate(self._generators.items()):
            given = state[f"generator.{name}"]
            if given.shape == generator.get_state().shape:
                generator.set_state(given.cpu())
            else:
                words = np.random.SeedSequence([self.seed, self.updates, index]).generate_state(1)
                generator.manual_seed(int(words[0]))

    def save(self, path: str | Path) -> None:
        """Write one file with `state_tensors` and all constructor arguments, the device apart."""
        own = {"agent": self.NAME, "config": self.config.to_mapping(), "seed": self.seed}
        checkpoint.write(path, self.state_tensors(), own | asdict(self.shape))

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> Self:
        """Make the agent that `save` wrote, on any device. Raises ValueError for another kind of file."""
        state, header = checkpoint.read(path, cls.NAME)
        config, seed = cls.CONFIG.from_stored(header.pop("config")), header.pop("seed")
        agent = cls(EnvironmentShape(**header), config, device, seed)
        agent.load_state_tensors(state)
        return agent

    # Parts

    def _record_anew(self) -> None:
        """Forget what was recorded of acting and learning."""
        self._learned_from = None
        self._trying = Captured(self._tried, self.device)

    def _drawn_preferences(self, groups: int, fixed: ArrayLike | None) -> tuple[Tensor, Tensor]:
        """Preferences (G, d), fixed or drawn, and where the one that was played is learned for instead (G, 1)."""
        objectives, config, draw = self.shape.num_objectives, self.config, self._generators["learn"]
        if fixed is not None:
            fixed_Gd = read_preference(fixed, groups, objectives, "cpu").to(self.device)
            return fixed_Gd, torch.zeros(groups, 1, dtype=torch.bool, device=self.device)
        drawn_Gd = sample_preferences(groups, objectives, config.corner_fraction, draw, self.device)
        return drawn_Gd, torch.rand(groups, 1, generator=draw, device=self.device) < config.played_fraction

    @staticmethod
    def _learned_for(batch: Transitions, drawn_Gd: Tensor, as_played_G1: Tensor) -> Tensor:
        """The preference (N, d) that each transition is learned from for, one for all of a group."""
        group = len(batch.action) // len(drawn_Gd)
        played_Gd = batch.preference[::group]
        return torch.where(as_played_G1, played_Gd, drawn_Gd).repeat_interleave(group, 0)

    def _adam(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Adam:
        # Measured on a CPU: the fused form takes a third of the time of the others.
        rate, kind = self.config.learning_rate, self.device.type
        if kind == "cuda":  # what a recorded step reads of the schedule is a tensor
            return torch.optim.Adam(parameters, lr=torch.tensor(rate, device=self.device), fused=True, capturable=True)
        return torch.optim.Adam(parameters, lr=rate, fused=kind == "cpu")

    def _check_finite(self) -> None:
        if self.device.type != "cpu" and self.updates % _CHECK_EVERY:
            return
        for name, outcome in self._outcome.items():
            if not torch.isfinite(outcome):
                raise FloatingPointError(f"update {self.updates}: the loss or gradient of the {name} is not finite")

    def _step(self, name: str, loss: Tensor) -> Tensor:
        """Step the optimiser of that name down the gradient of `loss`; return the gradient's norm before clipping."""
        optimiser = self._optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = optimiser.param_groups[0]["params"]
        norm = nn.utils.clip_grad_norm_(parameters, self.config.max_gradient_norm, foreach=True)
        optimiser.step()
        self._outcome[name] = (norm + loss).detach()
        return norm
