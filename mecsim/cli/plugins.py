"""mecsim plugins: what there is by name, built in and brought by other packages."""

import json

import click

from mecsim.cli.options import json_option


@click.command()
@json_option
def plugins(as_json: bool) -> None:
    """List systems, laws, policies and agents, where each stands and which package brought it."""
    from mecsim.report.plugins import known_plugins

    found = known_plugins()
    if as_json:
        click.echo(
            json.dumps([{"sort": sort, **entry} for sort, entries in found.items() for entry in entries], indent=2)
        )
        return
    width = max(len(entry["name"]) for entries in found.values() for entry in entries)
    for sort, entries in found.items():
        click.echo(f"{sort}:")
        for entry in entries:
            click.echo(f"  {entry['name']:<{width}}  {entry['place']}  ({entry['package']})")
