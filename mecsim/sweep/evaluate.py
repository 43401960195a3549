"""Plays targets over preferences on common random numbers."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes
from mecsim.core.tape import Tapes
from mecsim.core.threads import use_threads
from mecsim.policies import PolicyFactory, play
from mecsim.sweep.details import EPISODES_MOST, Details, Measured
from mecsim.sweep.distribute import ALONE, Workers, run_jobs, worthwhile_workers
from mecsim.sweep.front import Front
from mecsim.sweep.planned import decisions_per_step
from mecsim.sweep.store import Part, PartFile, Store, read_part, target_identity, write_part
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


@dataclass(frozen=True, slots=True)
class _Job:
    target: str
    scenario: Scenario
    preferences: tuple[tuple[float, ...], ...]
    episodes: int
    seed: int
    detailed: bool  # whether more than totals is measured
    part: PartFile | None  # where its result is kept

    @property
    def stored(self) -> bool:
        """Whether there is a result already, so that no worker has to be asked."""
        return self.part is not None and self.part.path.is_file()


def _play_job(job: _Job) -> Part:
    """What is stored, or else played and stored at once, in the process that played it."""
    preferences = np.array(job.preferences)
    if job.part is not None:
        stored = read_part(job.part, (len(preferences), job.episodes, preferences.shape[1]))
        if stored is not None:
            return stored
    make = policy_factory(job.target, job.scenario)
    part = measure(make, job.scenario, preferences, job.episodes, job.seed, job.detailed)
    if job.part is not None:
        write_part(job.part, preferences, part)
    return part


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
    workers: Workers = ALONE,
    on_progress: Callable[[str, int], None] = lambda target, done: None,
    store: Store | None = None,
) -> list[Front]:
    """Play each target over all preferences. `on_progress(target, n)` is told of n more preferences done.

    In the place of a folder of several seeds each of its runs is played. With a store every finished job is kept at
    once, and what it holds of these settings already is not played again.
    """
    runs = {target: runs_of(target, scenario) for target in targets}
    jobs = [
        (target, job)
        for target in targets
        for run in runs[target]
        for job in _jobs(run, scenario, preferences, episodes, seed, store)
    ]
    stored = [job.stored for _, job in jobs]
    missing = [job for (_, job), there in zip(jobs, stored, strict=True) if not there]
    parts: dict[tuple[str, str], list[Part]] = defaultdict(list)
    with closing(run_jobs(_play_job, missing, workers)) as played:
        for (target, job), there in zip(jobs, stored, strict=True):
            parts[target, job.target].append(_play_job(job) if there else next(played))
            on_progress(target, len(job.preferences))

    def front(target: str) -> Front:
        each = [Part.joined(parts[target, run]).front(run, preferences) for run in runs[target]]
        return Front.over(target, each) if len(each) > 1 else each[0]

    return [front(target) for target in targets]


def _jobs(
    target: str, scenario: Scenario, preferences: NDArray[np.float64], episodes: int, seed: int, store: Store | None
) -> list[_Job]:
    detailed = len(preferences) * episodes <= EPISODES_MOST
    identity = "" if store is None else target_identity(target, scenario)
    jobs = []
    for first in range(0, len(preferences), PREFERENCES_PER_JOB):
        some = tuple(map(tuple, preferences[first : first + PREFERENCES_PER_JOB].tolist()))
        part = None if store is None else store.place(identity, scenario, some, episodes, seed)
        jobs.append(_Job(target, scenario, some, episodes, seed, detailed, part))
    return jobs
