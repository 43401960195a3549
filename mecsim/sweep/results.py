"""The folder of a finished sweep: what it holds for other programs, and as it is read again.

front.csv and summary.json tell means, `episodes.parquet` every episode, options.csv what each option had,
scenario.yaml what was played, with copies of the files that it names in data/.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import atomic_write, digest_of_file
from mecsim.core.frames import Column, Schema, read_csv, write_csv
from mecsim.core.json_files import SEAL, read_json, read_sealed, write_sealed
from mecsim.core.scenario import Scenario
from mecsim.core.system import layout_of, objectives_of, system_of
from mecsim.errors import InputError, MecsimError
from mecsim.policies import Calibration
from mecsim.scenario import load_whole, save_whole
from mecsim.sweep.details import Details
from mecsim.sweep.files import FRONT_DIGITS, front_schema, tails_of, without_nan, write_front_csv
from mecsim.sweep.front import Front

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]

SUMMARY, FRONT, EPISODES, OPTIONS, SCENARIO = (
    "summary.json",
    "front.csv",
    "episodes.parquet",
    "options.csv",
    "scenario.yaml",
)
SEALED = (FRONT, EPISODES, OPTIONS, SCENARIO)
RESULT_FILES = (SUMMARY, FRONT, EPISODES, OPTIONS, SCENARIO)

OPTION_COLUMNS = (
    Column("target", "String", "as it was given"),
    Column("preference", "Int64", "which row of the target in front.csv, from 0"),
    Column("option", "Int64", "from 0"),
    Column("name", "String", "of the option"),
)


@dataclass(frozen=True)
class SweepResult:
    """A finished sweep."""

    folder: Path
    scenario: Scenario
    fronts: tuple[Front, ...]
    calibration: Calibration
    seed: int
    summary: Mapping[str, Any]

    def front(self, target: str) -> Front:
        """What a target reached, by its name or the label of pictures.

        Raises:
            InputError: the sweep has no such target.
        """
        for front in self.fronts:
            if target in (front.target, front.label):
                return front
        raise InputError(f"{self.folder}: has no target {target!r}, but {', '.join(one.label for one in self.fronts)}")


def options_schema(scenario: Scenario) -> Schema:
    """options.csv: a row per target, preference and option."""
    del scenario  # columns of a system are declared once it has more than these two
    details = (
        Column("share", "Float64", "mean share of the decisions of an episode", True, digits=FRONT_DIGITS),
        Column("load", "Float64", "work given to it per time, alone on it; see the system", True, digits=FRONT_DIGITS),
    )
    return Schema((*OPTION_COLUMNS, *details))


def write_results(
    folder: Path, fronts: Sequence[Front], scenario: Scenario, summary: Mapping[str, Any]
) -> dict[str, Any]:
    """Write all files of a sweep's folder but pictures; what was not measured is not written.

    summary.json comes last, with the digests of the others and of itself; its content is returned.
    """
    write_front_csv(folder / FRONT, fronts, scenario)
    save_whole(scenario, folder)
    _write_options(folder / OPTIONS, fronts, scenario)
    with atomic_write(folder / EPISODES) as partial:
        _episodes(fronts, scenario).write_parquet(partial)
    files = {name: digest_of_file(folder / name) for name in SEALED if (folder / name).is_file()}
    return write_sealed(folder / SUMMARY, dict(without_nan({**summary, "files": files})))


def _episodes(fronts: Sequence[Front], scenario: Scenario) -> "pl.DataFrame":
    """A row per target, training, preference and episode; costs as they are minimised."""
    import polars as pl

    frames = []
    for front in fronts:
        for one in front.trainings or (front,):
            preferences, episodes, _ = one.totals.shape
            columns: dict[str, Any] = {
                "preference": np.repeat(np.arange(preferences), episodes),
                "episode": np.tile(np.arange(episodes), preferences),
            }
            for i, name in enumerate(scenario.objectives):
                columns[f"preference_{name}"] = np.repeat(one.preferences[:, i], episodes)
                columns[f"cost_{name}"] = one.totals[:, :, i].ravel()
            columns |= {name: values.ravel() for name, values in one.quantities.items()}
            named = [pl.lit(front.target).alias("target"), pl.lit(one.target).alias("training")]
            frame = pl.DataFrame(columns)
            frames.append(frame.select(*named, *frame.columns))
    return pl.concat(frames)


def _write_options(path: Path, fronts: Sequence[Front], scenario: Scenario) -> None:
    if not fronts[0].options:
        return
    names = np.array(layout_of(scenario).option_names)
    columns: dict[str, Any] = {"target": [], "preference": [], "option": [], "name": []}
    columns |= {name: [] for name in fronts[0].options}
    for front in fronts:
        preferences, options = next(iter(front.options.values())).shape
        columns["target"] += [front.target] * (preferences * options)
        columns["preference"] += np.repeat(np.arange(preferences), options).tolist()
        columns["option"] += list(range(options)) * preferences
        columns["name"] += names.tolist() * preferences
        for name, values in front.options.items():
            columns[name] += values.ravel().tolist()
    schema = options_schema(scenario)
    write_csv(path, schema.frame(columns), schema)


def is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep, finished or not."""
    return (folder / SUMMARY).is_file() and (folder / FRONT).is_file()


