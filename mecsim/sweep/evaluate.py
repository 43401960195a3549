"""Plays targets over preferences on common random numbers."""

import platform
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes
from mecsim.core.tape import Tapes
from mecsim.core.threads import use_threads
from mecsim.errors import InputError, RunError
from mecsim.policies import PolicyFactory, play
from mecsim.sweep.cluster import Cluster, cluster_at
from mecsim.sweep.details import EPISODES_MOST, Details, Measured
from mecsim.sweep.distribute import ALONE, Place, Workers, process_byte, run_jobs, worthwhile_workers
from mecsim.sweep.front import Front
from mecsim.sweep.planned import decisions_per_step
from mecsim.sweep.store import Part, PartFile, Store, played_identity, read_part, target_identity, write_part
from mecsim.sweep.targets import policy_factory, runs_of

EPISODES_AT_ONCE = 1024  # more episodes side by side gain no speed, but cost memory
TAPES_BYTE = 2**30  # of the episodes played side by side
PREFERENCES_PER_JOB = 4


def workers_for(
    targets: Sequence[str],
    scenario: Scenario,
    preferences: int,
    episodes: int,
    workers: int | None,
    threads: int | None,
) -> Workers:  # fmt: skip
    """Who plays targets for so many preferences: as many processes as asked for, or as are worthwhile.

    Numba's threads, as many as asked for or one per process, are limited from now on.
    """
    made = sum(decisions_per_step(run) for target in targets for run in runs_of(target, scenario))
    decisions = made * preferences * episodes * scenario.steps
    processes = workers or worthwhile_workers(decisions, tapes_byte(scenario, episodes), threads)
    return Workers(processes, use_threads(threads or processes))


def place_for(
    address: str | None, targets: Sequence[str], scenario: Scenario, preferences: int, episodes: int,
    workers: int | None, threads: int | None,
) -> Place:  # fmt: skip
    """The Ray cluster with an address, of which each job gets a thread or as many as asked for; see `workers_for`."""
    if address is None:
        return workers_for(targets, scenario, preferences, episodes, workers, threads)
    needed_byte = process_byte(tapes_byte(scenario, episodes))
    return cluster_at(address, use_threads(threads or 1), needed_byte, processes=workers)


@dataclass(frozen=True, slots=True)
class _Job:
    target: str
    scenario: Scenario
    preferences: tuple[tuple[float, ...], ...]
    episodes: int
    seed: int
    detailed: bool  # whether more than totals is measured
    identity: str  # of target and scenario; "" if they may be any that are found at their paths
    part: PartFile | None  # where its result is kept

    def __str__(self) -> str:
        weights = ",".join(f"{weight:g}" for weight in self.preferences[0])
        return f"{self.target} at {len(self.preferences)} preferences from {weights} on"

    def stored(self) -> Part | None:
        """The result, if there is one already, so that no worker has to be asked."""
        shape = len(self.preferences), self.episodes, len(self.preferences[0])
        return None if self.part is None else read_part(self.part, shape)

    def keep(self, result: Part) -> None:
        """Store the result."""
        if self.part is not None:
            write_part(self.part, np.array(self.preferences), result)


class _Numbered(NamedTuple):
    number: int
    job: _Job

    def __str__(self) -> str:
        return str(self.job)


def _play_job(numbered: _Numbered) -> tuple[int, Part]:
    number, job = numbered
    make = same_policy(job.target, job.scenario, job.identity)
    return number, measure(make, job.scenario, np.array(job.preferences), job.episodes, job.seed, job.detailed)


def same_policy(target: str, scenario: Scenario, identity: str) -> PolicyFactory:
    """The policy that a target names, where it and what it is played on have this identity; of any, if that is empty.

    Raises:
        InputError: it names none; RunError: it, or a file, is another one than where the work began.
    """
    if identity and _identity_here(target, scenario) != identity:
        raise RunError(
            f"{target}: on {platform.node()} it, or a file of the scenario, is another one than where this began, or "
            "missing: nodes need the same files at the same path, and no run may be trained meanwhile"
        )
    return policy_factory(target, scenario)


def _identity_here(target: str, scenario: Scenario) -> str | None:
    try:
        return played_identity(target, scenario)
    except InputError:
        return None


def measure(
    make: PolicyFactory,
    scenario: Scenario,
    preferences: NDArray[np.float64],
    episodes: int,
    seed: int,
    detailed: bool = True,
) -> Part:
    """What a policy comes to, totals and, unless there is no room for them, details."""
    if not detailed:
        return Part(evaluate(make, scenario, preferences, episodes, seed))
    totals, measured = [], [Measured(scenario) for _ in preferences]
    for first, tapes in tape_chunks(scenario, seed, episodes):
        played = []
        for wanted, found in zip(preferences, measured, strict=True):
            one = play(make(seed + first), scenario, tapes, wanted)
            found.add(one, tapes)
            played.append(one.totals)
        totals.append(played)
    return Part(np.concatenate(totals, axis=1), Details.joined([found.details() for found in measured]))


