"""The draws of a reel that concern radio links: their gain and fading, and the SNR they come to.

Rows of links are users where nothing about a link changes within an episode, else tasks: then they hold what the link
is like in the step in which the task is dispatched. What belongs to a whole episode is drawn per user, and all tasks
of the user get it. What changes along the path of a moving user is correlated over the distance between dispatches.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.channel.base import Generators, Links, Sequence
from mecsim.physics.channel.rayleigh import Rayleigh
from mecsim.systems.offload.draw.places import Places
from mecsim.systems.offload.draw.reel import Phenomenon, Reel
from mecsim.systems.offload.draw.tasks import Dispatches, DrawnTasks

Array = NDArray[np.float64]


def links_of(reel: Reel, tasks: DrawnTasks, dispatches: Dispatches, places: Places) -> Links:
    """The links of a reel: K is U, or M where links change within an episode."""
    users = reel.scenario.users.count
    if not reel.scenario.link_per_task:
        return Links(places.distance_m, users)
    sequence = Sequence(tasks.user, dispatches.task, places.travelled_m, dispatches.time_s)
    return Links(places.distance_m, users, sequence)


def link_rows(reel: Reel, tasks: DrawnTasks) -> NDArray[np.int64]:
    """The row of each task in the tables of links, (N, M)."""
    if not reel.scenario.link_per_task:
        return tasks.user
    return np.broadcast_to(np.arange(tasks.user.shape[1]), tasks.user.shape).copy()


def draw_snr(reel: Reel, links: Links) -> Array:
    """SNR of all links, (N, K, A), a power ratio; what it says of servers that are absent has no meaning."""
    radio, fading = reel.scenario.channel, reel.scenario.channel.small_scale
    fading_rng = reel.generator(Phenomenon.FADING)
    drawn = fading.draw(links, fading_rng)

    def generator(phenomenon: str) -> np.random.Generator:
        # Links of the textbook budget that stay as they are have their shadowing from the generator of the fading,
        # after it: so the episodes of a seed are what they have always been.
        if phenomenon == "shadowing" and links.sequence is None and isinstance(radio.law, Rayleigh):
            return fading_rng
        return reel.generator(Phenomenon[phenomenon.upper()])

    gain = radio.law.draw_gain(links, Generators(generator))
    power = gain.power * fading.power(drawn, gain.direct)
    return radio.law.snr(power, radio.tx_power_w, radio.bandwidth_hz, radio.noise_figure_db)
