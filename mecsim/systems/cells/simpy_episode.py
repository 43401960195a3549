"""An episode of the SimPy engine of the cells: requests, sessions and people, from decision to decision.

A session is a process: it takes blocks from its cell, holds them for its duration, and gives them back.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.core.engine import ABSENT, Observation
from mecsim.core.histogram import histogram_bin
from mecsim.physics.satisfaction import log_position
from mecsim.systems.cells.layout import (
    ABOVE_ADEQUATE,
    ACTIVE,
    APPLICATION,
    BLOCK_SHARE,
    CQI,
    DEMAND_MBIT_PER_S,
    FALLEN,
    FITS,
    LEFT,
    LEFT_SHARE,
    LOG_DURATION,
    MEAN_UTILISATION,
    MIN_MBIT_PER_S,
    NEUTRAL_RATING,
    OVERALL,
    PERIOD,
    POSITION,
    PREDICTED,
    RATE_MBIT_PER_S,
    RATE_SHARE,
    REJECT,
    REMAINING,
    RESIDUALS,
    RISEN,
    TO_MBIT,
    USER_RATING,
    UTILISATION,
    WARNINGS,
    CellsSpec,
    rating_bin,
)
from mecsim.systems.cells.person import Person
from mecsim.systems.cells.tape import MAX_CQI, CellsTapes

Events = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Offer:
    """A way to serve a request: a candidate cell and a level."""

    cell: int
    cqi: int
    level: int
    rate_bit_per_s: float
    blocks: int  # 0: the cell cannot be reached
    position: float  # of the rate between the minimum, 0, and the demanded one, 1
    satisfaction: float  # without memory
    predicted: float


@dataclass(frozen=True)
class Request:
    """A request and all the ways to serve it; option i + 1 takes offer i."""

    arrival_s: float
    duration_s: float
    user: int
    period: int
    application: int
    min_rate_bit_per_s: float
    demand_rate_bit_per_s: float
    demanded_blocks: int
    persona: int
    zone: list[float]  # at rest: adequate and desired position, true, then predicted; empty without memory
    offers: list[Offer]


@dataclass(frozen=True)
class Decision:
    """What was decided about a request; no offer: it was rejected."""

    option: int
    offer: Offer | None
    end_s: float
    saved_block_s: float
    blocked: bool
    satisfaction: float = 0.0
    predicted: float = 0.0
    levels: tuple[float, float] = (math.nan, math.nan)  # of the user then
    left: bool = False  # the user, before


@dataclass(eq=False)  # a session is itself and no other
class Session:
    """Blocks of a cell that are taken until a time."""

    blocks: int
    end_s: float


class Cell:
    """Blocks, and the sessions that hold them."""

    def __init__(self, env: simpy.Environment, blocks: int) -> None:
        self.env = env
        self.blocks = blocks
        self.free = simpy.Container(env, capacity=blocks, init=blocks)
        self.sessions: list[Session] = []
        self.busy_block_s = 0.0
        self.peak_blocks = 0
        self._accounted_until_s = 0.0

    @property
    def used(self) -> int:
        """Occupied blocks."""
        return self.blocks - int(self.free.level)

    def serve(self, blocks: int, duration_s: float) -> Events:
        """A session, from its admission to its end."""
        session = Session(blocks, self.env.now + duration_s)
        self._account()
        yield self.free.get(blocks)
        self.sessions.append(session)
        self.peak_blocks = max(self.peak_blocks, self.used)
        yield self.env.timeout(duration_s)
        self._account()
        yield self.free.put(blocks)
        self.sessions.remove(session)

    def _account(self) -> None:
        """Add what was occupied since the last change."""
        self.busy_block_s += self.used * (self.env.now - self._accounted_until_s)
        self._accounted_until_s = self.env.now


class Known(NamedTuple):
    """What is known of a scenario beside its tapes."""

    mean_duration_s: list[float]  # of each application
    paces: list[list[float]]  # of each persona: rise and fall


class CellSimulation:
    """One episode: requests, cells and what users think so far, driven one request at a time."""

    def __init__(self, spec: CellsSpec, known: Known, tapes: CellsTapes, episode: int) -> None:
        self.spec = spec
        self.env = simpy.Environment()
        self.cells = [Cell(self.env, spec.blocks) for _ in range(spec.cells)]
        self.requests = [_request(tapes, episode, m) for m in range(spec.requests)]
        self.decisions: list[Decision] = []
        self.current_step = 0
        self._mean_duration_s = known.mean_duration_s
        self._demanded_block_s = sum(request.demanded_blocks * request.duration_s for request in self.requests)
        self._users = {one.user: Person(spec.memory, known.paces[one.persona]) for one in self.requests}
        self._run_until(self.requests[0].arrival_s)

    def _run_until(self, arrival_s: float) -> None:
        """Let time pass until a request arrives. What ends at that instant is over before."""
        while self.env.peek() <= arrival_s:
            self.env.step()
        if self.env.now < arrival_s:
            self.env.run(until=arrival_s)

    @property
    def waiting(self) -> Request | None:
        """The request to decide now; none after the last one."""
        return self.requests[self.current_step] if self.current_step < self.spec.requests else None

    def is_possible(self, option: int) -> bool:
        """Whether the waiting request can be served so, or rejected."""
        request = self.waiting
        if request is None or option == REJECT or self._users[request.user].left:
            return option == REJECT
        return 0 < option < self.spec.max_options and self._fits(request.offers[option - 1])

    def _fits(self, offer: Offer) -> bool:
        """Whether the cell has room; whether anybody asks is not looked at."""
        return 0 < offer.blocks <= self.cells[offer.cell].free.level

    def _share(self, block_s: float) -> float:
        """Block-seconds as a share of what the whole episode demands."""
        return block_s / self._demanded_block_s if self._demanded_block_s > 0.0 else 0.0

    def expected_rewards(self, request: Request, offer: Offer | None) -> list[float]:
        """As `option_rewards` tell them, for a session as long as those of its application on average."""
        user = self._users[request.user]
        if user.left:
            return [0.0] * self.spec.num_rewards
        predicted, blocks = (_expected(user, request, offer), offer.blocks) if offer else (0.0, 0)
        saved_block_s = (request.demanded_blocks - blocks) * self._mean_duration_s[request.application]
        return self._rewards(user, predicted, self._share(saved_block_s))

    def _rewards(self, user: Person, rating: float, saved: float) -> list[float]:
        """Rewards of one more rating of a user, and of a share that is saved."""
        if not self.spec.memory.on:
            return [rating * self.spec.satisfaction_unit, saved]
        after, share = user.after(rating), 1.0 / len(self._users)
        gain = after.total - user.total
        gone, satisfied = int(after.left), int(after.satisfied) - int(user.satisfied)
        return [gain * self.spec.satisfaction_unit, saved, satisfied * share, -gone * share]

    def step(self, option: int) -> list[float]:
        """Decide the waiting request, and let time pass until the next; its rewards."""
        request = self.requests[self.current_step]
        user = self._users[request.user]
        if user.left:
            rewards = [0.0] * self.spec.num_rewards
            self.decisions.append(Decision(option, None, self.env.now, 0.0, blocked=False, left=True))
        else:
            rewards = self._decide(request, user, option)
        self.current_step += 1
        following = self.waiting
        self._run_until(following.arrival_s if following else self.env.now)  # the last session starts even so
        return rewards

    def _decide(self, request: Request, user: Person, option: int) -> list[float]:
        """Serve or reject a request that is made; its rewards."""
        offer = request.offers[option - 1] if option != REJECT else None
        blocked = not any(self._fits(other) for other in request.offers)
        saved_block_s = request.demanded_blocks * request.duration_s
        end_s, satisfaction, predicted = self.env.now, 0.0, 0.0
        if offer is not None:
            end_s += request.duration_s
            satisfaction, predicted = _felt(user, request, offer), _expected(user, request, offer)
            saved_block_s -= offer.blocks * request.duration_s
            self.env.process(self.cells[offer.cell].serve(offer.blocks, request.duration_s))
        rewards = self._rewards(user, satisfaction, self._share(saved_block_s))
        levels = user.truth.levels(request.zone[:2])
        self.decisions.append(Decision(option, offer, end_s, saved_block_s, blocked, satisfaction, predicted, levels))
        user.ratings.append(satisfaction)
        if request.zone:
            position = min(max(offer.position, 0.0), 1.0) if offer else 0.0
            user.truth.add(position, request.zone[:2])
            user.prediction.add(position, request.zone[2:])
        return rewards

    def ratings(self, truth: bool) -> list[float]:
        """What the user who asks would think of each level now, or is expected to; of nobody 0."""
        request = self.waiting
        if request is None:
            return [0.0] * self.spec.levels
        rating = _felt if truth else _expected
        return [rating(self._users[request.user], request, offer) for offer in request.offers[: self.spec.levels]]

    def finish(self) -> None:
        """Let all sessions end; nothing comes after."""
        self.env.run()

    def utilisation(self, cell: int) -> float:
        """Share of a cell's blocks that are occupied."""
        return self.cells[cell].used / self.spec.blocks

    def observe(self, out: Observation, n: int) -> None:
        """Write the observation of the waiting request into row `n`."""
        out.options[n] = 0.0
        out.mask[n] = [self.is_possible(option) for option in range(self.spec.max_options)]
        out.context[n] = 0.0
        request = self.waiting
        if request is not None:
            self._describe_rejection(request, out.options[n, REJECT])
            for i, offer in enumerate(request.offers):
                self._describe_offer(request, offer, out.options[n, i + 1])
            self._describe_system(request, out.context[n])

    def _describe_rejection(self, request: Request, row: NDArray[np.floating]) -> None:
        candidates = [offer.cell for offer in request.offers if offer.level == 1]
        row[FITS] = 1.0
        row[UTILISATION] = sum(self.utilisation(cell) for cell in candidates) / len(candidates)
        self._describe_request(request, None, row)

    def _describe_offer(self, request: Request, offer: Offer, row: NDArray[np.floating]) -> None:
        if offer.blocks == 0:
            row[:] = ABSENT
            return
        row[RATE_MBIT_PER_S] = offer.rate_bit_per_s * TO_MBIT
        row[RATE_SHARE] = offer.rate_bit_per_s / request.demand_rate_bit_per_s
        row[BLOCK_SHARE] = offer.blocks / self.spec.blocks
        user = self._users[request.user]
        row[FITS] = 1.0 if self._fits(offer) and not user.left else 0.0
        row[PREDICTED] = _expected(user, request, offer)
        row[UTILISATION] = min(1.0, (self.cells[offer.cell].used + offer.blocks) / self.spec.blocks)
        row[CQI] = offer.cqi / MAX_CQI
        self._describe_request(request, offer, row)

    def _describe_request(self, request: Request, offer: Offer | None, row: NDArray[np.floating]) -> None:
        """The columns that all options of a request share, and the cost of this one."""
        row[MIN_MBIT_PER_S] = request.min_rate_bit_per_s * TO_MBIT
        row[DEMAND_MBIT_PER_S] = request.demand_rate_bit_per_s * TO_MBIT
        row[LOG_DURATION] = math.log10(1.0 + self._mean_duration_s[request.application])
        row[APPLICATION + request.application] = 1.0
        if self.spec.memory.on:
            user, position = self._users[request.user], offer.position if offer else 0.0
            columns = row[APPLICATION + self.spec.applications :]
            columns[POSITION] = position
            columns[ABOVE_ADEQUATE] = position - user.prediction.levels(request.zone[2:])[0]
        if self.spec.cost_features:
            row[self.spec.first_cost :] = [-reward for reward in self.expected_rewards(request, offer)]

    def _describe_system(self, request: Request, context: NDArray[np.floating]) -> None:
        spec = self.spec
        sessions = [session for cell in self.cells for session in cell.sessions]
        user = self._users[request.user]
        own = user.ratings
        context[REMAINING] = (spec.requests - self.current_step) / spec.requests
        context[MEAN_UTILISATION] = sum(map(self.utilisation, range(spec.cells))) / spec.cells
        context[ACTIVE] = len(sessions) / (spec.cells * spec.blocks)
        context[USER_RATING] = sum(own) / len(own) if own else NEUTRAL_RATING
        context[PERIOD + request.period] = 1.0
        for session in sessions:
            residual_block_s = session.blocks * (session.end_s - self.env.now)
            residual = histogram_bin(residual_block_s, spec.residual_bins_per_block_s, spec.residual_bins)
            context[RESIDUALS + residual] += 1.0 / spec.cells
        for each in self._users.values():
            if each.ratings:
                rating = rating_bin(sum(each.ratings) / len(each.ratings), spec.rating_bins)
                context[RESIDUALS + spec.residual_bins + rating] += 1.0 / spec.users
        if spec.memory.on:
            self._describe_person(user, context[spec.first_memory :])

    def _describe_person(self, user: Person, out: NDArray[np.floating]) -> None:
        shift = user.prediction.shift
        out[RISEN], out[FALLEN] = max(shift, 0.0), max(-shift, 0.0)
        out[OVERALL] = user.overall if user.ratings else NEUTRAL_RATING
        if self.spec.memory.churn_below:
            out[WARNINGS] = user.warnings / self.spec.memory.churn_below
        out[LEFT] = float(user.left)
        out[LEFT_SHARE] = sum(each.left for each in self._users.values()) / self.spec.users


