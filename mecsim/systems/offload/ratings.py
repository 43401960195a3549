"""How the users of a scenario rate the delays of their tasks: a typical one, and how the others differ."""

from collections.abc import Sequence

import numpy as np

from mecsim.core.rating import CURVE_PEOPLE, CURVE_POINTS, CURVE_QUANTILES, RatingCurve
from mecsim.errors import InputError
from mecsim.people.patience import draw_patience
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.systems.offload.scenario import OffloadScenario

AROUND = 10.0  # delays are shown from so much shorter than the zone to so much longer


def rating_curves(scenario: OffloadScenario, uses: Sequence[str], seed: int) -> list[RatingCurve]:
    """The only curve that there is.

    Raises:
        InputError: nothing in the scenario rates delays, or `uses` name applications.
    """
    if scenario.satisfaction is None:
        raise InputError("nothing is rated in this scenario, expected one of kind cells or with satisfaction")
    if uses:
        raise InputError("this scenario has no applications, expected none to be named")
    return [_delay_curve(scenario.satisfaction, seed)]


def _delay_curve(satisfaction: DelaySatisfaction, seed: int) -> RatingCurve:
    patience = draw_patience(satisfaction, 1, CURVE_PEOPLE, np.random.default_rng(seed))[0]
    shortest_s, longest_s = satisfaction.law.range_s
    delay_s = np.geomspace(shortest_s / AROUND, longest_s * AROUND, CURVE_POINTS)
    ratings = satisfaction.law.ratings(np.broadcast_to(delay_s, (CURVE_PEOPLE, CURVE_POINTS)), patience[:, None])
    return RatingCurve(
        people="users",
        use="",
        quality="delay of a task (s)",
        values=delay_s,
        typical=satisfaction.law.ratings(delay_s, satisfaction.law.typical),
        quantiles=np.quantile(ratings, CURVE_QUANTILES, axis=0),
    )
