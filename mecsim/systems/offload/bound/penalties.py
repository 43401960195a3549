"""What the use of the future is charged with.

To the cost of giving the task of step t to option e is added

    β·(mean over sampled futures of Q(e; future) − Q(e; the actual future)),

where Q is what a greedy policy's rollout from a reference state comes to (`OffloadEngine.rollouts`). The reference
state is that of the greedy policy at step t of this tape: it depends on what is known at t alone. The sampled futures
are drawn for this episode, apart from everything else, by the law that the actual one has given what is known at t. So
whatever an option's place, the charge is 0 on average for whoever chooses it without knowing the future (dual
feasibility; Brown, Smith and Sun 2010), for any β and any horizon. So is what greedy's option would be charged; it is
subtracted, as it tells options nothing and would only add noise.

That needs a future whose law is known: tasks that arrive by a Poisson process, which has no memory, and links that last
the episode. Who knows all links, and the frequencies of all servers, from the start is bounded as well.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.seeds import Stream
from mecsim.core.system import new_episodes
from mecsim.errors import InputError
from mecsim.physics.arrivals.poisson import PoissonArrivals
from mecsim.policies.immediate import GreedyPolicy
from mecsim.schema.units import Uniform
from mecsim.systems.offload.bound.inner import spec_of_plain
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.engine import OffloadEngine
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.layout import column_weights
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

Array = NDArray[np.float64]

FUTURES = 16
HORIZON = 5


def check_known_law(scenario: OffloadScenario) -> None:
    """Raise InputError unless futures can be drawn by the law that they have given what is known."""
    if scenario.task_trace is not None:
        raise InputError("penalties need tasks that are drawn, got recorded ones; expected a penalty of 0")
    if not isinstance(scenario.arrivals.law, PoissonArrivals):
        raise InputError("penalties need arrivals without memory, arrivals.model: poisson, or a penalty of 0")
    if scenario.per_task:
        raise InputError("penalties need a decision each step, dispatch.decide: step, or a penalty of 0")
    if scenario.link_per_task:
        raise InputError("penalties need links that last an episode, channel.fading: episode, or a penalty of 0")


def penalties(
    scenario: OffloadScenario, tapes: OffloadTapes, preference: Array, scale: Array, seed: int, first: int
) -> Array:
    """The charge of each option of each step with β = 1, (N, T, A); 0 for absent options.

    Args:
        scenario: of a kind that `check_known_law` accepts.
        tapes: episodes `first` … of a seed.
        preference: a row per episode.
        scale: of the objectives.
        seed: of the tapes; the sampled futures are another stream of it.
        first: the number of the first episode.
    """
    check_known_law(scenario)
    spec, count = spec_of_plain(scenario), len(tapes)
    pool = _drawn(scenario, seed, first * FUTURES, count * FUTURES)
    factor = np.ones((count, len(pool)))
    if scenario.tasks.size.mean_bit == "balanced":
        factor = tapes.cpu_hz.sum(axis=1)[:, None] / pool.cpu_hz.sum(axis=1)
    clip_bit, anything = scenario.tasks.size.clip_bit or Uniform(0.0, np.inf), Uniform(0.0, np.inf)
    own, same = np.arange(count)[:, None], np.ones((count, count))
    members = np.arange(len(pool)).reshape(count, FUTURES)
    weight = column_weights(scenario, preference / scale)
    episodes, policy = new_episodes(scenario, "batched"), GreedyPolicy(scale)
    engine: OffloadEngine = episodes.engine  # type: ignore[assignment]  # of this system
    observation = episodes.begin(tapes)
    charge = np.zeros((count, spec.steps, spec.max_options))
    possible = np.arange(spec.max_options) < (tapes.num_servers + spec.device)[:, None]
    for step in range(spec.steps):
        horizon = min(HORIZON, spec.steps - step - 1)
        if horizon > 0:
            after = np.full((count, FUTURES), step + 1)
            sampled = Futures(pool, members, after, horizon, True, factor, clip_bit)
            actual = Futures(tapes, own, after[:, :1], horizon, True, same, anything)
            values = engine.rollouts(sampled, weight)
            exists = np.isfinite(values)
            np.subtract(values / FUTURES, engine.rollouts(actual, weight), out=charge[:, step], where=exists)
        action = policy.act(episodes, observation, preference)
        charge[:, step] -= np.where(possible, np.take_along_axis(charge[:, step], action[:, None], axis=1), 0.0)
        observation, _, _ = episodes.step(action)
    return charge


def _drawn(scenario: OffloadScenario, seed: int, first: int, count: int) -> OffloadTapes:
    """Episodes whose sizes are not clipped: those that are scaled to other servers have to be clipped after it."""
    size = scenario.tasks.size.model_copy(update={"clip_bit": None})
    tasks = scenario.tasks.model_copy(update={"size": size})
    return draw_tapes(scenario.model_copy(update={"tasks": tasks}), seed, first, count, Stream.RELAXATION)
