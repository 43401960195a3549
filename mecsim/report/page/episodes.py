"""Episodes for the page: the first one of a sweep's seed, played anew at some of its preferences."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, system_of
from mecsim.core.timeline import Bars, Dots, Part, Timeline
from mecsim.policies import play
from mecsim.report.front_axes import spread_out
from mecsim.report.page.numbers import short
from mecsim.sweep import Front
from mecsim.sweep.evaluate import chunks
from mecsim.sweep.targets import policy_factory

MOST_EPISODES = 11  # of a target


def spread_preferences(preferences: NDArray[np.float64], most: int = MOST_EPISODES) -> NDArray[np.int64]:
    """Indices of at most so many preferences (K, objectives), far from each other, the extreme ones among them."""
    if preferences.shape[1] > 2:
        return spread_out(preferences, most)
    count = min(most, len(preferences))
    return np.unique(np.linspace(0, len(preferences) - 1, count).round().astype(np.int64))


def play_timelines(
    front: Front, scenario: Scenario, seed: int, indices: NDArray[np.int64], on_played: Callable[[int], None]
) -> list[Timeline]:
    """The first episode of a seed at each of the preferences at `indices`; of several trainings the first plays.

    `on_played(n)` is told of n more that are done.

    Raises:
        InputError, RunError: the target is not there any more, or cannot play.
    """
    system = system_of(scenario)
    assert system.timeline is not None
    told, first_one = system.timeline.load(), draw_episodes(scenario, seed, 0, 1)
    make = policy_factory(front.trainings[0].target if front.trainings else front.target, scenario)
    found = []
    for first, count in chunks(scenario, len(indices)):
        tapes = first_one.select(np.zeros(count, np.int64))  # the same episode for each preference, side by side
        wanted = front.preferences[indices[first : first + count]]
        records = play(make(seed), scenario, tapes, wanted).records
        found += [told(records, tapes, scenario, row, seed) for row in range(count)]
        on_played(count)
    return found


def timeline_data(timeline: Timeline) -> dict[str, Any]:
    """For the page."""
    return {"until_s": short(timeline.until_s), "parts": [_part(part) for part in timeline.parts]}


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Bars):
        rows = part.rows.tolist()
        bars = {"lane": part.lane.tolist(), "kind": part.kind.tolist(), "row": rows}
        times = {"start": short(part.start_s), "end": short(part.end_s)}
        return {"draw": "bars", "title": part.title, "lanes": part.lanes, "kinds": part.kinds, **bars, **times}
    if isinstance(part, Dots):
        groups = [
            {"name": one.name, "words": one.words, "joined": one.joined, "x": short(one.x), "y": short(one.y)}
            for one in part.groups
        ]
        labels = {"x_label": part.x_label, "y_label": part.y_label, "map": part.map}
        return {"draw": "dots", "title": part.title, **labels, "groups": groups}
    middle_s = 0.5 * (part.edges_s[1:] + part.edges_s[:-1])
    limit = None if part.limit is None else short(part.limit)
    told = {"title": part.title, "unit": part.unit, "names": part.names, "limit": limit}
    return {"draw": "lines", **told, "x": short(middle_s), "values": short(part.values)}
