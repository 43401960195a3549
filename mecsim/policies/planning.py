"""Planning at decision time: options are tried on sampled futures, which another policy plays on.

A rollout policy (Bertsekas, Tsitsiklis and Wu 1997) over any base: each candidate for the decision at hand is taken in
turn, then the episode goes on for a horizon with sampled arrivals and the decisions of the base, and what comes after
that is what the base says of it, if it does. All candidates of a decision meet the same futures. Needs a system that
can imagine (`Episodes.imagine`).
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.seeds import Stream
from mecsim.core.target import in_numpy
from mecsim.policies.policy import Actions, Policy, Preferences

ROWS = 4096  # imagined episodes side by side


@runtime_checkable
class Values(Protocol):
    """A policy that says what it expects."""

    def values(self, observation: Arrays, preference: Preferences) -> NDArray[np.float64]:
        """What each option brings from here to the end, Σ ω_i·r_i/scale_i, (N, A), larger is better.

        Up to a number that the options have in common; −inf for absent options.
        """


@dataclass(frozen=True)
class Planning:
    """How much is tried."""

    futures: int = 8
    horizon: int = 10
    """Decisions of the base after the one at hand."""
    candidates: int | None = 3
    """Options that are tried, those that the base values most; None for all, as where it values none."""
    gap: float = np.inf
    """Options that are tried are behind the best one by no more, in the unit of costs."""
    trust: float = 0.0


class PlanningPolicy:
    """The least mean cost over sampled futures."""

    def __init__(self, base: Policy, scale: NDArray[np.float64], seed: int, planning: Planning) -> None:
        self._base, self._scale, self._planning = base, scale, planning
        self._values = base if isinstance(base, Values) else None
        self._rng = np.random.default_rng([seed, Stream.PLANNING])
        self.stats = [0, 0, 0]

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The option of the least expected cost in each episode."""
        cost, tried = self.costs(episodes, observation, preference)
        return np.asarray(np.where(tried, cost, np.inf).argmin(axis=1))

    def costs(self, episodes, observation, preference):
        plan, mask = self._planning, observation["mask"].astype(np.bool_)
        prior = None if self._values is None else self._values.values(observation, preference)
        tried = mask
        if prior is not None:
            prior = np.where(mask, prior, -np.inf)
            behind = prior.max(axis=1, keepdims=True) - prior
            place = np.argsort(np.argsort(behind, axis=1, kind="stable"), axis=1, kind="stable")
            tried = mask & (place < (plan.candidates or mask.shape[1])) & (behind <= plan.gap)
        further = plan.horizon + (self._values is not None)
        imagine = episodes.imagine(self._rng, plan.futures, further)
        open_ = in_numpy(episodes.waits(observation)) & (tried.sum(axis=1) > 1)
        self.stats[0] += len(mask); self.stats[1] += open_.sum(); self.stats[2] += tried[open_].sum()
        cost = np.zeros(mask.shape) if prior is None else -np.where(mask, prior, -np.inf)
        todo = np.flatnonzero(open_)
        start = 0
        size = np.cumsum(tried[todo].sum(axis=1) * plan.futures)
        while start < len(todo):
            base = size[start - 1] if start else 0
            end = max(start + 1, int(np.searchsorted(size, base + ROWS, side="right")))
            chosen = todo[start:end]
            n, option = np.nonzero(tried[chosen])
            row = np.repeat(np.arange(len(n)), plan.futures)
            future = np.tile(np.arange(plan.futures), len(n))
            value = self._played(imagine(chosen[n[row]], future), option[row], preference[chosen[n[row]]])
            value = value.reshape(len(n), plan.futures)
            for i in range(len(chosen)):
                mine = n == i
                c, options, v = chosen[i], option[mine], value[mine]
                if plan.trust and prior is not None:
                    best = prior[c, options].argmax()
                    d = v - v[best]
                    mean, var = d.mean(axis=1), d.var(axis=1, ddof=1) / plan.futures
                    pd = prior[c, options[best]] - prior[c, options]
                    t = plan.trust ** 2
                    cost[c, options] = (mean * t + pd * var) / (t + var + 1e-30)
                else:
                    cost[c, options] = v.mean(axis=1)
            start = end
        return cost, tried

    def _played(self, episodes: AnyEpisodes, option: Actions, preference: Preferences) -> NDArray[np.float64]:
        """What each imagined episode costs that begins with an option, (R,)."""
        weight, columns = preference / self._scale, episodes.objective_columns
        cost = np.zeros(len(option))
        action = option
        for ahead in range(self._planning.horizon + 1):
            observation, _, rewards = episodes.step(action)
            cost -= (in_numpy(rewards)[:, columns] * weight).sum(axis=1)
            if episodes.over:
                return cost
            if ahead < self._planning.horizon:
                action = self._base.act(episodes, observation, preference)
        if self._values is not None:
            cost -= self._values.values(observation, preference).max(axis=1)
        return cost
