"""mecsim choose: which measured preference meets targets at least cost, and what it takes to deploy it."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from mecsim.cli.options import force_option, json_option, key_values, output_folder

if TYPE_CHECKING:
    from mecsim.sweep import Choice, Goal, Limit, Nothing, Reached, SweepResult, Yardstick

UNMET = 1  # exit status where no preference meets the targets


@click.command()
@click.argument("sweep", metavar="SWEEP", type=click.Path(path_type=Path))
@click.option(
    "--max", "most", multiple=True, metavar="NAME=VALUE", help="Target, such as delay_per_task=5s; repeatable."
)
@click.option("--min", "least", multiple=True, metavar="NAME=VALUE", help="Target, such as satisfaction=4; repeatable.")
@click.option("--minimize", metavar="NAME", help="What shall be small.  [default: what no target names]")
@click.option("--maximize", metavar="NAME", help="What shall be large.")
@click.option("--target", "only", metavar="TARGET", help="One target of the sweep.  [default: the best of all]")
@click.option("--sure", is_flag=True, help="Targets have to be met by the whole 95 % interval.")
@click.option("--list", "listing", is_flag=True, help="List the names that targets may have.")
@click.option("--deploy", type=click.Path(path_type=Path), metavar="FOLDER", help="Write the policy to use it alone.")
@force_option
@json_option
def choose(
    sweep: Path, most: tuple[str, ...], least: tuple[str, ...], minimize: str | None, maximize: str | None,
    only: str | None, sure: bool, listing: bool, deploy: Path | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find the preference in the folder SWEEP that meets all targets at least cost.

    Targets are objectives (totals per episode), what simulate reports (means), or quantiles such as
    task_delay_p95=8s.
    """
    from mecsim.sweep import Choice, choose_preference, goal_of, limits_of, read_sweep, yardsticks

    found = read_sweep(sweep)
    fronts = found.fronts if only is None else (found.front(only),)
    known = yardsticks(found.scenario, fronts)
    if listing:
        _list(list(known.values()), as_json)
        return
    limits = limits_of(key_values(most, "--max"), key_values(least, "--min"), known)
    goal = goal_of(minimize, maximize, found, limits, known)
    choice = choose_preference(fronts, limits, goal, sure)
    if not isinstance(choice, Choice):
        _say_nothing(choice, as_json)
        raise click.exceptions.Exit(UNMET)
    told = _told(choice, limits, goal, found, sure)
    if deploy is not None:
        _deploy(choice, found, told, deploy, force)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    _say(choice, limits, goal, found, sure)
    if deploy is None:
        click.echo(f"next: {_command()} --deploy FOLDER, or mecsim report {shlex.quote(str(sweep))}")
    else:
        click.echo(f"deployed to {deploy}; try it: python {shlex.quote(str(deploy / 'act.py'))}")


def _command() -> str:
    import sys

    return "mecsim " + shlex.join(sys.argv[1:])


def _list(known: "Sequence[Yardstick]", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({one.name: one.about for one in known}, indent=2))
        return
    from mecsim.sweep.details import LEVELS, level_name

    ends = tuple(f"_{level_name(level)}" for level in LEVELS)
    means = [one for one in known if not one.name.endswith(ends)]
    tails = dict.fromkeys(one.name[: -len(ends[0])] for one in known if one.name.endswith(ends))
    about = {one.name: one.about for one in means}
    whole = next((one for one in known if one.name.endswith(ends[0])), None)
    rows = list(about.items())
    rows += [(f"{name}_p95", "quantile over tasks or requests") for name in tails if name not in about]
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"{name:{width}}  {text}")
    if whole is not None:
        click.echo(f"each also as a quantile, with {', '.join(ends)} after its name")


def _number(value: float, unit: str) -> str:
    shown = {"s": " s", "j": " J"}.get(unit, "")
    return f"{value:.4g}{shown}"


def _interval(reached: "Reached") -> str:
    """Its ends; of a quantile of few episodes one of them may be unknown, or both."""
    ends = ["?" if end != end else f"{end:.4g}" for end in (reached.low, reached.high)]
    return "no interval" if ends == ["?", "?"] else " to ".join(ends)


def _weights(choice: "Choice", objectives: Sequence[str]) -> str:
    return ", ".join(f"{name} {weight:.4g}" for name, weight in zip(objectives, choice.preference, strict=True))


