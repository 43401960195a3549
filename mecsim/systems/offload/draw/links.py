"""The draws of a reel that concern radio links: line of sight, shadowing and fading, and the SNR they come to.

Rows of links are users where nothing about a link changes within an episode, else tasks: then they hold what the link
is like in the step in which the task is dispatched. What belongs to a whole episode is drawn per user, and all tasks
of the user get it. What changes along the path of a moving user is correlated over the distance between dispatches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mecsim.physics.channel import link as channel
from mecsim.physics.channel.urban import (
    CELLS,
    LINE_OF_SIGHT_DECORRELATION_M,
    UrbanModel,
    line_of_sight_probability,
    urban_path_loss_db,
)
from mecsim.physics.correlation import correlate
from mecsim.systems.offload.draw.places import Places
from mecsim.systems.offload.draw.reel import Phenomenon, Reel
from mecsim.systems.offload.draw.tasks import Dispatches, DrawnTasks

Array = NDArray[np.float64]

SHADOWING_DECORRELATION_M = 50.0  # for log-distance path loss, as in a macro cell without line of sight


@dataclass(frozen=True)
class Links:
    """What the links of a reel depend on. K is U, or M where links change within an episode."""

    reel: Reel
    tasks: DrawnTasks
    dispatches: Dispatches
    places: Places

    def spread(self, of_users: NDArray[np.generic]) -> NDArray[np.generic]:
        """Values of users, (N, U, ...), for the rows of links, (N, K, ...)."""
        if not self.reel.scenario.link_per_task:
            return of_users
        return of_users[np.arange(self.reel.size)[:, None], self.tasks.user]

    @property
    def distance_m(self) -> Array:
        """Distances on the ground, (N, K, A)."""
        return self.places.distance_m

    @property
    def shape_of_users(self) -> tuple[int, int, int]:
        """(N, U, A)."""
        return self.reel.size, self.reel.scenario.users.count, self.distance_m.shape[2]


def link_rows(reel: Reel, tasks: DrawnTasks) -> NDArray[np.int64]:
    """The row of each task in the tables of links, (N, M)."""
    if not reel.scenario.link_per_task:
        return tasks.user
    return np.broadcast_to(np.arange(tasks.user.shape[1]), tasks.user.shape).copy()


def draw_snr(links: Links) -> Array:
    """SNR of all links, (N, K, A), a power ratio; what it says of servers that are absent has no meaning."""
    radio = links.reel.scenario.channel
    fading_rng = links.reel.generator(Phenomenon.FADING)
    noise_w = channel.noise_power_w(radio.bandwidth_hz, 0.0 if radio.model == "gmorl" else radio.noise_figure_db)
    if radio.urban_model is not None:
        gain = _draw_urban_gain(links, radio.urban_model, fading_rng)
        return channel.link_snr(gain, radio.tx_power_w, noise_w)
    power = _draw_fading(links, fading_rng, radio.rician_k_db)
    distance_m = np.maximum(links.distance_m, 1.0)
    loss_db = channel.path_loss_db(distance_m, radio.path_loss_slope_db, radio.path_loss_at_1km_db)
    if radio.model == "gmorl":
        gain = channel.from_db(-(loss_db + radio.shadowing_db)) * power
        return channel.gmorl_snr(gain, radio.tx_power_w, noise_w)
    # Links that stay as they are have their shadowing from the generator of the fading, after it: so the episodes of
    # a seed are what they have always been.
    rng = links.reel.generator(Phenomenon.SHADOWING) if links.reel.scenario.link_per_task else fading_rng
    shadowing_db = radio.shadowing_db * _draw_along_paths(links, rng, SHADOWING_DECORRELATION_M)
    return channel.link_snr(channel.from_db(-(loss_db + shadowing_db)) * power, radio.tx_power_w, noise_w)


def _draw_urban_gain(links: Links, model: UrbanModel, fading_rng: np.random.Generator) -> Array:
    """Power gain of links in an urban cell, (N, K, A). Shadowing has the deviation of the state at hand."""
    radio, cell = links.reel.scenario.channel, CELLS[model]
    sight = _draw_line_of_sight(links, model)
    height_m = radio.base_station_height_m or cell.base_station_height_m
    loss_db = urban_path_loss_db(model, links.distance_m, sight, radio.carrier_hz, height_m, radio.user_height_m)
    rng = links.reel.generator(Phenomenon.SHADOWING)
    normal = _draw_along_paths(links, rng, np.where(sight, *cell.decorrelation_m))
    shadowing_db = np.where(sight, *cell.shadowing_db) * normal
    power = _draw_fading(links, fading_rng, np.where(sight, radio.rician_k_db, -np.inf))
    return channel.from_db(-(loss_db + shadowing_db)) * power


def _draw_line_of_sight(links: Links, model: UrbanModel) -> NDArray[np.bool_]:
    """Whether links have a line of sight, (N, K, A).

    A uniform value per link is compared with the probability at the distance (TR 38.901, 7.6.3.3). Along the path of
    a moving user the normal value behind the uniform one is a Gauss-Markov process, so the state changes with the
    distance and with what has been travelled, and always has the probability of its distance.
    """
    rng = links.reel.generator(Phenomenon.LINE_OF_SIGHT)
    uniform = special.ndtr(_draw_along_paths(links, rng, LINE_OF_SIGHT_DECORRELATION_M))
    return np.asarray(uniform < line_of_sight_probability(model, links.distance_m))


def _draw_along_paths(links: Links, rng: np.random.Generator, decorrelation_m: Array | float) -> Array:
    """Standard normal values of links, (N, K, A): one per user and server, or a process along the user's path."""
    if links.places.travelled_m is None:
        return np.asarray(links.spread(rng.standard_normal(links.shape_of_users)), np.float64)
    normal = rng.standard_normal(links.distance_m.shape)
    correlate(normal, links.dispatches.task, links.tasks.user, links.places.travelled_m, decorrelation_m)
    return normal


def _draw_fading(links: Links, rng: np.random.Generator, rician_k_db: Array | float) -> Array:
    """Power |h|² of the fading of links, (N, K, A), mean 1; `rician_k_db` is −∞ where there is no direct path."""
    radio = links.reel.scenario.channel
    shape = links.shape_of_users if radio.fading == "episode" else links.distance_m.shape
    if radio.multipath == "rayleigh" and radio.fading != "ar1":
        power = rng.standard_exponential(shape)
        return np.asarray(links.spread(power) if radio.fading == "episode" else power, np.float64)
    parts = rng.standard_normal((*shape, 2)) * np.sqrt(0.5)
    scattered = parts.view(np.complex128)[..., 0]
    if radio.fading == "episode":
        scattered = np.asarray(links.spread(scattered), np.complex128)
    elif radio.fading == "ar1":
        time_s = np.multiply(links.dispatches.step, links.reel.scenario.episode.step_s, dtype=np.float64)
        correlate(scattered, links.dispatches.task, links.tasks.user, time_s, radio.coherence_time_s)
    return channel.rician_power(scattered, rician_k_db if radio.multipath == "rician" else -np.inf)
