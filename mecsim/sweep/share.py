"""A share of a sweep: what one of several commands plays that fill a store together, each by itself."""

import re
from collections.abc import Callable
from typing import NamedTuple

from mecsim.errors import InputError
from mecsim.sweep.distribute import Place
from mecsim.sweep.evaluate import jobs_of, play_jobs
from mecsim.sweep.resume import SweepSettings
from mecsim.sweep.store import Store
from mecsim.sweep.targets import runs_of


class Share(NamedTuple):
    """One of several equal shares of jobs, counted from 1."""

    number: int
    of: int

    @staticmethod
    def parsed(text: str) -> "Share":
        """From a text such as `3/16`.

        Raises:
            InputError: it is no such share.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
        share = Share(*map(int, found.groups())) if found else Share(0, 0)
        if not 1 <= share.number <= share.of:
            raise InputError(
                f"--part {text}: expected the number of a share and how many there are, from 1/16 to 16/16"
            )
        return share


def play_share(
    settings: SweepSettings, share: Share, workers: Place, store: Store, on_progress: Callable[[int], None]
) -> int:
    """Play the jobs of a share that are not stored, and store them; returns how many jobs it has.

    `on_progress` is told of so many more preferences done.
    """
    scenario, grid, episodes, seed = settings.scenario, settings.preferences, settings.episodes, settings.seed
    jobs = [
        (target, job)
        for target in settings.targets
        for run in runs_of(target, scenario)
        for job in jobs_of(run, scenario, grid, episodes, seed, workers, store)
    ][share.number - 1 :: share.of]
    play_jobs(jobs, workers, lambda target, done: on_progress(done))
    return len(jobs)
