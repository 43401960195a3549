"""How good a predictor is: fitted to a part of a log, judged by what it has not seen.

Two splits. *Known users, later*: the last quarter of the days, of users whose earlier ratings it learnt from. *Unseen
users*: a fifth of the users, drawn at random, of whom it learnt nothing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.predictor.data import RequestLog
from mecsim.predictor.fit import PERSONA, fit_predictor
from mecsim.predictor.predictor import Predictor

Array = NDArray[np.float64]
Which = NDArray[np.bool_]

FORMAT = 1
KNOWN, UNSEEN = "known_users_later", "unseen_users"
UNSEEN_SHARE = 0.2
LATER_SHARE = 0.25
FEWEST_USERS, FEWEST_DAYS = 5, 2
LAST_ROUNDS = 2  # of the predictor that is kept, which begins with what the judged one believes
CALIBRATION_EDGES = np.linspace(0.0, 5.0, 11)


def fit_and_judge(log: RequestLog, seed: int) -> tuple[Predictor, dict[str, Any]]:
    """A predictor fitted to the whole log, and the report on one fitted to a part of it.

    The report is as JSON has it; numbers that the log does not tell are None. `mae` and `r2` are of the predictions
    against reports, and `_to_truth` against the noise-free satisfaction. `noise_floor_mae` is the error of an oracle
    that predicts the latter, `persona_mean_mae` that of the mean report of each persona, `stranger_mae` that of the
    predictor if it did not know the user. Each is over the requests of its split.

    Raises:
        InputError: a package is missing, or the log is too small to be split.
    """
    training, later, unseen = split(log, np.random.default_rng([seed, 0]))
    judged = fit_predictor(log.select(training), np.random.default_rng([seed, 1]))
    kept = fit_predictor(log, np.random.default_rng([seed, 2]), LAST_ROUNDS, judged.offsets)
    means = _persona_means(log.select(training))
    parts = {KNOWN: log.select(later), UNSEEN: log.select(unseen)}
    spread = np.sqrt(np.diag(kept.offsets.covariance[-1]))
    report = {
        "format": FORMAT,
        "requests": len(log),
        "rejected_requests": log.rejected,
        "users": len(log.users),
        "days": int(log.day.max()) + 1,
        "training_requests": int(training.sum()),
        "offset_deviation": float(spread[0]),
        "stretch_deviation": float(spread[1]),
        "splits": {name: _judged(judged, part, means) for name, part in parts.items() if len(part)},
        "calibration": {name: calibration(judged, part) for name, part in parts.items() if len(part)},
    }
    return kept, report


def split(log: RequestLog, rng: np.random.Generator) -> tuple[Which, Which, Which]:
    """Which requests to learn from, which are of the same users later, and which are of users that are left out.

    Raises:
        InputError: there are too few users, days or requests for that.
    """
    users, days = len(log.users), int(log.day.max()) + 1
    if users < FEWEST_USERS or days < FEWEST_DAYS:
        raise InputError(
            f"the log has {users} users and {days} days, expected at least {FEWEST_USERS} users and {FEWEST_DAYS} days"
        )
    left_out = np.zeros(users, bool)
    left_out[rng.permutation(users)[: max(1, round(UNSEEN_SHARE * users))]] = True
    unseen = left_out[log.user]
    late = log.day >= days - max(1, round(LATER_SHARE * days))
    training = ~unseen & ~late
    known = np.zeros(users, bool)
    known[log.user[training]] = True
    later = late & known[log.user]
    if not training.any() or not later.any():
        raise InputError("the log has too few requests to learn from some and judge by others; write a longer one")
    return training, later, unseen


def expected(predictor: Predictor, log: RequestLog, known: bool = True) -> Array:
    """What a predictor expects of the given rates of a log with the same names, (R,); else as if all were strangers."""
    rows = (
        predictor.offsets.rows(log.users.numbers[log.user])
        if known
        else np.full(len(log), len(predictor.offsets.user_ids))
    )
    return predictor.ratings(rows, log.codes, log.numbers, log.position[:, None])[:, 0]


def calibration(predictor: Predictor, log: RequestLog) -> dict[str, list[dict[str, Any]]]:
    """Per persona, what was predicted and reported on the mean in equal bins of the prediction."""
    found = expected(predictor, log)
    which = np.clip(np.digitize(found, CALIBRATION_EDGES) - 1, 0, len(CALIBRATION_EDGES) - 2)
    tables: dict[str, list[dict[str, Any]]] = {}
    for code, persona in enumerate(log.names["persona"]):
        own = log.codes[:, PERSONA] == code
        tables[persona] = [
            {
                "from": float(CALIBRATION_EDGES[each]),
                "to": float(CALIBRATION_EDGES[each + 1]),
                "requests": int((here := own & (which == each)).sum()),
                "predicted": float(found[here].mean()),
                "reported": float(log.reported[here].mean()),
                "truth": None if log.truth is None else float(log.truth[here].mean()),
            }
            for each in np.unique(which[own])
        ]
    return tables


def _judged(predictor: Predictor, log: RequestLog, persona_means: Mapping[int, float]) -> dict[str, Any]:
    found, reported, truth = expected(predictor, log), log.reported, log.truth
    means = np.array([persona_means[int(code)] for code in log.codes[:, PERSONA]])
    floor = None if truth is None else _mae(truth, reported)
    return {
        "requests": len(log),
        "users": len(np.unique(log.user)),
        "mae": _mae(found, reported),
        "r2": _r2(found, reported),
        "noise_floor_mae": floor,
        "mae_to_noise_floor": _mae(found, reported) / floor if floor else None,
        "stranger_mae": _mae(expected(predictor, log, known=False), reported),
        "persona_mean_mae": _mae(means, reported),
        "mae_to_truth": None if truth is None else _mae(found, truth),
        "r2_to_truth": None if truth is None else _r2(found, truth),
    }


def _persona_means(log: RequestLog) -> dict[int, float]:
    """Mean report of each persona; of all for one that the log does not have."""
    codes = log.codes[:, PERSONA]
    return {
        code: float(log.reported[codes == code].mean() if (codes == code).any() else log.reported.mean())
        for code in range(len(log.names["persona"]))
    }


def _mae(found: Array, reported: Array) -> float:
    return float(np.abs(found - reported).mean())


def _r2(found: Array, reported: Array) -> float | None:
    """Share of the variance that is explained; None where there is none."""
    variance = reported.var()
    return float(1.0 - np.mean((found - reported) ** 2) / variance) if variance > 0.0 else None
