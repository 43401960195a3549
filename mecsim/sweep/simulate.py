"""Plays a policy for one preference and tells what happened, on several processes if there are."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import EngineName
from mecsim.core.record_tables import record_texts
from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, system_of
from mecsim.core.tape import Tapes
from mecsim.core.watch import tell_progress
from mecsim.policies import play
from mecsim.sweep.cluster import Cluster
from mecsim.sweep.distribute import ALONE, Place, run_jobs
from mecsim.sweep.evaluate import chunks, same_policy
from mecsim.sweep.store import played_identity


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is to be played."""

    scenario: Scenario
    policy: str  # a target
    preference: tuple[float, ...]
    engine: EngineName
    episodes: int
    seed: int
    recorded: bool  # whether records are asked for
    tape: str = ""  # the file of the episodes, where they are not drawn


class Chunk(NamedTuple):
    """What episodes that were played side by side came to."""

    quantities: dict[str, NDArray[np.float64]]  # of each episode
    texts: tuple[bytes, ...]  # each table of records as a file; none where records are not asked for


class _Job(NamedTuple):
    simulation: Simulation
    identity: str  # of policy and scenario; "" if they may be any that are found at their paths
    first: int
    episodes: int

    def __str__(self) -> str:
        return f"{self.simulation.policy} in episodes {self.first} to {self.first + self.episodes - 1}"

    def tell(self, steps: int) -> None:
        """So many steps of its episodes are played."""
        asked, length = self.simulation, self.simulation.scenario.steps
        done = self.first * length + self.episodes * steps
        tell_progress(f"playing {asked.policy}", done, asked.episodes * length)


def simulate(simulation: Simulation, workers: Place = ALONE) -> Generator[Chunk]:
    """Play all episodes; chunks in their order, the same however many workers there are."""
    elsewhere = isinstance(workers, Cluster)
    identity = played_identity(simulation.policy, simulation.scenario) if elsewhere else ""
    jobs = [_Job(simulation, identity, *chunk) for chunk in chunks(simulation.scenario, simulation.episodes)]
    with closing(run_jobs(_play, jobs, workers)) as played:
        for job, chunk in zip(jobs, played, strict=True):
            job.tell(job.simulation.scenario.steps)
            yield chunk


def read_tape(path: Path, scenario: Scenario) -> Tapes:
    """The episodes of a file, of the system of a scenario.

    Raises:
        InputError: it holds none, or such of another system, or format; whether they fit is seen when they are played.
    """
    return type(draw_episodes(scenario, 0, 0, 1)).load(path)


@lru_cache(maxsize=1)  # of all chunks that a process plays
def _tape(path: str, scenario: Scenario) -> Tapes:
    return read_tape(Path(path), scenario)


def _play(job: _Job) -> Chunk:
    asked, scenario = job.simulation, job.simulation.scenario
    if asked.tape:
        tapes = _tape(asked.tape, scenario).select(slice(job.first, job.first + job.episodes))
    else:
        tapes = draw_episodes(scenario, asked.seed, job.first, job.episodes)
    policy = same_policy(asked.policy, scenario, job.identity)(asked.seed + job.first)
    steps = count(1)
    played = play(policy, scenario, tapes, np.array(asked.preference), asked.engine, lambda: job.tell(next(steps)))
    system = system_of(scenario)
    texts = record_texts(system.tables, played.records, tapes, scenario, job.first) if asked.recorded else ()
    return Chunk(system.episode_quantities.load()(played, tapes, scenario), texts)
