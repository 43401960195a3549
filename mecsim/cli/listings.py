"""Commands that list what there is to choose from: policies, settings."""

import json
from dataclasses import asdict

import click

from mecsim.cli.completion import kinds
from mecsim.cli.options import json_option, listed


@click.command()
@click.option("--kind", default="offload", show_default=True, help="That the policies are to play, such as cells.",
              shell_complete=kinds)  # fmt: skip
@json_option
def policies(kind: str, as_json: bool) -> None:
    """List the policies that play scenarios of a kind, by the names that commands know them by."""
    from mecsim.core.system import system_of_kind
    from mecsim.policies.registry import policies_of_system

    known = sorted(policies_of_system(system_of_kind(kind)).values(), key=lambda policy: policy.name)
    if as_json:
        told = [
            {"name": one.name, "about": one.about, "costly": one.costly, "package": one.package, "place": one.place}
            for one in known
        ]
        click.echo(json.dumps(told, indent=2))
        return
    for one in known:
        _entry(one.name, one.about + ("; fitted for minutes before it first acts" if one.costly else ""))
    _entry("RUN, package.module:Object", "what mecsim train left, and an object of your own")
    _entry("NAME+planK", "any of them, planning with K futures; where the system can imagine futures")


@click.command()
@click.option("--agent", metavar="NAME", default="sac", show_default=True, help="Who learns.")
@click.option(
    "--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]),
    help="Whose defaults are shown.",
)  # fmt: skip
@json_option
def settings(agent: str, device: str, as_json: bool) -> None:
    """List what `mecsim train --set KEY=VALUE` can set, with defaults and meanings."""
    from mecsim.report.settings import known_settings

    known = known_settings(agent, device)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in known], indent=2))
        return
    for one in known:
        _entry(f"{one.name}={one.default}", f"{one.about} Expected: {one.expected}.")


def _entry(heading: str, text: str) -> None:
    click.echo(heading)
    click.echo(listed("", text, 2))
