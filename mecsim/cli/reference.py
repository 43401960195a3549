"""The pages of the reference that the code tells: commands, scenario keys, settings, policies, columns."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from mecsim.core.frames import Schema

OBJECTIVES = ("delay", "energy")  # whose columns stand for those of any objectives
MAX_DEFAULT = 60  # characters that a table shows


def reference_pages() -> dict[str, str]:
    """Path below the folder of pages to Markdown."""
    from mecsim.core.system import SYSTEMS

    keys = {f"reference/keys-{name}.md": _keys_page(name) for name in SYSTEMS.plugins}
    return {
        "reference/commands.md": _commands_page(),
        **keys,
        "reference/settings.md": _settings_page(),
        "reference/policies.md": _policies_page(),
        "reference/columns.md": _columns_page(),
    }


def _commands_page() -> str:
    from mecsim.cli import COMMANDS, cli

    parts = ["# Commands", "Each command tells the same with `--help`. What files it leaves: [columns](columns.md)."]
    context = click.Context(cli, info_name="mecsim")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        usage = " ".join(["mecsim", name, *command.collect_usage_pieces(inner)])
        parts += [f"## mecsim {name}", f"```text\n{usage}\n```", _unwrapped(command.help or "")]
        records = (option.get_help_record(inner) for option in command.params if isinstance(option, click.Option))
        rows = [(f"`{record[0]}`", _escaped(record[1])) for record in records if record]
        if rows:
            parts.append(_table(("option", ""), rows))
    return _page(parts)


def _keys_page(kind: str) -> str:
    from mecsim.core.system import SYSTEMS
    from mecsim.scenario import kind_schema

    rows = [(f"`{key}`", default, about) for key, default, about in _keys(kind_schema(kind)["properties"])]
    return _page(
        [
            f"# Scenario keys of `{kind}`",
            f"{_sentence(SYSTEMS.load(kind).about)} Quantities carry units, and `NAME` is free. What keys mean for "
            "each other is told in [the reference](../reference.md#scenario-keys).",
            _table(("key", "default", ""), rows),
        ]
    )


def _keys(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Key, default and description of all that holds a value, sections entered."""
    for key, part in properties.items():
        name = f"{prefix}{key}"
        section = next((option for option in (part, *part.get("anyOf", ())) if "properties" in option), None)
        entry = part.get("additionalProperties")
        if section:
            if section is not part:
                yield name, "null", part.get("description") or section.get("description", "")
            yield from _keys(section["properties"], f"{name}.")
        elif isinstance(entry, Mapping) and "properties" in entry:
            yield name, "see `mecsim init`", part.get("description", "")
            yield from _keys(entry["properties"], f"{name}.NAME.")
        else:
            yield name, _default(part), part.get("description", "")


def _default(part: Mapping[str, Any]) -> str:
    if "default" not in part:
        return ""
    default = part["default"]
    text = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
    return f"`{text}`" if text and len(text) <= MAX_DEFAULT else "see `mecsim init`" if text else "empty"


def _settings_page() -> str:
    from mecsim_agents import LEARNERS

    from mecsim.report.settings import known_settings

    parts = [
        "# Training settings",
        "For `mecsim train --set KEY=VALUE`; defaults are those on a processor, and then on a GPU.",
    ]
    for algorithm in LEARNERS:
        on_gpu = {one.name: one.default for one in known_settings(algorithm, "cuda")}
        rows = [
            (
                f"`{one.name}`",
                f"`{one.default}`",
                f"`{on_gpu[one.name]}`",
                f"{_sentence(one.about)} Expected: {one.expected}.",
            )
            for one in known_settings(algorithm)
        ]
        parts += [f"## `{algorithm}`", _sentence(LEARNERS[algorithm].summary)]
        parts.append(_table(("setting", "default", "on a GPU", ""), rows))
    return _page(parts)


def _policies_page() -> str:
    from mecsim.core.system import SYSTEMS
    from mecsim.policies import policies_of_system

    parts = [
        "# Policies",
        "By the names that commands know. Runs, and objects of your own, are others.",
    ]
    for kind in SYSTEMS.plugins:
        known = policies_of_system(SYSTEMS.load(kind))
        rows = [(f"`{name}`", known[name].about) for name in sorted(known)]
        parts += [f"## For scenarios of kind `{kind}`", _table(("policy", "what it does"), rows)]
    return _page(parts)


def _columns_page() -> str:
    from mecsim_agents import LEARNERS

    from mecsim.core.system import SYSTEMS
    from mecsim.report.bounds import bound_schema
    from mecsim.scenario import parse_scenario
    from mecsim.sweep.files import front_schema
    from mecsim.sweep.results import options_schema
    from mecsim.training.metrics import metrics_schema

    parts = [
        "# Files, columns and quantities",
        "CSV files have a header, and units in their names. Columns of objectives are shown for delay and energy; a "
        "scenario with others has theirs.",
    ]
    for kind in SYSTEMS.plugins:
        system = SYSTEMS.load(kind)
        parts.append(f"## `mecsim simulate`, kind `{kind}`")
        rows = [(f"`{name}`", about) for name, about in system.quantities.items()]
        parts += ["`per_episode` of `summary.json`:", _table(("quantity", ""), rows)]
        for table in system.tables:
            parts += [f"`{table.file}`:", _columns(table.schema)]
    for algorithm in LEARNERS:
        parts += [
            f"## `mecsim train --agent {algorithm}`",
            "`metrics.csv`:",
            _columns(metrics_schema(OBJECTIVES, LEARNERS[algorithm].metrics)),
        ]
    for kind in SYSTEMS.plugins:
        played = parse_scenario(f"mecsim: 1\nkind: {kind}\n")
        parts += [f"## `mecsim sweep`, kind `{kind}`", "`front.csv`:", _columns(front_schema(played))]
        parts += ["`options.csv`:", _columns(options_schema(played))]
    parts += ["## `mecsim bound`", "`bound.csv`:", _columns(bound_schema(OBJECTIVES))]
    return _page(parts)


def _columns(schema: Schema) -> str:
    rows = [
        (f"`{column.name}`", column.type, column.about + ("; not always there" if column.optional else ""))
        for column in schema.columns
    ]
    return _table(("column", "type", ""), rows)


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [heading, ["---"] * len(heading), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _cell(text: str) -> str:
    return _unwrapped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Plain text as Markdown."""
    return re.sub(r"([\[\]<>*_])", r"\\\1", text)


def _unwrapped(text: str) -> str:
    """Paragraphs in one line each."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.replace("\b", "").split("\n\n"))


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _page(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"
