"""What a shell offers after Tab: scenarios, policies, runs, settings, keys of a scenario; and the script that asks."""

from collections.abc import Callable, Mapping
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from mecsim.core.files import is_run
from mecsim.errors import MecsimError

if TYPE_CHECKING:
    from mecsim.core.scenario import Scenario


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    r"""Print what makes SHELL complete names after Tab.

    \b
    bash: eval "$(mecsim completion bash)" in ~/.bashrc
    zsh:  eval "$(mecsim completion zsh)" in ~/.zshrc
    fish: mecsim completion fish > ~/.config/fish/completions/mecsim.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise MecsimError(f"no completion for {shell} in this version of click")
    click.echo(found(ctx.find_root().command, {}, "mecsim", "_MECSIM_COMPLETE").source())


def scenarios(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Built-in scenarios, and YAML files."""
    from mecsim.scenario import builtin_names

    return [*_items(builtin_names(), begun), *_paths(begun, lambda path: path.suffix in (".yaml", ".yml"))]


def targets(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Policies of the scenario that was named, else of all kinds, and folders of runs."""
    from mecsim.core.system import SYSTEMS
    from mecsim.policies.registry import policies_of, policies_of_system

    described = _scenario(ctx)
    systems = [SYSTEMS.load(name) for name in SYSTEMS.plugins] if described is None else []
    known = [policies_of(described)] if described is not None else [policies_of_system(one) for one in systems]
    about = {name: policy.about for policies in known for name, policy in policies.items()}
    return [*_items(about, begun), *runs(ctx, parameter, begun)]


def runs(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Folders of runs, and those that may hold some."""
    return _paths(begun, is_run)


def kinds(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Kinds of scenarios."""
    from mecsim.core.plugins import SYSTEM_PLACES

    return _items(dict.fromkeys(SYSTEM_PLACES.plugins, ""), begun)


def settings(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Settings of a training with the agent that was named."""
    from mecsim.report.settings import known_settings

    known = known_settings(ctx.params["agent"]) if ctx.params.get("agent") else known_settings()
    return _items({f"{one.name}=": one.about for one in known}, begun)


def context_keys(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Keys of the scenario that was named, else of all kinds."""
    from mecsim.core.system import SYSTEMS
    from mecsim.scenario.context import known_keys

    described = _scenario(ctx)
    systems = [SYSTEMS.load(name).scenario for name in SYSTEMS.plugins]
    known = systems if described is None else [type(described)]
    return _items({f"{key}=": "" for kind in known for key in known_keys(kind)}, begun)


def _scenario(ctx: click.Context) -> "Scenario | None":
    """The scenario that the command names already; None where it names none, or one that cannot be read."""
    from mecsim.scenario import load_scenario

    first = any(isinstance(one, click.Argument) and one.name == "scenario" for one in ctx.command.params)
    name = ctx.params.get("scenario") or next(iter(ctx.args if first else ()), None)  # args: not parsed to the end yet
    try:
        return load_scenario(name) if name else None
    except MecsimError:
        return None


def _items(about: Mapping[str, str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=text) for name, text in about.items() if name.startswith(begun)]


def _paths(begun: str, wanted: Callable[[Path], bool]) -> list[CompletionItem]:
    """Paths that go on from what is begun and are wanted, and folders to look into."""
    folder, _, name = begun.rpartition("/")
    above = f"{folder}/" if folder or begun.startswith("/") else ""
    found = sorted(Path(above or ".").glob(f"{escape(name)}*"))
    return [
        CompletionItem(f"{above}{path.name}" + ("" if wanted(path) else "/"))
        for path in found
        if (wanted(path) or path.is_dir()) and not path.name.startswith(".")
    ]
