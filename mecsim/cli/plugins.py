"""mecsim plugins: what there is by name, built in and brought by other packages."""

import json
from dataclasses import asdict
from itertools import groupby

import click

from mecsim.cli.options import json_option, listed


@click.command()
@json_option
def plugins(as_json: bool) -> None:
    """List systems, laws, policies, agents, monitors and importers: where each stands, and which package brought it."""
    from mecsim.report.plugins import known_plugins

    found = known_plugins()
    if as_json:
        click.echo(json.dumps([asdict(known) for known in found], indent=2))
        return
    width = 2 + max(len(known.name) for known in found)
    for sort, entries in groupby(found, key=lambda known: known.sort):
        click.echo(f"{sort}:")
        for known in entries:
            meant = f", for {', '.join(known.systems)}" if known.systems else ""
            click.echo(listed(f"  {known.name}", f"{known.place} of {known.package}{meant}", width))
