"""Fitting a predictor to a request log: a model of mixed effects, whose common part is boosted trees.

Rounds alternate between both parts. Trees are fitted to reports at the position that the user *felt*, by a draw from
what is believed of the user. Then what is believed is learnt anew from all reports, and from all users how much people
differ. Draws instead of means keep the trees from taking over what is only uncertain. Offsets of the users of a persona
are drawn around 0: what they have in common belongs to the trees.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.rating import TOP_RATING
from mecsim.core.watch import tell_progress
from mecsim.predictor.calibration import UNCALIBRATED, fitted_calibration
from mecsim.predictor.data import CATEGORIES, NUMBERS, RequestLog
from mecsim.predictor.model_text import Model, read_model
from mecsim.predictor.predictor import Predictor
from mecsim.predictor.read import check_data_packages
from mecsim.predictor.users import (
    CELLS,
    CELLS_PER_UNIT,
    LOW,
    VARIANCES,
    Reports,
    UserOffsets,
    felt_position,
    learned,
    strangers,
)

Array = NDArray[np.float64]

ROUNDS = 4
TREES, LEAVES, LEARNING_RATE = 250, 15, 0.1
TREE_ROWS = 500_000  # requests that trees are fitted to; of a longer log as many are drawn
LARGEST_LEAST_LEAF = 50  # requests in each leaf; fewer in a short log
SETTINGS = {
    "objective": "regression",
    "min_data_in_bin": 1,  # each cell is a bin of its own
    "monotone_constraints_method": "intermediate",  # not as strict as "basic", and monotone all the same
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""Of LightGBM; the same seed gives the same text on all machines of a kind."""
NUMBER_NAMES = ("speed_m_per_s", "log10_minimum_bit_per_s", "log10_demand_bit_per_s")
CELL_NAME = "felt_position_cell"
PERSONA = CATEGORIES.index("persona")

FIRST_SPREAD = np.diag([0.15**2, 0.2**2])  # of offset and stretch, before anything is learnt about them
FIRST_VARIANCE = 0.5**2
LEAST_SPREAD, LEAST_VARIANCE = 1e-6, 0.05**2
VARIANCE_PRIOR = 50.0  # reports that the mean variance counts for in each bin


def fit_predictor(
    log: RequestLog, rng: np.random.Generator, rounds: int = ROUNDS, start: UserOffsets | None = None
) -> Predictor:
    """A predictor that knows the users of the log.

    Args:
        log: reports to learn from, those of each user in the order of time.
        rng: draws offsets and requests.
        rounds: how often both parts are fitted.
        start: what is believed of the users beforehand, with all users of the log; fewer rounds are needed then.

    Raises:
        InputError: a package is missing.
    """
    check_data_packages("lightgbm")
    offsets = start or strangers(FIRST_SPREAD).with_users(log.users.numbers)
    drawn = np.zeros((len(log.users), 2)) if start is None else _drawn(log, offsets, rng)
    variance = np.full(VARIANCES, FIRST_VARIANCE)
    reports = Reports(log.codes, log.numbers, log.position, log.reported)
    for number in range(rounds):
        tell_progress(f"fitting {len(log):,} reports", number, rounds)
        model = _fitted_model(log, drawn, rng)
        fresh = strangers(offsets.covariance[-1]).with_users(log.users.numbers)
        offsets = _with_spread_of(learned(fresh, model.trees, variance, log.user, reports), log)
        mean = Predictor(log.names, log.users, model, variance, UNCALIBRATED, offsets)
        expected = mean.ratings(log.user, log.codes, log.numbers, log.position[:, None])[:, 0]
        variance = _variance(expected, log.reported)
        drawn = _drawn(log, offsets, rng)
    tell_progress(f"fitting {len(log):,} reports", rounds, rounds)
    return Predictor(log.names, log.users, model, variance, fitted_calibration(expected, log.reported), offsets)


def _fitted_model(log: RequestLog, drawn: Array, rng: np.random.Generator) -> Model:
    """Trees of the mean report, whose monotone feature is the felt position in cells.

    Positions are rounded to cells at random, so that nothing is lost on the mean. One thread fits them: the work is
    many short parts, in which threads mostly wait for each other, and for long where cores are shared.
    """
    import lightgbm

    if len(log) > TREE_ROWS:
        log = log.select(np.sort(rng.choice(len(log), TREE_ROWS, replace=False)))
    felt = felt_position(log.position, *drawn[log.user].T)
    cell = np.clip(np.floor((felt - LOW) * CELLS_PER_UNIT + rng.random(len(log))), 0, CELLS - 1)
    data = lightgbm.Dataset(
        np.column_stack([log.codes, log.numbers, cell]),
        log.reported,
        feature_name=[*CATEGORIES, *NUMBER_NAMES, CELL_NAME],
        categorical_feature=list(CATEGORIES),
    )
    settings = {
        **SETTINGS,
        "num_leaves": LEAVES,
        "learning_rate": LEARNING_RATE,
        "min_data_in_leaf": min(LARGEST_LEAST_LEAF, max(1, len(log) // 200)),
        "monotone_constraints": [0] * (len(CATEGORIES) + NUMBERS) + [1],
        "seed": int(rng.integers(2**31)),
    }
    text = lightgbm.train(settings, data, num_boost_round=TREES).model_to_string()
    return read_model(text, len(CATEGORIES), NUMBERS)


def _with_spread_of(offsets: UserOffsets, log: RequestLog) -> UserOffsets:
    """The same, strangers being as different from each other as the users of the log turned out to be."""
    known = np.flatnonzero(np.bincount(log.user, minlength=len(log.users)))
    mean, covariance = offsets.mean[known], offsets.covariance[known]
    spread = mean.T @ mean / len(known) + covariance.mean(axis=0) + LEAST_SPREAD * np.eye(2)
    everyone = offsets.covariance.copy()
    told = np.zeros(len(everyone), bool)
    told[known] = True
    everyone[~told] = spread
    return UserOffsets(offsets.user_ids, np.where(told[:, None], offsets.mean, 0.0), everyone)


def _drawn(log: RequestLog, offsets: UserOffsets, rng: np.random.Generator) -> Array:
    """Offsets and stretches drawn from what is believed of each user, (U, 2), around 0 in each persona."""
    drawn = offsets.sample(rng).mean[:-1]
    persona = np.full(len(drawn), -1)
    persona[log.user] = log.codes[:, PERSONA]
    for each in np.unique(persona[persona >= 0]):
        drawn[persona == each] -= drawn[persona == each].mean(axis=0)
    return drawn


def _variance(expected: Array, reported: Array) -> Array:
    """Variance of the reports in equal bins of what was expected, (VARIANCES,); bins with few are drawn to the mean."""
    square = (reported - expected) ** 2
    which = np.minimum((expected * (VARIANCES / TOP_RATING)).astype(np.int64), VARIANCES - 1)
    count = np.bincount(which, minlength=VARIANCES)
    total = np.bincount(which, square, minlength=VARIANCES)
    mean = (total + VARIANCE_PRIOR * square.mean()) / (count + VARIANCE_PRIOR)
    return np.asarray(np.maximum(mean, LEAST_VARIANCE))
