"""The tape: everything random about an episode, drawn once, as plain arrays.

An engine adds nothing random. Given one tape and one sequence of actions every engine gives the same times, and
policies are compared on the same tapes (common random numbers).

Episode i of a seed is the same whoever asks, and however many are asked for: episodes are drawn in blocks whose size
depends on the scenario alone, each phenomenon of each block from a generator of its own. Changing one part of a
scenario (a frequency range, say) therefore leaves the other draws alone.
"""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.physics import channel, workload
from mecsim.scenario import Scenario

EPISODES_PER_BLOCK = 64
BLOCK_BYTE = 2**27  # large scenarios have smaller blocks
FORMAT = 1


class Stream(IntEnum):
    """Disjoint families of episodes of one seed, so that nothing is ever evaluated on what it was trained on."""

    TRAINING = 0
    EVALUATION = 1
    CALIBRATION = 2
    VALIDATION = 3  # watching a training


class _Phenomenon(IntEnum):
    SERVERS = 0
    ARRIVALS = 1
    SIZES = 2
    POSITIONS = 3
    FADING = 4


@dataclass(frozen=True, slots=True)
class Tapes:
    """N episodes of T steps with U users and room for A servers and M tasks.

    The first `num_servers` rows of the server dimension exist, the cloud before the edges; the rest is zero. Tasks are
    in the order of their arrival; `arrivals[:, m]` of them arrive at the start of step m, and the rest is zero.
    """

    num_servers: NDArray[np.int64]  # (N,)
    cpu_hz: NDArray[np.float64]  # (N, A)
    arrivals: NDArray[np.int64]  # (N, T)
    user: NDArray[np.int64]  # (N, M)
    size_bit: NDArray[np.float64]  # (N, M)
    distance_m: NDArray[np.float64]  # (N, U, A)
    rate_bit_per_s: NDArray[np.float64]  # (N, U, A)

    def __len__(self) -> int:
        return len(self.num_servers)

    def select(self, episodes: slice | NDArray[np.int64]) -> "Tapes":
        """Some of the episodes."""
        return Tapes(*(getattr(self, field.name)[episodes] for field in fields(self)))

    def save(self, path: Path) -> None:
        """Write all episodes to a NumPy archive."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        with path.open("wb") as file:
            np.savez_compressed(file, format=np.int64(FORMAT), **arrays)

    @staticmethod
    def load(path: Path) -> "Tapes":
        """Read what `save` wrote.

        Raises:
            InputError: the file is not a tape, or of another format.
        """
        names = [field.name for field in fields(Tapes)]
        try:  # NumPy lets whatever its zip reader and header parser raise pass through
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                missing = {"format", *names} - set(archive.files)
                if missing:
                    raise InputError(f"{path}: not a tape: it lacks {', '.join(sorted(missing))}")
                if int(archive["format"]) != FORMAT:
                    raise InputError(f"{path}: tape format {int(archive['format'])}, this version reads {FORMAT}")
                tapes = Tapes(*(archive[name] for name in names))
                tapes._check()
                return tapes
        except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path}: not a tape: {error}") from error

    def _check(self) -> None:
        """Raise ValueError unless the arrays belong together: compiled code trusts them."""
        (episodes, users, servers), (_, tasks), (_, steps) = (
            self.rate_bit_per_s.shape, self.size_bit.shape, self.arrivals.shape,
        )  # fmt: skip
        expected = {
            "num_servers": (np.int64, (episodes,)),
            "cpu_hz": (np.float64, (episodes, servers)),
            "arrivals": (np.int64, (episodes, steps)),
            "user": (np.int64, (episodes, tasks)),
            "size_bit": (np.float64, (episodes, tasks)),
            "distance_m": (np.float64, (episodes, users, servers)),
            "rate_bit_per_s": (np.float64, (episodes, users, servers)),
        }
        for name, (dtype, shape) in expected.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}")
        if not ((self.num_servers >= 1) & (self.num_servers <= servers)).all():
            raise ValueError(f"num_servers lies outside 1 to {servers}")
        if not ((self.user >= 0) & (self.user < users)).all():
            raise ValueError(f"user lies outside 0 to {users - 1}")
        exists = np.broadcast_to(np.arange(servers) < self.num_servers[:, None, None], self.rate_bit_per_s.shape)
        if not _usable(self.rate_bit_per_s[exists]) or not _usable(self.cpu_hz[exists[:, 0]]):
            raise ValueError("rates and CPU frequencies have to be finite and above 0")
        if not np.isfinite(self.size_bit).all() or (self.size_bit < 0.0).any():
            raise ValueError("sizes have to be finite and not negative")
        if (self.arrivals < 0).any() or (self.arrivals.sum(axis=1) > tasks).any():
            raise ValueError(f"arrivals do not add up to at most {tasks} tasks")

    def check_fits(self, scenario: Scenario) -> None:
        """Raise InputError unless an engine of this scenario can play these tapes."""
        given = (self.arrivals.shape[1], self.cpu_hz.shape[1])
        expected = (scenario.episode.steps, scenario.max_servers)
        if given != expected:
            raise InputError(
                f"tapes of another scenario: they have {given[0]} steps and room for {given[1]} servers, "
                f"expected {expected[0]} and {expected[1]}"
            )


def _usable(values: NDArray[np.float64]) -> bool:
    """Whether quotients and sums of a few such values stay finite: engines play the future until everything is done."""
    return bool(((values > 1e-100) & (values < 1e100)).all())


def draw_tapes(scenario: Scenario, seed: int, first: int, count: int, stream: Stream = Stream.EVALUATION) -> Tapes:
    """Episodes `first` .. `first + count − 1` of a seed."""
    if count < 1:
        raise InputError(f"at least one episode is needed, got {count}")
    size = block_size(scenario)
    first_block, last_block = first // size, (first + count - 1) // size
    blocks = [_draw_block(scenario, seed, stream, block) for block in range(first_block, last_block + 1)]
    start = first - first_block * size
    return _joined(blocks).select(slice(start, start + count))


def block_size(scenario: Scenario) -> int:
    """The number of episodes that are drawn together."""
    return int(min(EPISODES_PER_BLOCK, max(1.0, BLOCK_BYTE // scenario.tape_byte)))


def _joined(blocks: list[Tapes]) -> Tapes:
    if len(blocks) == 1:
        return blocks[0]
    tasks = max(block.size_bit.shape[1] for block in blocks)
    columns = []
    for field in fields(Tapes):
        arrays = [getattr(block, field.name) for block in blocks]
        if field.name in ("user", "size_bit"):
            arrays = [np.pad(array, ((0, 0), (0, tasks - array.shape[1]))) for array in arrays]
        columns.append(np.concatenate(arrays))
    return Tapes(*columns)


@lru_cache(maxsize=2)  # a single environment asks for one episode of a block after the other
def _draw_block(scenario: Scenario, seed: int, stream: Stream, block: int) -> Tapes:
    def generator(phenomenon: _Phenomenon) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, block, phenomenon)))

    num_servers, cpu_hz = _draw_servers(scenario, generator(_Phenomenon.SERVERS))
    arrivals, user, size_bit = _draw_tasks(scenario, cpu_hz, generator)
    present = (cpu_hz > 0.0)[:, None, :]
    distance_m = np.where(present, _draw_distances_m(scenario, generator(_Phenomenon.POSITIONS)), 0.0)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # what comes of it is checked
        rate = np.where(present, _draw_rates_bit_per_s(scenario, distance_m, generator(_Phenomenon.FADING)), 0.0)
    if not _usable(rate[np.broadcast_to(present, rate.shape)]):
        raise InputError("links without a finite rate above 0: the channel's path loss or distances are too extreme")
    tapes = Tapes(num_servers, cpu_hz, arrivals, user, size_bit, distance_m, rate)
    for field in fields(tapes):  # blocks are shared by all who ask for them
        getattr(tapes, field.name).setflags(write=False)
    return tapes


def _draw_servers(scenario: Scenario, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    size = block_size(scenario)
    cloud, edge = scenario.servers.cloud, scenario.servers.edge
    edges = rng.integers(edge.count.low, edge.count.high, size=size, endpoint=True)
    num_servers = cloud.count + edges
    cloud_hz = rng.uniform(cloud.cpu_hz.low, cloud.cpu_hz.high, (size, cloud.count))
    edge_hz = rng.uniform(edge.cpu_hz.low, edge.cpu_hz.high, (size, edge.count.high))
    present = np.arange(scenario.max_servers) < num_servers[:, None]
    return num_servers, np.where(present, np.concatenate([cloud_hz, edge_hz], axis=1), 0.0)


def _draw_tasks(
    scenario: Scenario, cpu_hz: NDArray[np.float64], generator: Callable[[_Phenomenon], np.random.Generator]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    users, size = scenario.users, scenario.tasks.size
    rng = generator(_Phenomenon.ARRIVALS)
    per_step = users.arrival_rate_per_s * users.count * scenario.episode.step_s
    arrivals = rng.poisson(per_step, (block_size(scenario), scenario.episode.steps))
    total = arrivals.sum(axis=1)
    shape = (len(total), max(1, int(total.max())))
    user = rng.integers(0, users.count, shape)
    mean_bit: NDArray[np.float64] | float
    if size.mean_bit == "balanced":
        mean_bit = workload.balanced_mean_size_bit(
            size.load, cpu_hz.sum(axis=1), scenario.tasks.cycles_per_bit, users.count, users.arrival_rate_per_s
        )[:, None]
    else:
        mean_bit = size.mean_bit
    size_bit = mean_bit * workload.unit_mean_sizes(size.distribution, generator(_Phenomenon.SIZES), shape, size.scv)
    if size.clip_bit is not None:
        size_bit = np.clip(size_bit, size.clip_bit.low, size.clip_bit.high)
    exists = np.arange(shape[1]) < total[:, None]
    return arrivals, np.where(exists, user, 0), np.where(exists, size_bit, 0.0)


def _draw_distances_m(scenario: Scenario, rng: np.random.Generator) -> NDArray[np.float64]:
    cloud, edge = scenario.servers.cloud, scenario.servers.edge
    size, users = block_size(scenario), scenario.users.count
    cloud_m = rng.uniform(cloud.distance_m.low, cloud.distance_m.high, (size, users, cloud.count))
    edge_m = rng.uniform(edge.distance_m.low, edge.distance_m.high, (size, users, edge.count.high))
    return np.concatenate([cloud_m, edge_m], axis=2)


def _draw_rates_bit_per_s(
    scenario: Scenario, distance_m: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Rates of all links; absent servers have distance 0 and a rate without meaning."""
    radio = scenario.channel
    fading = rng.standard_exponential(distance_m.shape)  # |h|² of a Rayleigh link of unit mean power
    loss_db = channel.path_loss_db(np.maximum(distance_m, 1.0), radio.path_loss_slope_db, radio.path_loss_at_1km_db)
    if radio.model == "gmorl":
        gain = channel.from_db(-(loss_db + radio.shadowing_db)) * fading
        noise_w = channel.noise_power_w(radio.bandwidth_hz)
        return channel.gmorl_rate_bit_per_s(gain, radio.bandwidth_hz, radio.tx_power_w, noise_w)
    shadowing_db = radio.shadowing_db * rng.standard_normal(distance_m.shape)
    gain = channel.from_db(-(loss_db + shadowing_db)) * fading
    noise_w = channel.noise_power_w(radio.bandwidth_hz, radio.noise_figure_db)
    return channel.rayleigh_rate_bit_per_s(gain, radio.bandwidth_hz, radio.tx_power_w, noise_w)
