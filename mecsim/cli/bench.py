"""mecsim bench: how fast everything is on this machine, and what is slower than it was."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mecsim.cli.options import force_option, json_option, new_file, threads_option
from mecsim.cli.terminal import error_console
from mecsim.errors import InputError, MecsimError

if TYPE_CHECKING:
    from mecsim.bench.compare import Change
    from mecsim.bench.quantity import Probe, Repetitions
    from mecsim.core.scenario import Scenario


@click.command()
@click.option(
    "--scenario", default="gmorl-e6", show_default=True, metavar="SCENARIO", help="A file or a built-in's name."
)
@click.option("--envs", type=click.IntRange(1, 65536), default=1024, show_default=True, help="Episodes side by side.")
@click.option("--contention", is_flag=True, help="The engines, and one of them beside a busy loop for each core.")
@click.option(
    "--training", is_flag=True, help="The engines, and training: its speed, what its time goes to, an update."
)
@click.option("--latency", is_flag=True, help="The engines, and how long one decision takes, on one thread.")
@click.option("--start", is_flag=True, help="The engines, and how long a first and a later command take.")
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="FILE", help="Compare with what an earlier --out wrote."
)
@click.option("--fail", is_flag=True, help="With --against: exit code 1 if anything is slower beyond noise.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A new file for the results, .json.")
@force_option
@threads_option
@json_option
def bench(
    scenario: str, envs: int, contention: bool, training: bool, latency: bool, start: bool, against: Path | None,
    fail: bool, out: Path | None, force: bool, num_threads: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure speeds. Everything, in about two minutes, unless options name parts.

    All is measured several times, in turns. The best of a quantity counts, as other programs only slow one down.
    """
    from mecsim.bench.compare import changes, check_comparable, notes, slower
    from mecsim.bench.stored import Benchmark, read_benchmark, stored
    from mecsim.bench.table import bench_table
    from mecsim.core.system import draw_episodes
    from mecsim.core.threads import use_threads
    from mecsim.report.provenance import provenance
    from mecsim.report.tables import print_table
    from mecsim.scenario import load_scenario
    from mecsim.sweep import write_json

    measured = load_scenario(scenario)
    draw_episodes(measured, 0, 0, 1)  # files that the scenario names are read before anything is measured
    if fail and against is None:
        raise InputError("--fail: needs something to compare with: add --against FILE")
    earlier = None if against is None else read_benchmark(against)
    if earlier is not None:
        check_comparable(earlier, str(against), scenario, envs)
    path = None if out is None else new_file(out, (".json",), force)
    threads = use_threads(num_threads)
    parts = {"contention": contention, "training": training, "latency": latency, "start": start}
    wanted = [part for part, chosen in parts.items() if chosen] or list(parts)
    repetitions = _measured(_probes(measured, scenario, envs, wanted))
    found = stored({"scenario": scenario, "threads": threads, "envs": envs}, repetitions, provenance())
    now = Benchmark.model_validate(found)
    changed = None if earlier is None else changes(earlier, now)
    if as_json:
        told = found if changed is None else found | {"against": {change.key: _told(change) for change in changed}}
        click.echo(json.dumps(told, indent=2))
    else:
        print_table(bench_table(now, changed))
    if earlier is not None:
        for line in notes(earlier, now):
            click.echo(line, err=as_json)
    if path is not None:
        write_json(path, found)
        click.echo(f"wrote {path}", err=as_json)
    if fail and changed is not None and (worse := slower(changed)):
        raise MecsimError(f"worse than {against} beyond noise: {', '.join(worse)}")


def _told(change: "Change") -> dict[str, object]:
    """A comparison as JSON."""
    return {
        "before": change.before,
        "ratio": change.ratio,
        "interval": change.interval,
        "verdict": change.verdict or None,
    }


def _probes(measured: "Scenario", name: str, envs: int, parts: Sequence[str]) -> Iterator["Probe"]:
    """What to measure; each is prepared when it is asked for, which compiles and allocates."""
    from mecsim.bench.contention import contention_probe
    from mecsim.bench.engines import engine_probes
    from mecsim.bench.latency import decision_probe
    from mecsim.bench.machine import machine_probe
    from mecsim.bench.start import start_probe
    from mecsim.bench.training import training_probes

    yield machine_probe()
    yield from engine_probes(measured, envs)
    if "contention" in parts:
        yield contention_probe(measured, envs)
    if "training" in parts:
        yield from training_probes(measured)
    if "latency" in parts:
        yield decision_probe(measured)
    if "start" in parts:
        yield start_probe(name)


def _measured(probes: Iterator["Probe"]) -> "Repetitions":
    """All repetitions of all of them, and meanwhile a bar, or lines where there is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from mecsim.bench.quantity import ROUNDS, in_rounds

    console = error_console()
    found: dict[str, list[float]] = {}
    columns = TextColumn("measuring"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    # A bar that moved by itself would need a thread, which would be measured as well.
    with Progress(*columns, console=console, disable=not console.is_terminal, auto_refresh=False) as progress:
        task = progress.add_task("preparing", total=None)
        progress.refresh()
        if not console.is_terminal:
            console.print("measuring: preparing", highlight=False)
        plan = list(in_rounds(list(probes)))
        told = -1
        for done, (turn, probe) in enumerate(plan):
            if turn > told and not console.is_terminal:
                console.print(f"measuring: round {turn + 1} of {ROUNDS}", highlight=False)
            told = turn
            progress.update(task, total=len(plan), completed=done, description=probe.label, refresh=True)
            for key, value in probe.measure().items():
                found.setdefault(key, []).append(value)
        progress.update(task, completed=len(plan), description="", refresh=True)
    return found
