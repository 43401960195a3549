"""What it is worth to look ahead where people remember: the agent against what decides each arrival by itself.

    python experiments/memory/run.py --num-threads 1

`personalized-memory`, three trainings of the scenario's length on one thread each; those that are missing in `--runs`
are trained first. All on common random numbers.

- `result.csv`: hypervolume (reference: nobody satisfied, nothing saved), mean cost and expected utility of each target,
  and ratios to greedy, to greedy among what is adequate, and to the exact choice per arrival, paired by episode.
  Intervals are over episodes; those of the row `agent` over trainings.
- `sessions.csv`: what the n-th request of a user came to, at one preference: the position that was given, the adequate
  level by then, the rating, and the share of the users who had left.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mecsim.cli import main
from mecsim.physics.satisfaction import log_position
from mecsim.policies import calibrate, play
from mecsim.report.charts import Curve, Panel, save_fronts, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import compared, measured, policy_factory, tape_chunks
from mecsim.sweep.front import half_width_95
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes

Array = NDArray[np.float64]

SEEDS = 3
OTHERS = ("greedy", "adequate", "exact", "universal", "minimum")
RIVALS = ("greedy", "adequate", "exact")
GRID = (11, 50)  # preferences and episodes
WEIGHT = 0.5  # of satisfaction, in the table `sessions`
SESSIONS = 16  # of a user; few ask more often
TOLD = ("position", "adequate", "rating", "left")


@experiment(__file__)
def run(study: Study) -> None:
    """The agent and policies without foresight among people who remember."""
    scenario = load_scenario("personalized-memory")
    if study.quick:
        scenario = with_context(scenario, {"episode.requests": "60", "users.count": "6"})
    assert isinstance(scenario, CellsScenario)
    folders = {f"personalized-memory-seed{seed}": seed for seed in range(1 if study.quick else SEEDS)}
    agents = {f"agent seed {n}": run for n, run in enumerate(study.trained_seeds(scenario, folders))}
    targets = {**agents, **{name: name for name in OTHERS}}
    fronts = dict(zip(targets, study.fronts(list(targets.values()), scenario, *GRID), strict=True))
    calibration, rows = calibrate(scenario), []
    for name, front in fronts.items():
        row: dict[str, object] = {"target": name, **measured(front, calibration)}
        for rival in RIVALS:
            row |= compared(front, fronts[rival], calibration, rival)
        rows.append(row)
    study.write([_over_trainings(rows[: len(agents)]), *rows], reference="nobody satisfied, nothing saved")
    shown = [dataclasses.replace(front, target=name) for name, front in fronts.items() if name not in list(agents)[1:]]
    save_fronts(study.out / "fronts.png", shown, scenario)
    sessions(study, scenario, {name: targets[name] for name in (next(iter(agents)), *RIVALS)})


def sessions(study: Study, scenario: CellsScenario, targets: Mapping[str, str]) -> None:
    """Table `sessions`, and a picture of it."""
    rows: list[dict[str, object]] = []
    panels: dict[str, list[Curve]] = {name: [] for name in TOLD}
    numbers = np.arange(1, SESSIONS + 1)
    for target, identity in targets.items():
        told = _by_session(study, identity, scenario)
        for key in TOLD:
            panels[key].append(Curve(target, numbers, [_mean(column) for column in told[key].T]))
        for number in numbers.tolist():
            row: dict[str, object] = {"target": target, "weight_of_satisfaction": WEIGHT, "session": number}
            for key in TOLD:
                values = told[key][:, number - 1]
                values = values[~np.isnan(values)]
                row |= {key: float(values.mean()) if len(values) else float("nan")}
                row |= {f"{key}_ci95": float(half_width_95(values)) if len(values) > 1 else float("nan")}
            rows.append(row)
    study.write(rows, "sessions")
    labels = ("position that was given", "adequate level then", "rating (0 to 5)", "share who had left")
    drawn = [Panel("request of a user", label, panels[key]) for key, label in zip(TOLD, labels, strict=True)]
    save_lines(study.out / "sessions.png", f"What users get one after another, satisfaction weighs {WEIGHT:g}", drawn)


def _by_session(study: Study, target: str, scenario: CellsScenario) -> dict[str, Array]:
    """By a word of `TOLD` the mean over the users of each episode, (E, SESSIONS); NaN where there was none."""
    make, parts = policy_factory(target, scenario), []
    for first, tapes in tape_chunks(scenario, study.seed, study.episodes(GRID[1])):
        assert isinstance(tapes, CellsTapes)
        records = play(make(study.seed + first), scenario, tapes, np.array([WEIGHT, 1.0 - WEIGHT])).records
        assert isinstance(records, CellsRecords)
        parts += [_episode(records, tapes, n) for n in range(len(tapes))]
    return {key: np.stack([part[key] for part in parts]) for key in TOLD}


def _episode(records: CellsRecords, tapes: CellsTapes, n: int) -> dict[str, Array]:
    user, served = tapes.user[n], records.level[n] > 0
    session = np.array([(user[:m] == one).sum() for m, one in enumerate(user)])
    given = tapes.rate_bit_per_s[n, np.arange(len(user)), np.maximum(records.level[n] - 1, 0)]
    position = log_position(given, tapes.min_rate_bit_per_s[n], tapes.demand_rate_bit_per_s[n])
    left = records.left[n]
    values = {
        "position": np.where(left, np.nan, np.where(served, position, 0.0)),
        "adequate": records.adequate[n],
        "rating": np.where(left, np.nan, records.satisfaction[n]),
        "left": left.astype(np.float64),
    }
    return {key: np.array([_mean(column[session == k]) for k in range(SESSIONS)]) for key, column in values.items()}


def _mean(values: Array) -> float:
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _over_trainings(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """The mean of rows of trainings, with intervals over trainings."""
    told: dict[str, object] = {"target": "agent"}
    for key in rows[0]:
        if key != "target" and not key.endswith("_ci95"):
            values = np.array([row[key] for row in rows], np.float64)
            told |= {key: float(values.mean()), f"{key}_ci95": float(half_width_95(values))}
    return told


if __name__ == "__main__":
    main(program=run)
