"""Random waypoint: each user walks to a random place, pauses, and walks on."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from mecsim.physics.mobility.base import MobilityModel
from mecsim.physics.mobility.paths import Array, Paths, uniform_places_m
from mecsim.schema.fields import DurationRangeOrZero, SpeedRange
from mecsim.schema.units import Uniform


class Waypoint(MobilityModel):
    """See `random_waypoint`."""

    ABOUT: ClassVar[str] = "each walks to a random place, pauses, walks on (random waypoint)."
    MOVES: ClassVar[bool] = True

    speed_m_per_s: SpeedRange = Field(
        Uniform(0.5, 1.5), alias="speed", description="Speed, drawn for each walk, a speed such as 1 m/s."
    )
    pause_s: DurationRangeOrZero = Field(
        Uniform(0.0, 0.0), alias="pause", description="Time at each place, drawn for each stop; or 0 s."
    )

    def draw_paths(self, rng: np.random.Generator, walkers: int, until_s: float, area_m: Array) -> Paths:
        """See `MobilityModel`."""
        return random_waypoint(rng, walkers, until_s, area_m, self.speed_m_per_s, self.pause_s)

    def points(self, until_s: float, area_m: Array) -> float:
        """Two for each walk, which is about half of the sides long."""
        walk_s = float(area_m.sum()) / 4.0 / self.speed_m_per_s.high + self.pause_s.low
        return 2.0 * (2.0 + until_s / walk_s)


def mean_distance_m(area_m: Array) -> float:
    """Mean distance of two uniform places in a rectangle (Ghosh 1951; 0.5214 for a square of side 1)."""
    a, b = float(area_m.max()), float(area_m.min())
    diagonal = float(np.hypot(a, b))
    # Terms such as b³/a² are written with the ratio b/a ≤ 1. A narrow rectangle, where they cancel, is a line.
    ratio = b / a
    if ratio < 1e-3:
        return a / 3.0
    logs = b * ratio * np.log((a + diagonal) / b) + a / ratio * np.log((b + diagonal) / a)
    powers = a / ratio**2 + b * ratio**2 + diagonal * (3.0 - ratio**2 - 1.0 / ratio**2)
    return float((powers + 2.5 * logs) / 15.0)


def random_waypoint(
    rng: np.random.Generator, walkers: int, until_s: float, area_m: Array, speed_m_per_s: Uniform, pause_s: Uniform
) -> Paths:
    """Paths of walkers that go straight to a uniform place of the area, pause, go on to the next, and so forth.

    Speed and pause are uniform in their ranges, drawn for each walk. At time 0 the walks are in their stationary
    regime (Navidi and Camp 2004; Le Boudec and Vojnović 2005), so nothing drifts while an episode lasts: users are
    denser in the middle of the area than at its border, and slow walks, which last longer, are met more often.
    """
    places_m, now_s = [], np.zeros(walkers)
    times_s = [now_s]
    start_m, target_m, walk_s, rest_s = _stationary(rng, walkers, area_m, speed_m_per_s, pause_s)
    places_m += [start_m, target_m, target_m]
    times_s += [walk_s, walk_s + rest_s]
    while times_s[-1].min() < until_s:
        before_m, target_m = places_m[-1], uniform_places_m(rng, (walkers,), area_m)
        walk_s = np.hypot(*(target_m - before_m).T) / rng.uniform(*speed_m_per_s, walkers)
        rest_s = rng.uniform(*pause_s, walkers)
        places_m += [target_m, target_m]
        times_s += [times_s[-1] + walk_s, times_s[-1] + walk_s + rest_s]
    points = len(times_s)
    place_m = np.stack(places_m, axis=1).reshape(-1, 2)
    return Paths(points * np.arange(walkers + 1), np.stack(times_s, axis=1).reshape(-1), place_m)


def _stationary(
    rng: np.random.Generator, walkers: int, area_m: Array, speed_m_per_s: Uniform, pause_s: Uniform
) -> tuple[Array, Array, Array, Array]:
    """A moment of the stationary regime: place, target, time left until the target, and time to rest there.

    Who is seen walking is on a walk of density proportional to its duration, thus to its length and to 1/speed, and at
    a uniform point of it. Who is seen resting is at a uniform place, in a rest of density proportional to its length.
    """
    low, high = speed_m_per_s
    slowness = np.log1p((high - low) / low) / (high - low) if high > low else 1.0 / low  # mean of 1/speed
    mean_walk_s, mean_rest_s = mean_distance_m(area_m) * slowness, 0.5 * sum(pause_s)
    walking = rng.random(walkers) < mean_walk_s / (mean_walk_s + mean_rest_s)

    origin_m, target_m = np.zeros((walkers, 2)), np.zeros((walkers, 2))
    missing = np.arange(walkers)
    while len(missing):  # accepted in proportion to the length: at least every third
        ends_m = uniform_places_m(rng, (2, len(missing)), area_m)
        accepted = rng.random(len(missing)) * np.hypot(*area_m) < np.hypot(*(ends_m[1] - ends_m[0]).T)
        origin_m[missing[accepted]], target_m[missing[accepted]] = ends_m[:, accepted]
        missing = missing[~accepted]
    place_m = origin_m + rng.random((walkers, 1)) * (target_m - origin_m)
    speed = low * (high / low) ** rng.random(walkers)
    walk_s = np.hypot(*(target_m - place_m).T) / speed

    still_m = uniform_places_m(rng, (walkers,), area_m)
    seen_s = rng.random(walkers) * np.sqrt(pause_s.low**2 + rng.random(walkers) * (pause_s.high**2 - pause_s.low**2))
    rest_s = np.where(walking, rng.uniform(*pause_s, walkers), seen_s)
    place_m = np.where(walking[:, None], place_m, still_m)
    return place_m, np.where(walking[:, None], target_m, still_m), np.where(walking, walk_s, 0.0), rest_s