def _say(choice: "Choice", limits: "Sequence[Limit]", goal: "Goal", found: "SweepResult", sure: bool) -> None:
    click.echo(f"{choice.front.label} at the preference {_weights(choice, found.scenario.objectives)}")
    click.echo(f"({choice.meeting} of {choice.considered} measured points meet all targets)")
    rows = []
    for limit in limits:
        reached = choice.reached(limit.yardstick)
        end = reached.high if limit.at_most else reached.low
        certain = "" if limit.excess(np.array(end)) <= 0.0 else ", within noise"
        asked = f"{'at most' if limit.at_most else 'at least'} {_number(limit.value, limit.yardstick.unit)}{certain}"
        rows.append((limit.yardstick.name, _number(reached.value, limit.yardstick.unit), _interval(reached), asked))
    if goal.yardstick.name not in {limit.yardstick.name for limit in limits}:
        reached = choice.reached(goal.yardstick)
        asked = "as small as can be" if goal.smallest else "as large as can be"
        rows.append((goal.yardstick.name, _number(reached.value, goal.yardstick.unit), _interval(reached), asked))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for name, value, interval, asked in rows:
        click.echo(f"  {name:{widths[0]}}  {value:>{widths[1]}}  {f'({interval})':{widths[2] + 2}}  {asked}")
    if limits and choice.price is not None:
        half = "" if choice.price_ci95 != choice.price_ci95 else f" ± {choice.price_ci95:.2g}"
        more = "more" if goal.smallest else "less"
        unit = {"s": " s", "j": " J"}.get(goal.yardstick.unit, "")
        click.echo(f"the targets cost {choice.price:.3g}{half}{unit} {more} {goal.yardstick.name} than without them")


def _say_nothing(nothing: "Nothing", as_json: bool) -> None:
    lines = []
    for limit, reached, choice in nothing.best:
        unit = limit.yardstick.unit
        asked = f"{'at most' if limit.at_most else 'at least'} {_number(limit.value, unit)}"
        where = ", ".join(f"{weight:.4g}" for weight in choice.preference)
        met = "can be met alone" if limit.excess(np.array(reached.value)) <= 0.0 else "is out of reach"
        lines.append(
            f"{limit.yardstick.name} {asked} {met}: {_number(reached.value, unit)} ({_interval(reached)}) "
            f"is the best, of {choice.front.label} at {where}"
        )
    if as_json:
        click.echo(json.dumps({"preference": None, "reasons": lines}, indent=2))
        return
    click.echo("no measured preference meets all targets:")
    for line in lines:
        click.echo(f"  {line}")
    at = ", ".join(f"{weight:.4g}" for weight in nothing.nearest.preference)
    click.echo(f"nearest to all: {nothing.nearest.front.label} at {at}")


def _told(
    choice: "Choice", limits: "Sequence[Limit]", goal: "Goal", found: "SweepResult", sure: bool
) -> dict[str, Any]:
    def reached(yardstick: "Yardstick") -> dict[str, float]:
        one = choice.reached(yardstick)
        return {"value": one.value, "low95": one.low, "high95": one.high}

    from mecsim.sweep.files import without_nan

    content: dict[str, Any] = without_nan(
        {
            "target": choice.front.target,
            "preference": dict(zip(found.scenario.objectives, choice.preference.tolist(), strict=True)),
            "limits": {
                limit.yardstick.name: {
                    "max" if limit.at_most else "min": limit.value,
                    **reached(limit.yardstick),
                }
                for limit in limits
            },
            "goal": {"name": goal.yardstick.name, "smallest": goal.smallest, **reached(goal.yardstick)},
            "sure": sure,
            "cost_of_limits": choice.price,
            "cost_of_limits_ci95": choice.price_ci95,
            "meeting": choice.meeting,
            "considered": choice.considered,
            "sweep": str(found.folder),
            "episodes": int(choice.front.totals.shape[1]),
        }
    )
    return content


def _deploy(choice: "Choice", found: "SweepResult", told: dict[str, Any], folder: Path, force: bool) -> None:
    from mecsim.training.deploy import ABOUT, DEPLOYED_FILES, deploy, run_to_deploy
    from mecsim.training.export import check_export_packages

    check_export_packages()
    front = choice.front
    if front.trainings:
        costs = [
            float(one.totals[choice.index].mean(axis=0) @ (1.0 / found.calibration.scale)) for one in front.trainings
        ]
        front = front.trainings[costs.index(min(costs))]
    run = run_to_deploy(front.target, choice.preference, found.scenario)
    output_folder(folder, DEPLOYED_FILES, ABOUT, force)
    told["deployed"] = {"run": front.target, "folder": str(folder)}
    deploy(run, choice.preference, found.scenario, folder, told)
