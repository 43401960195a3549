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
from mecsim_agents.architectures import Shape, new_network
from mecsim_agents.config import DiscreteSACConfig
from mecsim_agents.ensemble import EnsembleNetwork
from mecsim_agents.functional import (
    critic_target,
    entropy,
    masked_log_softmax,
    pessimistic,
    policy_loss,
    sample_preferences,
    scalarise,
    weighted_mean,
)
from mecsim_agents.networks import InputNormaliser
from mecsim_agents.observation import Observation, State, read_observation, read_preference
from mecsim_agents.replay import Replay

_CHUNK = 256  # states evaluated at once when acting on a CPU: their activations stay in its cache
_WARM_UP = 20_000  # transitions that the input normalisation looks at
_CHECK_EVERY = 100  # updates between checks for finite numbers on a device where each check waits for it


class DiscreteSAC:
    """Preference-conditioned, multi-objective Discrete-SAC.

    Christodoulou 2019 (arXiv 1910.07207) with a critic for each objective and preferences drawn anew for every sampled
    transition (Alegre et al. 2023). An observation is a mapping of `options` float32 (N, A, F), `mask` (N, A), nonzero
    for the options that exist, and `context` float32 (N, G), or the same without N. N may change between calls, and A
    too (with the padded architecture up to `num_options`). A preference is (d,) or (N, d), not negative, with sum one.

    The residual form: what an option costs at once is known from its columns `reward_columns`, so
    Q_i(s,a,ω) = −cost_i(s,a) + f_i(s,a,ω), and the policy's logits are −ω·cost(s,a)/T + g(s,a,ω). f and g start at
    zero: the agent starts near the greedy policy and learns only where the future speaks against it.
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
    ) -> None:
        """`objective_scale`: (d,) size of each objective in its physical unit, by which rewards are divided.

        `reward_columns`: (d,) columns of `options` with each option's immediate cost, which is minus its reward, in
        physical units. `seed` decides the initial weights and all later draws. `num_options`: the most options of a
        state, which only the padded architecture has to know. Raises ValueError for shapes and values that cannot be.
        """
        self.config = config = config or DiscreteSACConfig()
        self.num_objectives, self.option_features = num_objectives, option_features
        self.context_features, self.device, self.seed = context_features, torch.device(device), seed
        self.num_options = num_options
        self.objective_scale = tuple(float(scale) for scale in objective_scale)
        self.reward_columns = None if reward_columns is None else tuple(int(column) for column in reward_columns)
        if len(self.objective_scale) != num_objectives or not all(0 < scale < np.inf for scale in self.objective_scale):
            raise ValueError(f"objective_scale: expected {num_objectives} positive numbers, got {self.objective_scale}")
        columns = self.reward_columns
        if columns is not None and (len(columns) != num_objectives or not set(columns) <= set(range(option_features))):
            raise ValueError(
                f"reward_columns: expected {num_objectives} columns below {option_features}, got {columns}"
            )
        self._reward_factor_d = config.reward_multiplier / torch.tensor(self.objective_scale, device=self.device)

        initial_seed, act_seed, learn_seed = (int(word) for word in np.random.SeedSequence(seed).generate_state(3))
        initial = torch.Generator().manual_seed(initial_seed)
        # Two streams, so that how often one acts between updates does not change what is sampled from the replay.
        self._generators = {
            "act": torch.Generator(self.device).manual_seed(act_seed),
            "learn": torch.Generator(self.device).manual_seed(learn_seed),
        }

        def network(outputs: int, members: int) -> EnsembleNetwork:
            shape = Shape(option_features, context_features, num_objectives, num_options, outputs, members)
            return new_network(shape, config, initial).to(self.device)

        outputs = num_objectives if config.critic == "vector" else 1
        self._normaliser = InputNormaliser(option_features, context_features, self.reward_columns or ()).to(self.device)
        self._policy = network(1, 1)
        self._averaged_policy = network(1, 1).requires_grad_(False)
        self._averaged_policy.load_state_dict(self._policy.state_dict())
        self._critic = network(outputs, config.ensemble_size)
        self._target = network(outputs, config.ensemble_size).requires_grad_(False)
        self._target.load_state_dict(self._critic.state_dict())
        self._log_temperature = nn.Parameter(torch.tensor(float(np.log(config.temperature)), device=self.device))
        self._optimisers = {
            "critic": self._adam(list(self._critic.parameters())),
            "policy": self._adam(list(self._policy.parameters())),
            "temperature": self._adam([self._log_temperature]),
        }
        self.updates = 0

    # Acting

    def check_options(self, count: int) -> None:
        """Raise ValueError if states of so many options, absent ones included, are too large for the architecture."""
        self._policy.check_options(count)

    @torch.inference_mode()
    def act(
        self, observation: Observation, preference: ArrayLike | Tensor, *, explore: bool
    ) -> NDArray[np.int64] | int:
        """Choose an option for each state: (N,) int64, or an int for a single state.

        `explore` draws from the policy that learns, with the agent's own generator; otherwise the likeliest option of
        the averaged policy is taken. Raises ValueError for a state without any option.
        """
        single, options_NAF, mask_NA, context_NG, preference_Nd = self._inputs(observation, preference)
        if not mask_NA.any(-1).all():
            raise ValueError("mask: a state has no option to choose from")
        chunk = _CHUNK if self.device.type == "cpu" else max(1, len(mask_NA))
        arguments = (options_NAF, mask_NA, context_NG, preference_Nd)
        choices = []
        for start in range(0, len(mask_NA), chunk):
            part = [tensor[start : start + chunk] for tensor in arguments]
            policy = self._policy if explore else self._averaged_policy
            logits_NA = self._logits(policy, self._state(*part))
            if explore:  # Gumbel's trick: adding such noise and taking the largest draws from the softmax
                noise_NA = torch.empty_like(logits_NA).exponential_(generator=self._generators["act"])
                logits_NA = logits_NA - noise_NA.log()
            choices.append(logits_NA.masked_fill(~part[1], -torch.inf).argmax(-1))
        action_N = torch.cat(choices).cpu().numpy()
        return int(action_N[0]) if single else action_N

    def eval(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.int64] | int:
        """Choose without exploring, under the name that morl-baselines uses."""
        return self.act(observation, preference, explore=False)

    @torch.inference_mode()
    def action_probabilities(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.float32]:
        """Return the averaged policy (N, A), or (A,) for a single state; exactly 0 for absent options."""
        single, *inputs = self._inputs(observation, preference)
        probability_NA = self._distribution(self._averaged_policy, self._state(*inputs))[0].cpu().numpy()
        return probability_NA[0] if single else probability_NA

    @torch.inference_mode()
    def q_values(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.float32]:
        """Return values (N, A, M), or (A, M), of the critic with the lower weighted value; −inf for absent options.

        In scaled rewards: physical value × `reward_multiplier` / `objective_scale`. M is d, or 1 for a scalar critic.
        """
        single, *inputs = self._inputs(observation, preference)
        state = self._state(*inputs)
        values_NAM = pessimistic(self._values(self._critic, state), state.preference_Nd)
        values = values_NAM.masked_fill(~state.mask_NA.unsqueeze(-1), -torch.inf).cpu().numpy()
        return values[0] if single else values

    # Learning

    def observe_normalisation(self, replay: Replay) -> None:
        """Set the input normalisation from the transitions in `replay`: once, after warm-up and before updates."""
        warm = replay.oldest_first(_WARM_UP)
        self._normaliser.set_normalisation(warm.options, warm.mask, warm.context)

    def update(self, replay: Replay, progress: float, preference: ArrayLike | None = None) -> dict[str, Tensor]:
        """Make one gradient step of critic, policy and (if learned) temperature, and move the target critic.

        `progress` in [0, 1] is the share of the training done; it sets the learning rate. With a `preference` (d,)
        nothing but that one is learned for, instead of preferences drawn anew. Returns the METRICS as tensors without
        dimension, so that reading them, which waits for the device, is the caller's choice. Raises FloatingPointError
        when a loss or a gradient is not finite.
        """
        if replay.device.type != self.device.type:
            raise ValueError(f"replay: on {replay.device}, but the agent is on {self.device}")
        self.check_options(replay.num_options)
        config = self.config
        learning_rate = self._set_learning_rate(progress)
        batch = replay.sample(config.batch_size, self._generators["learn"])
        preference_Nd = self._preferences(preference)
        temperature = self._log_temperature.detach().exp()

        with torch.no_grad():
            state = self._state(batch.options, batch.mask, batch.context, preference_Nd)
            following = self._state(batch.next_options, batch.next_mask, batch.next_context, preference_Nd)
            next_values_KNAM = self._values(self._target, following)
            next_policy = self._distribution(self._policy, following)
            reward_NM = batch.reward * self._reward_factor_d
            if config.critic == "scalar":
                reward_NM = (reward_NM * preference_Nd).sum(-1, keepdim=True)
            target_NM = critic_target(
                reward_NM,
                batch.terminated,
                next_values_KNAM,
                *next_policy,
                preference_Nd,
                config.discount,
                temperature,
            )

        # All options without gradient, for the policy, and the taken one with it. The policy so learns from the critics
        # of one step ago, and a forward pass of them is saved.
        future_KNAM, taken_KN1M = self._critic.all_and_taken(*state.inputs, batch.action)
        value_NA = scalarise(self._complete(future_KNAM, state), preference_Nd).amin(0)
        taken_KNM = self._complete_taken(taken_KN1M, state, batch.action)
        critic_loss = len(taken_KNM) * nn.functional.smooth_l1_loss(
            taken_KNM, target_NM.expand_as(taken_KNM), beta=config.huber_beta
        )
        probability_NA, log_probability_NA = self._distribution(self._policy, state)
        loss = policy_loss(probability_NA, log_probability_NA, value_NA, state.mask_NA, temperature)

        critic_norm = self._step("critic", critic_loss)
        policy_norm = self._step("policy", loss)
        entropy_N = entropy(probability_NA.detach(), log_probability_NA.detach())
        if config.learn_temperature:
            target_entropy_N = config.target_entropy_fraction * state.mask_NA.sum(-1).clamp_min(1).log()
            self._step("temperature", (self._log_temperature * (entropy_N - target_entropy_N)).mean())
        with torch.no_grad():
            torch._foreach_lerp_(list(self._target.parameters()), list(self._critic.parameters()), config.target_rate)
            self.updates += 1
            # Polynomial-decay averaging (Shamir and Zhang 2013): about the latest 1/(1 + power) of all updates count.
            rate = (1.0 + config.averaging_power) / (self.updates + config.averaging_power)
            for averaged, latest in zip(self._averaged_policy.parameters(), self._policy.parameters(), strict=True):
                averaged.lerp_(latest, rate)
        return {
            "critic_loss": critic_loss.detach(),
            "policy_loss": loss.detach(),
            "value": weighted_mean(taken_KNM[0].detach(), preference_Nd),
            "target": weighted_mean(target_NM, preference_Nd),
            "entropy": entropy_N.mean(),
            "temperature": temperature,
            "critic_gradient_norm": critic_norm,
            "policy_gradient_norm": policy_norm,
            "learning_rate": torch.tensor(learning_rate),
        }

    # Saving

    def state_tensors(self) -> dict[str, Tensor]:
        """Return all that a run needs to continue bit for bit, replay apart, by name; independent copies on the CPU."""
        state = {f"{name}.{key}": value for name, part in self._modules().items() for key, value in part.items()}
        for name, optimiser in self._optimisers.items():
            state |= checkpoint.optimiser_tensors(f"optimiser.{name}", optimiser)
        state |= {f"generator.{name}": generator.get_state() for name, generator in self._generators.items()}
        state |= {"log_temperature": self._log_temperature, "updates": torch.tensor(self.updates)}
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    @torch.no_grad()
    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state_tensors` of an agent of the same shape; ValueError for one of another.

        Generators cannot move between kinds of device; there they start anew, from the seed and the number of updates.
        """
        for name, part in self._modules().items():
            for key, value in part.items():
                given = state.get(f"{name}.{key}")
                if given is None or given.shape != value.shape:
                    raise ValueError(f"{name}.{key}: missing, or of another shape than {tuple(value.shape)}")
        for name, part in self._modules().items():
            for key, value in part.items():
                value.copy_(state[f"{name}.{key}"])
        for name, optimiser in self._optimisers.items():
            checkpoint.load_optimiser_tensors(f"optimiser.{name}", optimiser, state)
        self._log_temperature.copy_(state["log_temperature"])
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

    def _state(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor) -> State:
        immediate_NAd = None
        if self.config.residual and self.reward_columns is not None:
            cost_NAd = options_NAF[..., self.reward_columns] * self._reward_factor_d
            immediate_NAd = torch.where(mask_NA.unsqueeze(-1), -cost_NAd, 0.0)
        normal_NAF, normal_NG = self._normaliser(options_NAF, mask_NA, context_NG)
        return State(normal_NAF, mask_NA, normal_NG, preference_Nd, immediate_NAd)

    def _complete(self, future_KNAM: Tensor, state: State) -> Tensor:
        """Add to the critics' outputs what is known of the options at once."""
        if state.immediate_NAd is None:
            return future_KNAM
        if self.config.critic == "scalar":
            return future_KNAM + scalarise(state.immediate_NAd, state.preference_Nd).unsqueeze(-1)
        return future_KNAM + state.immediate_NAd

    def _values(self, critic: EnsembleNetwork, state: State) -> Tensor:
        """Values (K, N, A, M) in scaled rewards."""
        return self._complete(critic(*state.inputs), state)

    def _complete_taken(self, future_KN1M: Tensor, state: State, action_N: Tensor) -> Tensor:
        """Values (K, N, M) of the option of each state that was taken."""
        if state.immediate_NAd is not None:
            index_N1d = action_N.view(-1, 1, 1).expand(-1, 1, self.num_objectives)
            state = state._replace(immediate_NAd=state.immediate_NAd.gather(1, index_N1d))
        return self._complete(future_KN1M, state).squeeze(2)

    def _logits(self, policy: EnsembleNetwork, state: State) -> Tensor:
        """Logits (N, A) of a policy; those of absent options mean nothing."""
        learned_NA: Tensor = policy(*state.inputs)
        learned_NA = learned_NA[0, :, :, 0]
        if state.immediate_NAd is None:
            return learned_NA
        gain_NA = scalarise(state.immediate_NAd, state.preference_Nd)
        best_N1 = gain_NA.masked_fill(~state.mask_NA, -torch.inf).amax(-1, keepdim=True)
        # Costs have outliers: without the floor an option once hopeless could never be learned again. Padding after an
        # episode's end has no best option; its logits are not used and only have to be numbers.
        greedy_NA = ((gain_NA - best_N1) / self.config.logit_temperature).clamp(-self.config.logit_floor, 0.0)
        return learned_NA + greedy_NA

    def _distribution(self, policy: EnsembleNetwork, state: State) -> tuple[Tensor, Tensor]:
        return masked_log_softmax(self._logits(policy, state), state.mask_NA)

    def _inputs(
        self, observation: Observation, preference: ArrayLike | Tensor
    ) -> tuple[bool, Tensor, Tensor, Tensor, Tensor]:
        shape = self.option_features, self.context_features, self.num_objectives
        inputs = read_observation(observation, preference, *shape, self.device)
        self.check_options(inputs[2].shape[1])
        return inputs

    def _preferences(self, fixed: ArrayLike | None) -> Tensor:
        """Return the preferences (N, d) of a batch: the fixed one, or drawn ones."""
        count, draw = self.config.batch_size, self._generators["learn"]
        if fixed is not None:
            return read_preference(fixed, count, self.num_objectives, "cpu").to(self.device)
        return sample_preferences(count, self.num_objectives, self.config.corner_fraction, draw, self.device)

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

    def _modules(self) -> dict[str, dict[str, Tensor]]:
        modules = {"normaliser": self._normaliser, "policy": self._policy, "averaged_policy": self._averaged_policy}
        modules |= {"critic": self._critic, "target": self._target}
        return {name: module.state_dict() for name, module in modules.items()}