def check_sweeps(folders: Iterable[Path]) -> None:
    """Refuse what is no finished sweep, before anything is imported that reads or draws one.

    Raises:
        InputError: a folder is none, or of an earlier version, which kept no episodes.
    """
    for folder in folders:
        if not is_sweep(folder):
            raise InputError(f"{folder}: is no finished sweep; make one with mecsim sweep TARGET... --out {folder}")
        if not (folder / EPISODES).is_file():
            raise InputError(f"{folder}: has no {EPISODES}, as sweeps of earlier versions; sweep again with --force")


def read_sweep(folder: Path | str) -> SweepResult:
    """A finished sweep from its folder.

    Raises:
        InputError: there is none, or it is damaged or of an earlier version, which kept no episodes.
    """
    folder = Path(folder)
    check_sweeps([folder])

    import polars as pl

    try:
        summary = _summary(folder)
        scenario = load_whole(folder)
        table = read_csv(folder / FRONT, front_schema(scenario))
        episodes = pl.read_parquet(folder / EPISODES)
        fronts = [_front(target, table, episodes, scenario) for target in summary["targets"]]
        fronts = _with_options(folder / OPTIONS, fronts, scenario)
        return SweepResult(folder, scenario, tuple(fronts), _calibration(summary, scenario), summary["seed"], summary)
    except (FileNotFoundError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError) as error:
        if isinstance(error, MecsimError):
            raise
        what = str(error).split("\n")[0] or type(error).__name__
        raise InputError(f"{folder}: is damaged ({what}); sweep again with --force") from None


def _summary(folder: Path) -> dict[str, Any]:
    """summary.json, and with it the other files, as they were written; that of an earlier version is not sealed."""
    content = read_json(folder / SUMMARY)
    if not isinstance(content, dict) or content.get("unfinished"):
        raise InputError(f"{folder}: is no finished sweep; go on with --resume, or begin anew with --force")
    if not {"files", SEAL} & set(content):
        return content
    content = read_sealed(folder / SUMMARY)
    for name, digest in content["files"].items():
        if digest_of_file(folder / name) != digest:
            raise ValueError(f"{name} is not what was written")
    return content


def _calibration(summary: Mapping[str, Any], scenario: Scenario) -> Calibration:
    scale = np.array([summary["objective_scale"][name] for name in scenario.objectives])
    shown = [(one, summary["reference_point"][one.name]) for one in objectives_of(scenario)]
    reference = np.array([one.value(value) for one, value in shown])
    return Calibration(scale, reference, summary["reference_point_source"])


def _front(target: str, table: "pl.DataFrame", episodes: "pl.DataFrame", scenario: Scenario) -> Front:
    import polars as pl

    mine = episodes.filter(pl.col("target") == target)
    quantities = [name for name in system_of(scenario).quantities if name in mine.columns]
    trainings = []
    for training in mine["training"].unique(maintain_order=True):
        rows = mine.filter(pl.col("training") == training)
        shape = rows["preference"].n_unique(), rows["episode"].n_unique()

        def values(name: str, rows: "pl.DataFrame" = rows, shape: tuple[int, int] = shape) -> Array:
            return rows[name].to_numpy().reshape(shape)

        totals = np.stack([values(f"cost_{name}") for name in scenario.objectives], axis=2)
        preferences = np.stack([values(f"preference_{name}")[:, 0] for name in scenario.objectives], axis=1)
        details = Details({name: values(name) for name in quantities})
        trainings.append(Front(training, preferences, totals, details=details))
    front = Front.over(target, trainings) if len(trainings) > 1 else trainings[0]
    told = tails_of(table.filter(pl.col("target") == target), scenario)
    details = Details(front.quantities, told)
    return Front(target, front.preferences, front.totals, front.trainings, details)


def _with_options(path: Path, fronts: Sequence[Front], scenario: Scenario) -> list[Front]:
    import polars as pl

    if not path.is_file():
        return list(fronts)
    table = read_csv(path, options_schema(scenario))
    names = [column for column in table.columns if column not in {one.name for one in OPTION_COLUMNS}]
    found = []
    for front in fronts:
        rows = table.filter(pl.col("target") == front.target)
        options = {name: rows[name].to_numpy().reshape(len(front.preferences), -1) for name in names}
        details = Details(front.quantities, front.details.tails, options)
        found.append(Front(front.target, front.preferences, front.totals, front.trainings, details))
    return found