def evaluate(
    make: PolicyFactory,
    scenario: Scenario,
    preferences: NDArray[np.float64],
    episodes: int,
    seed: int,
    stream: Stream = Stream.EVALUATION,
    threads: int = 1,
) -> NDArray[np.float64]:
    """Totals of every preference and episode, (K, episodes, objectives); each preference meets the same tapes.

    With `threads` so many preferences are played at once, each on one; then policies may not change while they play.
    """
    parts = []
    for first, tapes in tape_chunks(scenario, seed, episodes, stream):

        def played(wanted: NDArray[np.float64], first: int = first, tapes: Tapes = tapes) -> NDArray[np.float64]:
            return play(make(seed + first), scenario, tapes, wanted).totals

        if threads == 1:
            parts.append([played(wanted) for wanted in preferences])
            continue
        with ThreadPoolExecutor(threads, initializer=use_threads, initargs=(1,)) as pool:
            parts.append(list(pool.map(played, preferences)))
    return np.concatenate(parts, axis=1)


def tapes_byte(scenario: Scenario, episodes: int) -> float:
    """Size of the tapes that are played side by side, where so many episodes are to be played."""
    return min(episodes, episodes_at_once(scenario)) * scenario.tape_byte


def episodes_at_once(scenario: Scenario) -> int:
    """How many are played side by side, as their tapes fit and more gain no speed."""
    return int(min(EPISODES_AT_ONCE, max(1.0, TAPES_BYTE // scenario.tape_byte)))


def tape_chunks(
    scenario: Scenario, seed: int, episodes: int, stream: Stream = Stream.EVALUATION
) -> Iterator[tuple[int, Tapes]]:
    """The episodes of a seed, as many at once as are played side by side, with the number of the first of them."""
    for first, count in chunks(scenario, episodes):
        yield first, draw_episodes(scenario, seed, first, count, stream)


def chunks(scenario: Scenario, episodes: int) -> list[tuple[int, int]]:
    """The first episode and the number of those that are played side by side, until so many are played."""
    at_once = episodes_at_once(scenario)
    return [(first, min(at_once, episodes - first)) for first in range(0, episodes, at_once)]


def sweep(
    targets: Sequence[str],
    scenario: Scenario,
    preferences: NDArray[np.float64],
    episodes: int,
    seed: int,
    workers: Place = ALONE,
    on_progress: Callable[[str, int], None] = lambda target, done: None,
    store: Store | None = None,
) -> list[Front]:
    """Play each target over all preferences. `on_progress(target, n)` is told of n more preferences done.

    In the place of a folder of several seeds each of its runs is played. With a store every finished job is kept at
    once, and what it holds of these settings already is not played again.
    """
    runs = {target: runs_of(target, scenario) for target in targets}
    settings = scenario, preferences, episodes, seed
    jobs = [
        (target, job) for target in targets for run in runs[target] for job in jobs_of(run, *settings, workers, store)
    ]
    found = play_jobs(jobs, workers, on_progress)

    def front(target: str) -> Front:
        parts = defaultdict(list)
        for number, (of, job) in enumerate(jobs):
            if of == target:
                parts[job.target].append(found[number])
        each = [Part.joined(parts[run]).front(run, preferences) for run in runs[target]]
        return Front.over(target, each) if len(each) > 1 else each[0]

    return [front(target) for target in targets]


def play_jobs(
    jobs: Sequence[tuple[str, _Job]], workers: Place, on_progress: Callable[[str, int], None]
) -> dict[int, Part]:
    """What jobs of targets came to, each by its number: what is stored, or else played now and stored at once."""
    found: dict[int, Part] = {}
    for number, (target, job) in enumerate(jobs):
        if (stored := job.stored()) is not None:
            found[number] = stored
            on_progress(target, len(job.preferences))
    missing = [_Numbered(number, job) for number, (_, job) in enumerate(jobs) if number not in found]
    with closing(run_jobs(_play_job, missing, workers, ordered=False)) as played:
        for number, part in played:
            target, job = jobs[number]
            job.keep(part)
            found[number] = part
            on_progress(target, len(job.preferences))
    return found


def jobs_of(
    target: str, scenario: Scenario, preferences: NDArray[np.float64], episodes: int, seed: int, workers: Place,
    store: Store | None,
) -> list[_Job]:  # fmt: skip
    """Those of a run or a policy. On the machines of a cluster they make sure that it is the same there."""
    elsewhere = isinstance(workers, Cluster)
    detailed = len(preferences) * episodes <= EPISODES_MOST
    identity = "" if store is None else target_identity(target, scenario)
    played = played_identity(target, scenario) if elsewhere else ""
    jobs = []
    for first in range(0, len(preferences), PREFERENCES_PER_JOB):
        some = tuple(map(tuple, preferences[first : first + PREFERENCES_PER_JOB].tolist()))
        part = None if store is None else store.place(identity, scenario, some, episodes, seed)
        jobs.append(_Job(target, scenario, some, episodes, seed, detailed, played, part))
    return jobs
