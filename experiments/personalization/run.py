"""What personalization brings: a learned policy for the cells against networks that know no users, and optimisers.

After Alkurd, Abualhaol and Yanikomeroglu (arXiv 2306.04887, 2307.03867), who trade satisfaction against saved resources
by evolutionary search on snapshots. Their numbers are not ours, so nothing is repeated digit by digit: here are the
questions of their articles on our cells.

    python experiments/personalization/run.py --num-threads 1

Trainings that are missing in `--runs` are trained first, predictors that are missing there are fitted. Tables:

- `result.csv`: hypervolume (reference: nobody satisfied, nothing saved), mean cost and expected utility of the front of
  each target on `personalized-cell` and `personalized-city`. Intervals are over episodes; those of the row `agent` over
  trainings.
- `points.csv`: what is saved where the mean satisfaction is at least 4 or 3, or that of universal fit. The preference
  is chosen on one half of the episodes and measured on the other, both ways; `saved_over_universal` is from paired
  episodes. Empty where no preference gets there. Rows without a rating are the only point that a target has.
- `prediction.csv`: what it costs not to know people, for the people of a log.
- `data.csv`: how large a log has to be.
- `forms.csv`, `noise.csv`: other models of satisfaction, and people who say less clearly what they feel.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.cli import main
from mecsim.core.system import values_shown
from mecsim.policies import calibrate, play
from mecsim.report.charts import Curve, Panel, save_fronts, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import PLAIN_AGENT, Study, experiment
from mecsim.sweep import Front, compared, measured, policy_factory, tape_chunks, write_json
from mecsim.sweep.front import half_width_95
from mecsim.systems.cells.quantities import episode_quantities
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes

Array = NDArray[np.float64]
Quantities = Mapping[str, Array]  # of each episode, (E,)

RATINGS = (4, 3)
OTHERS = ("greedy", "exact", "nsga2", "universal", "minimum")
SINGLE = ("universal", "minimum")  # whatever the preference
TOLD = ("satisfaction", "saved_resources", "adequate_share", "fairness", "served_share", "blocked_share")

PEOPLE_SEED = 1  # of the log, and of the users who are known from it
LOG = (300, 60)  # users and days
LOGS = ((300, 2), (300, 7), (300, 14), (300, 28), LOG, (50, 28), (100, 28), (1000, 28))
FORMS = ("zone", "power", "logistic", "iqx")
NOISES: Mapping[str, Mapping[str, str]] = {
    "normal 0.1": {"satisfaction.noise_deviation": "0.1"},
    "normal 0.3": {},
    "normal 0.6": {"satisfaction.noise_deviation": "0.6"},
    "normal 1": {"satisfaction.noise_deviation": "1.0"},
    "sos 0.25": {"satisfaction.noise": "sos"},
}
FEW = (21, 200)  # preferences and episodes of all but the first two tables


@dataclass(frozen=True, slots=True)
class Setting:
    """A scenario, and how much is trained and played on it."""

    name: str
    trainings: int
    preferences: int
    episodes: int
    quick: Mapping[str, str]  # what makes it small

    def scenario(self, study: Study, **changes: str) -> CellsScenario:
        """The scenario with values changed; `__` in names stands for a dot."""
        given = {key.replace("__", "."): value for key, value in changes.items()}
        found = with_context(load_scenario(self.name), {**(self.quick if study.quick else {}), **given})
        assert isinstance(found, CellsScenario)
        return found

    def agents(self, study: Study) -> dict[str, str]:
        """Folders of the trainings by their names."""
        scenario, count = self.scenario(study), 1 if study.quick else self.trainings
        folders = {f"{self.name}" if seed == 0 else f"{self.name}-seed{seed}": seed for seed in range(count)}
        return {
            f"agent seed {seed}": run
            for seed, run in enumerate(study.trained_seeds(scenario, folders, settings=PLAIN_AGENT))
        }


CELL = Setting("personalized-cell", 3, 101, 200, {"episode.requests": "40"})
CITY = Setting("personalized-city", 1, 21, 40, {"episode.requests": "30", "users.count": "60"})


@experiment(__file__)
def run(study: Study) -> None:
    """Agents, greedy and optimisers on cells; what prediction costs, how much data it needs, other people."""
    fronts_and_points(study)
    prediction(study)
    data(study)
    forms(study)
    noise(study)


def fronts_and_points(study: Study) -> None:
    """Tables `result` and `points`, and a picture for each setting."""
    rows: list[dict[str, object]] = []
    points: list[dict[str, object]] = []
    for setting in (CELL, CITY):
        scenario, agents = setting.scenario(study), setting.agents(study)
        targets = {**agents, **{name: name for name in OTHERS}}
        fronts = _played(study, scenario, targets, (setting.preferences, setting.episodes))
        calibration = calibrate(scenario)
        own = [
            {"scenario": setting.name, "target": name, **measured(front, calibration)}
            | compared(front, fronts["greedy"], calibration, "greedy")
            | compared(front, fronts["exact"], calibration, "exact")
            | compared(front, fronts["nsga2"], calibration, "nsga2")
            for name, front in fronts.items()
        ]
        rows += [_over_trainings([row for row in own if row["target"] in agents]), *own]
        points += _points(study, setting.name, scenario, targets, fronts)
        shown = [dataclasses.replace(front, target=name) for name, front in fronts.items()]
        save_fronts(study.out / f"{setting.name}.png", shown, scenario)
    study.write(rows, reference="nobody satisfied, nothing saved")
    study.write(points, "points", chosen="on one half of the episodes, measured on the other, both ways")


def prediction(study: Study) -> None:
    """Table `prediction`: agents and greedy that know people, their persona, or what a log says of them."""
    file, _ = fitted(study, CELL.scenario(study), "people", *LOG)
    agents = CELL.agents(study)
    rows: list[dict[str, object]] = []
    known: dict[str, Front] = {}
    for name, predictor in {"oracle": "oracle", "log": json.dumps(str(file)), "typical": "typical"}.items():
        scenario = CELL.scenario(study, users__seed=str(PEOPLE_SEED), satisfaction__predictor=predictor)
        retrained = {"agent retrained": study.trained(scenario, f"{CELL.name}-people-{name}", settings=PLAIN_AGENT)}
        targets = {**agents, **retrained, "greedy": "greedy", "exact": "exact"}
        calibration = calibrate(scenario)
        for target, front in _played(study, scenario, targets, FEW).items():
            known.setdefault(target, front)  # the oracle is the first one
            row: dict[str, object] = {"predictor": name, "target": target, **measured(front, calibration)}
            rows.append(row | compared(front, known[target], calibration, "oracle"))
    study.write(rows, "prediction", people=PEOPLE_SEED, users=LOG[0], days=LOG[1])


def data(study: Study) -> None:
    """Table `data`: errors of predictors from logs of any size, and what they cost."""
    rows: list[dict[str, object]] = []
    agent = dict([next(iter(CELL.agents(study).items()))])
    for users, days in LOGS[:2] if study.quick else LOGS:
        file, report = fitted(study, CELL.scenario(study), "people", users, days)
        row: dict[str, object] = {"users": users, "days": days, "requests": report["requests"]}
        for short, split in (("known", "known_users_later"), ("unseen", "unseen_users")):
            found = report["splits"].get(split, {})
            for key in ("mae", "noise_floor_mae", "mae_to_truth"):
                row[f"{short}_{key}"] = found.get(key, float("nan"))
        rows.append(row | _to_oracle(study, {}, file, agent))
    told = study.write(rows, "data", people=PEOPLE_SEED)
    by_days = told.filter(told["users"] == LOG[0]).sort("days")

    def column(key: str) -> list[float]:
        return by_days[key].to_list()

    errors = [Curve(f"{of} users", column("days"), column(f"{of}_mae_to_truth")) for of in ("known", "unseen")]
    costs = [
        Curve(name, column("days"), column(f"{name}_cost_to_oracle"), column(f"{name}_cost_to_oracle_ci95"))
        for name in ("agent", "greedy")
    ]
    panels = [Panel("days of the log", "error of predicted satisfaction", errors)]
    panels.append(Panel("days of the log", "mean cost, ratio to an oracle", costs))
    save_lines(study.out / "data.png", f"How much data prediction needs, {LOG[0]} users", panels)


def forms(study: Study) -> None:
    """Table `forms`: people of another kind than those the agents were trained on, known to all."""
    rows: list[dict[str, object]] = []
    agents = CELL.agents(study)
    for form in FORMS[:2] if study.quick else FORMS:
        scenario = CELL.scenario(study, satisfaction__form=form)
        calibration = calibrate(scenario)
        targets = {**agents, **{name: name for name in ("greedy", "exact", "universal")}}
        if form != FORMS[0]:
            targets["agent retrained"] = study.trained(scenario, f"{CELL.name}-{form}", settings=PLAIN_AGENT)
        fronts = _played(study, scenario, targets, FEW)
        for name, front in fronts.items():
            row: dict[str, object] = {"form": form, "target": name, **measured(front, calibration)}
            rows.append(row | compared(front, fronts["greedy"], calibration, "greedy"))
    study.write(rows, "forms", trained_on=FORMS[0])


def noise(study: Study) -> None:
    """Table `noise`: predictors that learnt from people whose reports scatter more, or otherwise."""
    rows: list[dict[str, object]] = []
    agent = dict([next(iter(CELL.agents(study).items()))])
    for name, changes in list(NOISES.items())[: 2 if study.quick else None]:
        given = {key.replace(".", "__"): value for key, value in changes.items()}
        file, report = fitted(study, CELL.scenario(study, **given), name.replace(" ", "-"), LOG[0], 28)
        found = report["splits"]["known_users_later"]
        row: dict[str, object] = {"noise": name, **{key: found[key] for key in ("mae", "noise_floor_mae")}}
        rows.append(row | {"mae_to_truth": found["mae_to_truth"]} | _to_oracle(study, given, file, agent))
    study.write(rows, "noise", people=PEOPLE_SEED, users=LOG[0], days=28)


def fitted(study: Study, scenario: CellsScenario, name: str, users: int, days: int) -> tuple[Path, dict[str, Any]]:
    """A predictor of the people of a scenario, from a log of so many users and days, and the report on it.

    Both are kept in the folder of runs; what is there is taken.
    """
    from mecsim.people.dataset import write_dataset
    from mecsim.predictor.read import check_data_packages, read_log
    from mecsim.predictor.report import fit_and_judge

    check_data_packages("pyarrow", "lightgbm")
    if study.quick:
        users, days = 60, max(2, days // 10)
    path = (study.runs / f"predictor-{name}-{users}x{days}.safetensors").resolve()
    report_path, log_path = path.with_suffix(".json"), path.with_suffix(".parquet")
    if not (path.exists() and report_path.exists()):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_dataset(
            log_path, scenario.population, scenario.satisfaction, users=users, days=days, seed=PEOPLE_SEED,
            levels=scenario.service.levels,
        )  # fmt: skip
        predictor, report = fit_and_judge(read_log(log_path), 0)
        log_path.unlink()
        predictor.save(path)
        write_json(report_path, report)
    return path, json.loads(report_path.read_text(encoding="utf-8"))


def operating_points(front: Front, scenario: CellsScenario, floor: Array) -> tuple[int, int] | None:
    """Indices of the preferences that save most at a mean satisfaction of at least that of `floor`, (E,).

    The first is chosen on the odd episodes, for the even ones, the second the other way round. None unless both halves
    have such a preference.
    """
    chosen = []
    for half in (1, 0):
        satisfaction, saved = values_shown(front.totals[:, half::2].mean(axis=1), scenario).T
        enough = satisfaction >= floor[half::2].mean()
        if not enough.any():
            return None
        chosen.append(int(np.where(enough, saved, -np.inf).argmax()))
    return chosen[0], chosen[1]


def _points(
    study: Study, name: str, scenario: CellsScenario, targets: Mapping[str, str], fronts: Mapping[str, Front]
) -> list[dict[str, object]]:
    """Rows of the table `points`: each target at each rating, and agents together."""
    episodes = fronts["universal"].totals.shape[1]
    universal = _quantities(study, "universal", scenario, fronts["universal"].preferences[0], episodes)
    rows: list[dict[str, object]] = []
    floors = {str(rating): np.full(episodes, float(rating)) for rating in RATINGS}
    for least, floor in {"": None, **floors, "universal": universal["satisfaction"]}.items():
        here: list[dict[str, object]] = []
        for target, identity in targets.items():
            if (floor is None) != (target in SINGLE):
                continue
            front = fronts[target]
            chosen = (0, 0) if floor is None else operating_points(front, scenario, floor)
            row: dict[str, object] = {"scenario": name, "target": target, "satisfaction_at_least": least}
            if chosen is not None:
                played = {
                    k: _quantities(study, identity, scenario, front.preferences[k], episodes) for k in set(chosen)
                }
                row["weight_of_satisfaction"] = float(front.preferences[list(chosen), 0].mean())
                even = np.arange(episodes) % 2 == 0
                row |= _told({key: np.where(even, *(played[k][key] for k in chosen)) for key in TOLD}, universal)
            here.append(row)
        agents = [row for row in here if str(row["target"]).startswith("agent")]
        rows += [*([_over_trainings(agents)] if agents else []), *here]
    return rows


def _told(found: Quantities, universal: Quantities) -> dict[str, object]:
    """Means over episodes with intervals, and the difference to universal fit in what is saved."""
    told = {**found, "saved_over_universal": found["saved_resources"] - universal["saved_resources"]}
    row: dict[str, object] = {}
    for key, values in told.items():
        row |= {key: float(values.mean()), f"{key}_ci95": float(half_width_95(values))}
    return row


def _quantities(study: Study, target: str, scenario: CellsScenario, preference: Array, episodes: int) -> Quantities:
    """What the episodes of a front were like in the terms of users."""
    make, parts = policy_factory(target, scenario), []
    for first, tapes in tape_chunks(scenario, study.seed, episodes):
        assert isinstance(tapes, CellsTapes)
        parts.append(episode_quantities(play(make(study.seed + first), scenario, tapes, preference), tapes, scenario))
    return {key: np.concatenate([part[key] for part in parts]) for key in TOLD}


def _over_trainings(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """The mean of rows of trainings, with intervals over trainings; NaN where one of them has no value."""
    row: dict[str, object] = {}
    for key, value in {key: value for row in rows for key, value in row.items()}.items():
        if key == "target":
            row[key] = "agent"
        elif not isinstance(value, float):
            row[key] = value
        elif not key.endswith("_ci95"):
            values = np.array([one.get(key, float("nan")) for one in rows], np.float64)
            row |= {key: float(values.mean()), f"{key}_ci95": float(half_width_95(values))}
    return row


def _to_oracle(study: Study, changes: Mapping[str, str], file: Path, agent: Mapping[str, str]) -> dict[str, object]:
    """Mean cost of the agent and of greedy with a predictor, relative to theirs with the oracle."""
    people = {**changes, "users__seed": str(PEOPLE_SEED)}
    knowing = CELL.scenario(study, **people)
    scenario = CELL.scenario(study, **people, satisfaction__predictor=json.dumps(str(file)))
    targets = {"agent": next(iter(agent.values())), "greedy": "greedy"}
    known, found = (_played(study, one, targets, FEW) for one in (knowing, scenario))
    row: dict[str, object] = {}
    for name in targets:
        told = compared(found[name], known[name], calibrate(scenario), "oracle")
        row |= {f"{name}_cost_to_oracle{end}": told[f"mean_cost_to_oracle{end}"] for end in ("", "_ci95")}
    return row


def _played(
    study: Study, scenario: CellsScenario, targets: Mapping[str, str], grid: tuple[int, int]
) -> dict[str, Front]:
    return dict(zip(targets, study.fronts(list(targets.values()), scenario, *grid), strict=True))


if __name__ == "__main__":
    main(program=run)
