"""The draws of a cell's tape: who asks when and for what, over which links, and what each level would be worth."""

from collections.abc import Hashable
from dataclasses import fields
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mecsim.core.seeds import Stream, generator_of, reel_size, reels_of
from mecsim.people.forms.zone import ZoneForm
from mecsim.people.people import People
from mecsim.people.requests import DAY_S, HOUR_S, Requests, draw_contexts, mean_duration_s, request_rate_per_s
from mecsim.people.zones import expected_ratings, zones
from mecsim.physics.channel.base import Generators, Links
from mecsim.physics.channel.cqi import CQI_EFFICIENCY, cqi
from mecsim.physics.geography import hexagonal_sites_m
from mecsim.predictor.prediction import predicted_ratings
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes
from mecsim.systems.cells.users import numbers_in_log, people_of

Array = NDArray[np.float64]

DAYS = {"any": (0, 7), "weekday": (0, 5), "weekend": (5, 7)}  # from Monday


class Phenomenon(IntEnum):
    """What has a generator of its own. The numbers are part of what a seed means: append, never renumber."""

    PEOPLE = 0
    TIME = 1
    ARRIVALS = 2
    USERS = 3
    CONTEXTS = 4
    PLACES = 5
    LINE_OF_SIGHT = 6
    SHADOWING = 7
    FADING = 8


class _StandingLinks(Links):
    """Links of users who stay where they are."""

    def uniform(self, rng: np.random.Generator, decorrelation_m: Array | float) -> Array:
        """As nothing changes along a path, without normal values behind them."""
        return rng.random(self.distance_m.shape)


