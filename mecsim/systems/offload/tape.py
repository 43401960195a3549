"""The tape: everything random about an episode, drawn once, as plain arrays.

An engine adds nothing random. Given one tape and one sequence of actions every engine gives the same times, and
policies are compared on the same tapes (common random numbers).

Episode i of a seed is the same whoever asks, and however many are asked for: episodes are drawn in blocks whose size
depends on the scenario alone, each phenomenon of each block from a generator of its own. Changing one part of a
scenario (a frequency range, say) therefore leaves the other draws alone.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mecsim.core.tape import Tapes
from mecsim.errors import InputError
from mecsim.schema.fields import MAX_CLASSES
from mecsim.systems.offload.scenario import OffloadScenario

FORMAT = 4


@dataclass(frozen=True, slots=True)
class OffloadTapes(Tapes):
    """N episodes of T steps with U users and room for A servers and M tasks.

    The first `num_servers` rows of the server dimension exist, the cloud before the edges; the rest is zero. Tasks are
    in the order of their arrival; `arrivals[:, m]` of them arrive at the decision of step m, and the rest is zero.

    Radio links have K rows: one per user where a link stays as it is for a whole episode, else one per task, for the
    step in which it is dispatched. `link` tells the row of each task.
    """

    FORMAT: ClassVar[int] = FORMAT

    num_servers: NDArray[np.int64]  # (N,)
    cpu_hz: NDArray[np.float64]  # (N, A)
    decision_s: NDArray[np.float64]  # (N, T + 1) time of each decision, and of the end of the episode
    arrivals: NDArray[np.int64]  # (N, T)
    user: NDArray[np.int64]  # (N, M)
    size_bit: NDArray[np.float64]  # (N, M)
    deadline_s: NDArray[np.float64]  # (N, M) after the arrival; infinite where tasks have none
    priority: NDArray[np.int64]  # (N, M) class, 0 is the most urgent
    cycles_per_bit: NDArray[np.float64]  # (N, M)
    output_bit: NDArray[np.float64]  # (N, M) of the result; 0 where there is none
    link: NDArray[np.int64]  # (N, M) row of the task's radio links
    distance_m: NDArray[np.float64]  # (N, K, A)
    snr: NDArray[np.float64]  # (N, K, A) power ratio without interference; (N, 0, 0) where nothing interferes
    rate_bit_per_s: NDArray[np.float64]  # (N, K, A) without interference
    device_hz: NDArray[np.float64]  # (N, U) CPU of the users' devices; (N, 0) where these execute nothing
    patience: NDArray[np.float64]  # (N, U, 2) what rates each user's delays, see `delay_rating`; (N, 0, 2) where none

    def __len__(self) -> int:
        return len(self.num_servers)

    @property
    def server_hz(self) -> NDArray[np.float64]:
        """CPU of every server and, after them, of every user's device, (N, A) or (N, A + U)."""
        return np.concatenate([self.cpu_hz, self.device_hz], axis=1)

    def _check(self) -> None:
        (episodes, links, servers), (_, tasks), (_, steps), (_, devices), (_, raters, _) = (
            self.rate_bit_per_s.shape, self.size_bit.shape, self.arrivals.shape, self.device_hz.shape,
            self.patience.shape,
        )  # fmt: skip
        self._check_arrays(
            {
                "num_servers": (np.int64, (episodes,)),
                "cpu_hz": (np.float64, (episodes, servers)),
                "decision_s": (np.float64, (episodes, steps + 1)),
                "arrivals": (np.int64, (episodes, steps)),
                "user": (np.int64, (episodes, tasks)),
                "size_bit": (np.float64, (episodes, tasks)),
                "deadline_s": (np.float64, (episodes, tasks)),
                "priority": (np.int64, (episodes, tasks)),
                "cycles_per_bit": (np.float64, (episodes, tasks)),
                "output_bit": (np.float64, (episodes, tasks)),
                "link": (np.int64, (episodes, tasks)),
                "distance_m": (np.float64, (episodes, links, servers)),
                "snr": (np.float64, (episodes, links, servers) if self.snr.size else (episodes, 0, 0)),
                "rate_bit_per_s": (np.float64, (episodes, links, servers)),
                "device_hz": (np.float64, (episodes, devices)),
                "patience": (np.float64, (episodes, raters, 2)),
            }
        )
        if not ((self.num_servers >= 1) & (self.num_servers <= servers)).all():
            raise ValueError(f"num_servers lies outside 1 to {servers}")
        if not ((self.link >= 0) & (self.link < links)).all():
            raise ValueError(f"link lies outside 0 to {links - 1}")
        if (self.user < 0).any():
            raise ValueError("user is negative")
        for users in (devices, raters):
            if users and (self.user >= users).any():
                raise ValueError(f"user lies outside 0 to {users - 1}")
        exists = np.arange(servers) < self.num_servers[:, None]
        if not (_usable(self.cpu_hz[exists]) and _usable(self.device_hz) and self._links_usable(exists)):
            raise ValueError("rates, SNRs and CPU frequencies have to be finite and above 0")
        if not _usable(self.patience):
            raise ValueError("what rates delays has to be finite and above 0")
        if not (np.isfinite(self.decision_s).all() and (np.diff(self.decision_s, prepend=0.0) >= 0.0).all()):
            raise ValueError("times of decisions have to be finite and in order, from 0")
        if not np.isfinite(self.size_bit).all() or (self.size_bit < 0.0).any():
            raise ValueError("sizes have to be finite and not negative")
        real = np.arange(tasks) < self.arrivals.sum(axis=1)[:, None]
        if not _usable(self.cycles_per_bit[real]):
            raise ValueError("cycles of a bit have to be finite and above 0")
        if not np.isfinite(self.output_bit).all() or (self.output_bit < 0.0).any():
            raise ValueError("sizes of results have to be finite and not negative")
        if not (self.deadline_s[real] > 0.0).all():
            raise ValueError("deadlines have to be above 0, or infinite for none")
        if not ((self.priority >= 0) & (self.priority < MAX_CLASSES)).all():
            raise ValueError(f"priority lies outside 0 to {MAX_CLASSES - 1}")
        if not (np.isfinite(self.distance_m).all() and (self.distance_m >= 0.0).all()):
            raise ValueError("distances have to be finite and not negative")
        if (self.arrivals < 0).any() or (self.arrivals.sum(axis=1) > tasks).any():
            raise ValueError(f"arrivals do not add up to at most {tasks} tasks")

    def _links_usable(self, exists: NDArray[np.bool_]) -> bool:
        """Whether all links to servers that exist, (N, A), have a rate, and an SNR where there are any."""
        of_links = np.broadcast_to(exists[:, None, :], self.rate_bit_per_s.shape)
        return _usable(self.rate_bit_per_s[of_links]) and (self.snr.size == 0 or _usable(self.snr[of_links]))

    def check_fits(self, scenario: OffloadScenario) -> None:
        """Raise InputError unless an engine of this scenario can play these tapes."""
        given = (self.arrivals.shape[1], self.cpu_hz.shape[1])
        expected = (scenario.steps, scenario.max_servers)
        if given != expected:
            raise InputError(
                f"tapes of another scenario: they have {given[0]} steps and room for {given[1]} servers, "
                f"expected {expected[0]} and {expected[1]}"
            )
        wanted = {
            "SNRs": (self.snr.size > 0, scenario.channel.interference),
            "devices": (self.device_hz.shape[1], scenario.users.count if scenario.servers.device else 0),
            "users who rate delays": (self.patience.shape[1], scenario.users.count if scenario.satisfaction else 0),
        }
        for name, (has, wants) in wanted.items():
            if has != wants:
                raise InputError(f"tapes of another scenario: {name}: they have {has:d}, expected {wants:d}")
        if scenario.satisfaction is not None and not scenario.satisfaction.law.are_numbers(self.patience):
            numbers = " and ".join(name.partition("_")[0] for name in scenario.satisfaction.law.NUMBERS)
            raise InputError(f"tapes of another scenario: their users have no {numbers} delays")
        for name, values, count in (
            ("users", self.user, scenario.users.count),
            ("priority classes", self.priority, scenario.priority_classes),
        ):
            if (values >= count).any():
                raise InputError(f"tapes of another scenario: they have more {name} than the expected {count}")


def _usable(values: NDArray[np.float64]) -> bool:
    """Whether quotients and sums of a few such values stay finite: engines play the future until everything is done."""
    return bool(((values > 1e-100) & (values < 1e100)).all())
