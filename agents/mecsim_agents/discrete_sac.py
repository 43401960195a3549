"""Discrete soft actor-critic for all preferences at once, over sets of options.

Dimension suffixes: N states, A options, F option features, G context features, d objectives, K critics, M critic
outputs per option (d, or 1 for the scalar critic).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from mecsim_agents import checkpoint
from mecsim_agents.architectures import Shape
from mecsim_agents.config import DiscreteSACConfig
from mecsim_agents.functional import (
    critic_target,
    entropy,
    group_errors,
    huber,
    masked_log_softmax,
    policy_loss,
    sample_preferences,
    scalarise,
    weighted_mean,
)
from mecsim_agents.model import Model
from mecsim_agents.observation import Observation, State, read_observation, read_preference
from mecsim_agents.replay import Replay, Transitions

_CHUNK = 256  # states evaluated at once when acting on a CPU: their activations stay in its cache
_WARM_UP = 20_000  # transitions that the input normalisation looks at
_CHECK_EVERY = 100  # updates between checks for finite numbers on a device where each check waits for it


class DiscreteSAC:
    """Preference-conditioned, multi-objective Discrete-SAC.

    Christodoulou 2019 (arXiv 1910.07207) with a critic for each objective and preferences drawn anew for every sampled
    transition (Alegre et al. 2023). An observation is a mapping of `options` float32 (N, A, F), `mask` (N, A), nonzero
    for the options that exist, and `context` float32 (N, G), or the same without N. N may change between calls, and A
    too (with the padded architecture up to `num_options`). A preference is (d,) or (N, d), not negative, with sum one.

    Learning and exploring share no weights: `release` hands those of the moment to the exploring policy. One thread can
    so act with `explore=True` while another one updates.
    """

    def __init__(
        self,
        num_objectives: int,
        option_features: int,
        context_features: int,
        objective_scale: Sequence[float],
        config: DiscreteSACConfig | None = None,
        reward_columns: Sequence[int] | None = None,
        device: torch.device | str = "cpu",
        seed: int = 0,
        num_options: int | None = None,
        separable: Sequence[int] = (),
    ) -> None:
        """`objective_scale`: (d,) size of each objective in its physical unit, by which rewards are divided.

        `reward_columns`: (d,) columns of `options` with each option's immediate cost, which is minus its reward, in
        physical units. `seed` decides the initial weights and all later draws. `num_options`: the most options of a
        state, which only the padded architecture has to know. `separable`: positions of the objectives in which a
        decision costs what it does whatever was decided before. Raises ValueError for shapes and values that cannot be.
        """
        self.config = config = config or DiscreteSACConfig()
        self.num_objectives, self.option_features = num_objectives, option_features
        self.context_features, self.device, self.seed = context_features, torch.device(device), seed
        self.num_options = num_options
        self.objective_scale = tuple(float(scale) for scale in objective_scale)
        self.reward_columns = None if reward_columns is None else tuple(int(column) for column in reward_columns)
        if len(self.objective_scale) != num_objectives or not all(0 < scale < np.inf for scale in self.objective_scale):
            raise ValueError(f"objective_scale: expected {num_objectives} positive numbers, got {self.objective_scale}")
        self.separable = tuple(int(position) for position in separable)
        if not set(self.separable) <= set(range(num_objectives)):
            raise ValueError(f"separable: expected positions of {num_objectives} objectives, got {self.separable}")
        columns = self.reward_columns
        if columns is not None and (len(columns) != num_objectives or not set(columns) <= set(range(option_features))):
            raise ValueError(
                f"reward_columns: expected {num_objectives} columns below {option_features}, got {columns}"
            )
        self._reward_factor_d = config.reward_multiplier / torch.tensor(self.objective_scale, device=self.device)

        initial_seed, act_seed, learn_seed = (int(word) for word in np.random.SeedSequence(seed).generate_state(3))
        # Two streams, so that how often one acts between updates does not change what is sampled from the replay.
        self._generators = {
            "act": torch.Generator(self.device).manual_seed(act_seed),
            "learn": torch.Generator(self.device).manual_seed(learn_seed),
        }
        outputs = num_objectives if config.critic == "vector" else 1
        shape = Shape(
            option_features, context_features, num_objectives, num_options, outputs, members=config.ensemble_size
        )
        factor_d = config.reward_multiplier / torch.tensor(self.objective_scale)
        initial = torch.Generator().manual_seed(initial_seed)  # on the CPU, so that a seed means one agent
        self.model = Model(shape, config, factor_d, self.reward_columns, self.separable, initial).to(self.device)
        self._optimisers = {
            "critic": self._adam(list(self.model.critic.parameters())),
            "temperature": self._adam([self.model.log_temperature]),
        }
        if config.policy == "network":
            self._optimisers["policy"] = self._adam(list(self.model.policy.parameters()))
        self.updates = 0

    # Acting

    def check_options(self, count: int) -> None:
        """Raise ValueError if states of so many options, absent ones included, are too large for the architecture."""
        self.model.critic.check_options(count)

    @torch.inference_mode()
    def act(
        self, observation: Observation, preference: ArrayLike | Tensor, *, explore: bool
    ) -> NDArray[np.int64] | int:
        """Choose an option for each state: (N,) int64, or an int for a single state.

        `explore` draws from the policy that was released last, with the agent's own generator; otherwise the likeliest
        option of the averaged policy is taken. Raises ValueError for a state without any option.
        """
        single, options_NAF, mask_NA, context_NG, preference_Nd = self._inputs(observation, preference)
        if not mask_NA.any(-1).all():
            raise ValueError("mask: a state has no option to choose from")
        chunk = _CHUNK if self.device.type == "cpu" else max(1, len(mask_NA))
        arguments = (options_NAF, mask_NA, context_NG, preference_Nd)
        choices = []
        for start in range(0, len(mask_NA), chunk):
            part = [tensor[start : start + chunk] for tensor in arguments]
            state = self.model.state(*part)
            if explore:
                logits_NA = self._explore(state)
            else:
                logits_NA = self.model.logits(self.model.averaged, state, self.model.temperature)
            choices.append(logits_NA.masked_fill(~part[1], -torch.inf).argmax(-1))
        action_N = (choices[0] if len(choices) == 1 else torch.cat(choices)).cpu().numpy()
        return int(action_N[0]) if single else action_N

    def _explore(self, state: State) -> Tensor:
        """Perturb logits such that the largest is a draw from the exploring policy."""
        logits_NA = self.model.exploring_logits(state)
        # Gumbel's trick: adding such noise and taking the largest draws from the softmax.
        return logits_NA - torch.empty_like(logits_NA).exponential_(generator=self._generators["act"]).log()

    def eval(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.int64] | int:
        """Choose without exploring, under the name that morl-baselines uses."""
        return self.act(observation, preference, explore=False)

    @torch.inference_mode()
    def action_probabilities(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.float32]:
        """Return the averaged policy (N, A), or (A,) for a single state; exactly 0 for absent options."""
        single, *inputs = self._inputs(observation, preference)
        state = self.model.state(*inputs)
        logits_NA = self.model.logits(self.model.averaged, state, self.model.temperature)
        probability_NA = masked_log_softmax(logits_NA, state.mask_NA)[0].cpu().numpy()
        return probability_NA[0] if single else probability_NA

    @torch.inference_mode()
    def q_values(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.float32]:
        """Return values (N, A, M), or (A, M), that the critics agree on (see `pessimism`); −inf for absent options.

        In scaled rewards: physical value × `reward_multiplier` / `objective_scale`. M is d, or 1 for a scalar critic.
        """
        single, *inputs = self._inputs(observation, preference)
        state = self.model.state(*inputs)
        values_NAM = self.model.judged(self.model.values(self.model.critic, state), state.preference_Nd)
        values = values_NAM.masked_fill(~state.mask_NA.unsqueeze(-1), -torch.inf).cpu().numpy()
        return values[0] if single else values

    # Learning

    def observe_normalisation(self, replay: Replay) -> None:
        """Set the input normalisation from the transitions in `replay`: once, after warm-up and before updates."""
        warm = replay.oldest_first(_WARM_UP)
        self.model.normaliser.set_normalisation(warm.options, warm.mask, warm.context)

    def release(self) -> None:
        """Explore from now on with the policy as it is now."""
        self.model.release()

    def update(self, replay: Replay, progress: float, preference: ArrayLike | None = None) -> dict[str, Tensor]:
        """Make one gradient step of critics, policy network and temperature, as far as they learn; move the targets.

        `progress` in [0, 1] is the share of the training done; it sets the learning rate. With a `preference` (d,)
        nothing but that one is learned for, instead of preferences drawn anew. Returns the METRICS as tensors without
        dimension, so that reading them, which waits for the device, is the caller's choice. Raises FloatingPointError
        when a loss or a gradient is not finite.
        """
        if replay.device.type != self.device.type:
            raise ValueError(f"replay: on {replay.device}, but the agent is on {self.device}")
        self.check_options(replay.num_options)
        config, model = self.config, self.model
        learning_rate = self._set_learning_rate(progress)
        batch = replay.sample(config.batch_size, self._generators["learn"])
        preference_Nd = self._preferences(batch, replay.group, preference)
        temperature = model.temperature

        with torch.no_grad():
            state = model.state(batch.options, batch.mask, batch.context, preference_Nd)
            following = model.state(batch.next_options, batch.next_mask, batch.next_context, preference_Nd)
            next_values_NAM = model.judged(model.values(model.target, following), preference_Nd)
            next_policy = model.next_policy(following, next_values_NAM)
            reward_NM = batch.reward * self._reward_factor_d
            if config.critic == "scalar":
                reward_NM = (reward_NM * preference_Nd).sum(-1, keepdim=True)
            bonus = temperature if config.value_entropy else torch.zeros_like(temperature)
            target_NM = critic_target(
                reward_NM, batch.terminated, next_values_NAM, *next_policy, preference_Nd, config.discount, bonus
            )
        taken_KNM = model.taken_values(model.critic, state, batch.action)
        error_KNM = taken_KNM - target_NM
        if config.critic == "vector":  # what decides is the weighted error: it counts as much as that of an objective
            error_KNM = torch.cat([error_KNM, (error_KNM * preference_Nd).sum(-1, keepdim=True)], -1)
        within, common = group_errors(error_KNM, replay.group)
        if replay.group == 1:
            critic_loss = huber(common, config.huber_beta)
        else:
            common_loss = huber(common, config.huber_beta)
            critic_loss = huber(within, config.group_huber_beta) + config.group_mean_weight * common_loss
        critic_norm = self._step("critic", len(taken_KNM) * critic_loss)
        entropy_N = entropy(*next_policy)
        policy_value = policy_norm = torch.zeros(())
        if config.policy == "network":
            policy_value, policy_norm = self._update_policy(state)
        if config.learn_temperature:
            target_entropy_N = config.target_entropy_fraction * following.mask_NA.sum(-1).clamp_min(1).log()
            self._step("temperature", (model.log_temperature * (entropy_N - target_entropy_N)).mean())
        self.updates += 1
        # Polynomial-decay averaging (Shamir and Zhang 2013): about the latest 1/(1 + power) of all updates count.
        model.follow(config.target_rate, (1.0 + config.averaging_power) / (self.updates + config.averaging_power))
        return {
            "critic_loss": critic_loss.detach(),
            "policy_loss": policy_value,
            "error_within_groups": within.detach().square().mean().sqrt(),
            "error_of_groups": common.detach().square().mean().sqrt(),
            "value": weighted_mean(taken_KNM[0].detach(), preference_Nd),
            "target": weighted_mean(target_NM, preference_Nd),
            "entropy": entropy_N.mean(),
            "temperature": temperature,
            "critic_gradient_norm": critic_norm,
            "policy_gradient_norm": policy_norm,
            "learning_rate": torch.tensor(learning_rate),
        }

    def _update_policy(self, state: State) -> tuple[Tensor, Tensor]:
        """Make a gradient step of the policy network; its loss and the norm of its gradient."""
        model = self.model
        with torch.no_grad():
            values_NAM = model.judged(model.values(model.critic, state), state.preference_Nd)
            value_NA = scalarise(values_NAM, state.preference_Nd)
        policy = masked_log_softmax(model.logits(model.policy, state, model.temperature), state.mask_NA)
        loss = policy_loss(*policy, value_NA, state.mask_NA, model.temperature)
        return loss.detach(), self._step("policy", loss)

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
        self.updates = int(state["updates"])
        for index, (name, generator) in enumerate(self._generators.items()):
            given = state[f"generator.{name}"]
            if given.shape == generator.get_state().shape:
                generator.set_state(given.cpu())
            else:
                words = np.random.SeedSequence([self.seed, self.updates, index]).generate_state(1)
                generator.manual_seed(int(words[0]))

    def save(self, path: str | Path) -> None:
        """Write one file with `state_tensors` and all constructor arguments, the device apart."""
        header = {
            "num_objectives": self.num_objectives,
            "option_features": self.option_features,
            "context_features": self.context_features,
            "objective_scale": self.objective_scale,
            "config": self.config.to_mapping(),
            "reward_columns": self.reward_columns,
            "seed": self.seed,
            "num_options": self.num_options,
            "separable": self.separable,
        }
        checkpoint.write(path, self.state_tensors(), header)

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> Self:
        """Make the agent that `save` wrote, on any device. Raises ValueError for another kind of file."""
        state, header = checkpoint.read(path)
        del header["format"]
        agent = cls(**header | {"config": DiscreteSACConfig.from_mapping(header["config"]), "device": device})
        agent.load_state_tensors(state)
        return agent

    # Parts

    def _inputs(
        self, observation: Observation, preference: ArrayLike | Tensor
    ) -> tuple[bool, Tensor, Tensor, Tensor, Tensor]:
        shape = self.option_features, self.context_features, self.num_objectives
        inputs = read_observation(observation, preference, *shape, self.device)
        self.check_options(inputs[2].shape[1])
        return inputs

    def _preferences(self, batch: Transitions, group: int, fixed: ArrayLike | None) -> Tensor:
        """Return the preferences (N, d) of a batch, one for each group: the fixed one, a played one, or drawn ones."""
        transitions, config, draw = len(batch.action), self.config, self._generators["learn"]
        if fixed is not None:
            return read_preference(fixed, transitions, self.num_objectives, "cpu").to(self.device)
        groups = transitions // group
        fresh_Gd = sample_preferences(groups, self.num_objectives, config.corner_fraction, draw, self.device)
        played_Gd = batch.preference[::group]
        played_G1 = torch.rand(groups, 1, generator=draw, device=self.device) < config.played_fraction
        return torch.where(played_G1, played_Gd, fresh_Gd).repeat_interleave(group, 0)

    def _adam(self, parameters: list[nn.Parameter]) -> torch.optim.Adam:
        # Measured on a CPU: the fused form takes a third of the time of the others.
        fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(parameters, lr=self.config.learning_rate, fused=fused)

    def _set_learning_rate(self, progress: float) -> float:
        left = 1.0 - min(max(progress, 0.0), 1.0)
        last = self.config.final_learning_rate_fraction
        learning_rate = self.config.learning_rate * (last + (1.0 - last) * left)
        for optimiser in self._optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = learning_rate
        return learning_rate

    def _step(self, name: str, loss: Tensor) -> Tensor:
        """Step the optimiser of that name down the gradient of `loss`; return the gradient's norm before clipping."""
        optimiser = self._optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = optimiser.param_groups[0]["params"]
        norm = nn.utils.clip_grad_norm_(parameters, self.config.max_gradient_norm, foreach=True)
        if (self.device.type == "cpu" or self.updates % _CHECK_EVERY == 0) and not torch.isfinite(norm + loss):
            raise FloatingPointError(f"update {self.updates}: the loss or gradient of the {name} is not finite")
        optimiser.step()
        return norm
