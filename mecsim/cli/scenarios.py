"""Commands about scenario files: scenarios, show, init, validate, schema."""

import json
import os
import shlex
from pathlib import Path

import click

from mecsim.cli.completion import kinds
from mecsim.cli.completion import scenarios as complete_scenarios
from mecsim.cli.options import context_option, json_option, key_values, listed, scenario_argument, sole_writer
from mecsim.core.files import NO_PLACES_FAULT, write_text
from mecsim.core.lock import writing_file
from mecsim.errors import InputError, ScenarioError


@click.command()
@json_option
def scenarios(as_json: bool) -> None:
    """List the built-in scenarios."""
    from mecsim.scenario import builtin_names

    names = builtin_names()
    if as_json:
        click.echo(json.dumps(names, indent=2))
        return
    width = max(map(len, names), default=0)
    for name, description in names.items():
        click.echo(listed(name, description, width))


@click.command()
@scenario_argument
@context_option
def show(scenario: str, context: tuple[str, ...]) -> None:
    """Print SCENARIO (a file or a built-in's name) with all its values, given or default, as a file of its own."""
    from mecsim.scenario import load_scenario, scenario_to_yaml, with_context

    shown = with_context(load_scenario(scenario), key_values(context, "--context"))
    click.echo(scenario_to_yaml(shown).encode(), nl=False)  # YAML is UTF-8, whatever the terminal


@click.command()
@click.argument("name")
@click.option("--kind", default="offload", show_default=True, help="What to simulate, such as cells.",
              shell_complete=kinds)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(name: str, kind: str, force: bool) -> None:
    """Write a commented starter scenario to NAME.yaml."""
    from mecsim.core.system import system_of_kind

    if not name.strip():
        raise InputError("init: name the new scenario, such as campus")
    starter = system_of_kind(kind).starter()
    path = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    try:
        sole_writer(writing_file(path))
        if path.exists() and not force:
            raise InputError(f"{path}: exists already; choose another name, or replace it with --force")
        write_text(path, starter)
    except OSError as error:
        if error.errno in NO_PLACES_FAULT:
            raise
        raise InputError(f"{path}: cannot be written: {error.strerror}; choose another place") from None
    click.echo(f"{path}: edit it, then: mecsim validate {shlex.quote(str(path))}")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(), shell_complete=complete_scenarios)
@json_option
@click.pass_context
def validate(ctx: click.Context, files: tuple[str, ...], as_json: bool) -> tuple[str, ...] | None:
    """Check scenario files (or built-in names): one line per error, exit code 2 if there is any."""
    from mecsim.scenario import load_scenario

    problems: list[str] = []
    for file in files:
        try:
            scenario = load_scenario(file, complete=True)
        except ScenarioError as error:
            problems += error.problems
            continue
        if not as_json:
            click.echo("; ".join([f"{os.fspath(file)}: valid", *scenario.remarks()]))
    if as_json:
        click.echo(json.dumps({"valid": not problems, "problems": problems}, indent=2))
    elif problems:
        raise ScenarioError(problems)
    if problems:
        ctx.exit(2)
    return None if as_json else ("mecsim", "simulate", files[0])


@click.command()
def schema() -> None:
    """Print the JSON Schema of a scenario, for editors."""
    from mecsim.scenario import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