def _felt(user: Person, request: Request, offer: Offer) -> float:
    """What the user thinks of an offer now."""
    return user.truth.rating(offer.position, request.zone[:2]) if request.zone else offer.satisfaction


def _expected(user: Person, request: Request, offer: Offer) -> float:
    """What the predictor expects of that."""
    return user.prediction.rating(offer.position, request.zone[2:]) if request.zone else offer.predicted


def _request(tapes: CellsTapes, n: int, m: int) -> Request:
    """Request m of episode n."""
    candidates, levels = tapes.blocks.shape[2:]
    return Request(
        arrival_s=float(tapes.arrival_s[n, m]),
        duration_s=float(tapes.duration_s[n, m]),
        user=int(tapes.user[n, m]),
        period=int(tapes.period[n, m]),
        application=int(tapes.application[n, m]),
        min_rate_bit_per_s=float(tapes.min_rate_bit_per_s[n, m]),
        demand_rate_bit_per_s=float(tapes.demand_rate_bit_per_s[n, m]),
        demanded_blocks=int(tapes.blocks[n, m, 0, -1]),
        persona=int(tapes.persona[n, m]),
        zone=tapes.zone[n, m].tolist(),
        offers=[
            Offer(
                cell=int(tapes.cell[n, m, c]),
                cqi=int(tapes.cqi[n, m, c]),
                level=k + 1,
                rate_bit_per_s=float(tapes.rate_bit_per_s[n, m, k]),
                blocks=int(tapes.blocks[n, m, c, k]),
                position=_position(tapes, n, m, k),
                satisfaction=float(tapes.satisfaction[n, m, k]),
                predicted=float(tapes.predicted[n, m, k]),
            )
            for c in range(candidates)
            for k in range(levels)
        ],
    )


def _position(tapes: CellsTapes, n: int, m: int, k: int) -> float:
    minimum, demand = tapes.min_rate_bit_per_s[n, m], tapes.demand_rate_bit_per_s[n, m]
    return float(log_position(float(tapes.rate_bit_per_s[n, m, k]), minimum, demand))