class _Draw:
    """One block of episodes: N of them with U users and M requests each."""

    def __init__(self, scenario: CellsScenario, seed: int, stream: int, number: int) -> None:
        self.scenario = scenario
        self.size = reel_size(scenario.tape_byte)
        self.users, self.requests = scenario.users.count, scenario.episode.requests
        self._key = seed, stream, number

    def generator(self, phenomenon: Phenomenon) -> np.random.Generator:
        """The generator of a phenomenon, at its beginning."""
        return generator_of(*self._key, phenomenon)

    def tapes(self) -> CellsTapes:
        """All of the block."""
        scenario = self.scenario
        people = people_of(scenario, self.size, self.generator(Phenomenon.PEOPLE))
        start_s = self._start_s()
        asking = self._asking(people, start_s)
        user, arrival_s = self._arrivals(people, asking)
        context_rng = self.generator(Phenomenon.CONTEXTS)
        person = (user + self.users * np.arange(self.size)[:, None]).ravel()
        time_s = (start_s[:, None] + arrival_s).ravel()
        asked = draw_contexts(scenario.population, people, person, time_s, context_rng)
        rate = asked.level_rates_bit_per_s(scenario.service.levels)
        judged = scenario.population, scenario.satisfaction, people, asked, rate
        truth = expected_ratings(*judged)
        numbers = numbers_in_log(scenario)
        predicted = predicted_ratings(*judged, None if numbers is None else numbers[user.ravel()])
        cell, cqi = self._links(user)
        shape = self.size, self.requests
        rates = rate.reshape(*shape, -1)
        return CellsTapes(
            arrival_s=arrival_s,
            duration_s=asked.duration_s.reshape(shape),
            user=user,
            **{name: getattr(asked, name).reshape(shape) for name in _CONTEXT},
            cell=cell,
            cqi=cqi,
            rate_bit_per_s=rates,
            blocks=resource_blocks(rates[:, :, None], cqi[..., None], scenario.cells.block_bandwidth_hz),
            satisfaction=truth.reshape(*shape, -1),
            predicted=predicted.reshape(*shape, -1),
            zone=self._zone(people, asked).reshape(*shape, -1),
        )

    def _zone(self, people: People, asked: Requests) -> Array:
        """Levels at rest of those who ask, true and predicted, (N·M, 4); (N·M, 0) where nobody remembers."""
        population, satisfaction = self.scenario.population, self.scenario.satisfaction
        if self.scenario.memory is None:
            return np.empty((len(asked), 0))
        assert isinstance(satisfaction.law, ZoneForm)
        typical = satisfaction.predictor == "typical"
        return np.hstack([zones(population, satisfaction.law, people, asked, each) for each in (False, typical)])

    def _start_s(self) -> Array:
        """When each episode begins, (N,), since Monday 0:00."""
        rng, episode = self.generator(Phenomenon.TIME), self.scenario.episode
        day = rng.integers(*DAYS[episode.day], self.size)
        return np.asarray(day * DAY_S + rng.uniform(*episode.hours, self.size) * HOUR_S)

    def _asking(self, people: People, start_s: Array) -> Array:
        """The share of each user in the requests of its episode, (N, U)."""
        population, own = self.scenario.population, np.arange(self.users)
        rate = np.stack(
            [
                request_rate_per_s(population, people.select(own + self.users * n), time_s)
                for n, time_s in enumerate(start_s.tolist())
            ]
        )
        total = rate.sum(axis=1, keepdims=True)
        return np.asarray(np.where(total > 0.0, rate / np.where(total > 0.0, total, 1.0), 1.0 / self.users))

    def _arrivals(self, people: People, asking: Array) -> tuple[NDArray[np.int64], Array]:
        """Who asks, (N, M), and when since the episode's beginning, (N, M): at the rate of the offered load."""
        scenario = self.scenario
        chance = self.generator(Phenomenon.USERS).random((self.size, self.requests))
        edges = np.cumsum(asking, axis=1)
        user = np.stack(
            [np.searchsorted(row[:-1], drawn, side="right") for row, drawn in zip(edges, chance, strict=True)]
        )
        mean_s = (asking * mean_duration_s(scenario.population, people).reshape(asking.shape)).sum(axis=1)
        gap = scenario.arrivals.law.draw_gaps(self.generator(Phenomenon.ARRIVALS), (self.size, self.requests))
        gap_s = gap * (mean_s / (scenario.service.load * scenario.cells.count))[:, None]
        return user.astype(np.int64), np.cumsum(gap_s, axis=1)

    def _links(self, user: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The cells with the strongest signal for each request, and their CQI, both (N, M, C)."""
        scenario, radio = self.scenario, self.scenario.radio
        gain = np.take_along_axis(self._gain(), user[:, :, None], axis=1)
        if radio.fading == "rayleigh":
            gain = gain * self.generator(Phenomenon.FADING).standard_exponential(gain.shape)
        cells = scenario.cells
        snr = radio.law.snr(gain, radio.tx_power_w / cells.blocks, cells.block_bandwidth_hz, radio.noise_figure_db)
        others = snr.sum(axis=2, keepdims=True) - snr if radio.interference else 0.0
        sinr = snr / (1.0 + others)
        strongest = np.argsort(-sinr, axis=2, kind="stable")[:, :, : cells.candidates]
        return strongest.astype(np.int64), cqi(np.take_along_axis(sinr, strongest, axis=2))

    def _gain(self) -> Array:
        """Power gain of each user's links before fading, (N, U, cells)."""
        sites_m, place_m = self.places_m()
        distance_m = np.linalg.norm(place_m[:, :, None] - sites_m, axis=-1)
        generators = Generators(lambda phenomenon: self.generator(Phenomenon[phenomenon.upper()]))
        return self.scenario.radio.law.draw_gain(_StandingLinks(distance_m, self.users), generators).power

    def places_m(self) -> tuple[Array, Array]:
        """Where cells stand, (cells, 2), and users, (N, U, 2)."""
        cells = self.scenario.cells
        sites_m = hexagonal_sites_m(cells.count, cells.distance_m)
        rng, shape = self.generator(Phenomenon.PLACES), (self.size, self.users)
        # A disc as large as the hexagon that is nearer to a site than to any other.
        radius_m = cells.distance_m * np.sqrt(np.sqrt(3.0) / (2.0 * np.pi)) * np.sqrt(rng.random(shape))
        angle, home = rng.uniform(0.0, 2.0 * np.pi, shape), rng.integers(cells.count, size=shape)
        return sites_m, sites_m[home] + radius_m[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


_CONTEXT = (
    "persona", "period", "place", "activity", "application", "speed_m_per_s", "min_rate_bit_per_s",
    "demand_rate_bit_per_s",
)  # fmt: skip


def resource_blocks(rate_bit_per_s: Array, cqi: NDArray[np.int64], block_bandwidth_hz: float) -> NDArray[np.int64]:
    """Whole resource blocks that a rate takes at a CQI; 0 where the CQI is 0, as no number of blocks would do."""
    per_block = block_bandwidth_hz * np.concatenate([[np.inf], CQI_EFFICIENCY])[cqi]
    blocks = np.ceil(rate_bit_per_s / per_block * (1.0 - 1e-12))  # a rate of exactly n blocks takes n
    return np.asarray(np.where(cqi > 0, np.maximum(blocks, 1.0), 0.0), np.int64)


def draw_tapes(scenario: CellsScenario, seed: int, first: int, count: int, stream: int) -> CellsTapes:
    """Episodes `first` .. `first + count − 1` of a stream of a seed."""
    blocks, within = reels_of(first, count, reel_size(scenario.tape_byte))
    drawn = [_draw_reel(scenario, scenario.data, seed, stream, block) for block in blocks]
    if len(drawn) == 1:
        return drawn[0].select(within)
    columns = {name.name: [getattr(tapes, name.name) for tapes in drawn] for name in fields(CellsTapes)}
    return CellsTapes(**{name: np.concatenate(arrays) for name, arrays in columns.items()}).select(within)


def first_places_m(scenario: CellsScenario, seed: int, stream: Stream) -> tuple[Array, Array]:
    """Where cells stand, (cells, 2), and the users of the first episode of a stream of a seed, (U, 2)."""
    sites_m, place_m = _Draw(scenario, seed, stream, 0).places_m()
    return sites_m, place_m[0]


@lru_cache(maxsize=2)  # as for offloading
def _draw_reel(scenario: CellsScenario, _: Hashable, seed: int, stream: int, number: int) -> CellsTapes:
    tapes = _Draw(scenario, seed, stream, number).tapes()
    for field in fields(tapes):
        getattr(tapes, field.name).setflags(write=False)
    return tapes
