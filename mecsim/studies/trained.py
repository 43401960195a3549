"""A run that is there when it is needed: trained now, gone on with, or taken as it is."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mecsim.core.lock import is_empty, writing_folder
from mecsim.core.scenario import Scenario
from mecsim.core.stopping import Stopping, interruption
from mecsim.errors import RunError
from mecsim.scenario import content_of

if TYPE_CHECKING:
    from mecsim.training import MultiRun, Run

WATCHING = (
    "evaluation_epochs", "evaluation_preferences", "evaluation_episodes", "checkpoint_epochs", "checkpoint_minutes",
)  # fmt: skip
"""Settings that decide how a training is watched and saved, and nothing of what is learned."""


def trained(
    scenario: "Scenario",
    folder: Path,
    steps: int | None = None,
    seed: int = 0,
    settings: Mapping[str, str] | None = None,
    policies: int | None = None,
    device: str = "cpu",
) -> Path:
    """The folder of a finished run: trained if there is none, gone on with if it is unfinished.

    `steps` are the scenario's if not given, `settings` as `--set` takes them; `policies` trains one for each of that
    many preferences instead of one for all; settings that are not given are the defaults on the device. Threads are
    those that torch is set to.

    Raises:
        RunError: what is in the folder is another run, or is damaged.
        MecsimError: somebody else trains it.
    """
    from mecsim.cli.learning import ProgressMonitor
    from mecsim.cli.several import learn_in_turn
    from mecsim.report.watching import learn
    from mecsim.sweep import training_evaluation
    from mecsim.training import MultiRun

    wanted, there = _begun(scenario, folder, steps, seed, settings or {}, policies, device)
    if wanted.finished:
        return folder
    print(f"training {folder}", file=sys.stderr)
    with Stopping() as stopping:
        if isinstance(wanted, MultiRun):
            learn_in_turn(wanted, device, there, stopping)
        else:
            with ProgressMonitor() as progress:
                learn(wanted, training_evaluation(wanted), progress, device, there, stopping)
    if stopping.signal:
        raise interruption(stopping.signal)
    return folder


def trained_at_once(
    scenario: "Scenario", seeds: Mapping[Path, int], steps: int | None, settings: Mapping[str, str],
    workers: int | None, address: str | None = None,
) -> None:  # fmt: skip
    """Train, or go on with, those of the runs that are not finished.

    On so many processes that share the threads; or on a Ray cluster, if an address is given, with a thread each.

    Raises:
        RunError: as `trained`; MecsimError: as `trained`.
    """
    import torch

    from mecsim.cli.several import learn_side_by_side
    from mecsim.sweep import Workers
    from mecsim.sweep.cluster import cluster_at
    from mecsim.sweep.distribute import Place, process_byte
    from mecsim.training.loop import training_byte

    at_once = workers or 1
    threads = max(1, torch.get_num_threads() // at_once) if address is None else 1
    runs = [_begun(scenario, folder, steps, seed, settings, None, threads=threads)[0] for folder, seed in seeds.items()]
    waiting = [run for several in runs for run in several.runs if not run.finished]
    if waiting:
        print(f"training {', '.join(str(run.folder) for run in waiting)}", file=sys.stderr)
        place: Place = Workers(min(at_once, len(waiting)), at_once * threads)
        if address is not None:
            place = cluster_at(address, threads, process_byte(0.0) + training_byte(waiting[0]), processes=workers)
        if stopped_by := learn_side_by_side(waiting, "cpu", place):
            raise interruption(stopped_by)


def _begun(
    scenario: "Scenario", folder: Path, steps: int | None, seed: int, settings: Mapping[str, str],
    policies: int | None, device: str = "cpu", threads: int | None = None,
) -> "tuple[Run | MultiRun, bool]":  # fmt: skip
    """The run of a folder, or the runs, and whether there was one before; else its files are written now."""
    import torch

    from mecsim.sweep import preference_grid
    from mecsim.training import MultiRun, Run, TrainingConfig, check_memory, is_multi_run, is_run

    config = TrainingConfig.of(device=device).with_settings(settings)
    steps, threads = steps or scenario.training.steps, threads or torch.get_num_threads()
    single = Run(folder, scenario, config, steps, seed, threads)
    wanted: Run | MultiRun = single
    if policies is not None:
        wanted = MultiRun.of(single, preference_grid(len(scenario.objectives), policies).tolist())
    if is_run(folder):
        found = MultiRun.open(folder) if is_multi_run(folder) else Run.open(folder)
        _check_same(folder, found.runs, wanted.runs)
        if not found.finished:
            check_memory(found.runs[0])
        return found, True
    in_the_way = f"{folder}: is in the way and not a run of mecsim train; remove it, or choose other --runs"
    if folder.exists() and not folder.is_dir():
        raise RunError(in_the_way)
    check_memory(single)
    with writing_folder(folder):
        if not is_empty(folder):
            raise RunError(in_the_way)
        wanted.create(shlex.join([Path(sys.executable).name, *sys.argv]))
    return wanted, False


def _check_same(folder: Path, found: "tuple[Run, ...]", wanted: "tuple[Run, ...]") -> None:
    cure = "remove it, or choose other --runs"
    if len(found) != len(wanted):
        raise RunError(f"{folder}: holds policies for {len(found)} preferences, not {len(wanted)}; {cure}")
    for one, other in zip(found, wanted, strict=True):
        if content_of(one.scenario.apart_from_texts()) != content_of(other.scenario.apart_from_texts()):
            raise RunError(f"{folder}: was trained on another scenario, or an earlier version of it; {cure}")
        earlier, asked = _decisive(one), _decisive(other)
        for name, value in asked.items():
            if earlier[name] != value:
                raise RunError(f"{folder}: was trained with {name} {earlier[name]}, not {value}; {cure}")


def _decisive(run: "Run") -> dict[str, Any]:
    plain = run.config.to_mapping()
    agent = plain.pop("agent")
    told = {"steps": run.steps, "seed": run.seed, **plain, **agent}
    return {name: value for name, value in told.items() if name not in WATCHING}
