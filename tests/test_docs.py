"""The documentation is true: its commands and snippets run, its links lead somewhere, its reference is complete."""

import json
import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest
import yaml
from mecsim_agents import LEARNERS

from mecsim.cli import COMMANDS, cli
from mecsim.core.system import SYSTEMS, draw_episodes
from mecsim.policies import named_policy, play, policies_of
from mecsim.scenario import builtin_names, load_scenario, parse_scenario, with_context
from mecsim.scenario.problems import keys_of
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.training import TrainingConfig
from tests.pages import FENCE, blocks, run, run_block

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]+\]\(([^)\s]+)\)")
MAX_PICTURE_BYTE = 150_000
PAGES_WITH_PYTHON = ("quickstart.md", "reference.md", "guide-baselines.md")
PAGES_WITH_COMMANDS = ("guide-scenarios.md", "guide-baselines.md", "real-data.md", "index.md")
WHOLE_PAGES = sorted([*DOCS.glob("tutorial-*.md"), DOCS / "deploy.md"])
LONG_PAGES = [DOCS / name for name in ("quickstart.md", "gallery.md")]
SMALL = {  # what is put behind commands that take long as they are shown
    "train": "--steps 12800 --num-threads 1",
    "sweep": "--preferences 3 --episodes 2 --workers 1 --num-threads 1 --force",
    "simulate": "--episodes 2 --workers 1 --num-threads 1",
}
ENDLESS = ("tensorboard",)  # serves until it is stopped, and has a test of its own


@pytest.mark.parametrize("page", WHOLE_PAGES, ids=lambda page: page.stem)
def test_tutorial_runs(page: Path, tmp_path: Path) -> None:
    """Every block of a tutorial, in order, in one folder."""
    found = [block for block in blocks(page) if block.language != "text"]
    assert len(found) > 1
    for block in found:
        run_block(block, tmp_path)


@pytest.mark.parametrize("page", LONG_PAGES, ids=lambda page: page.stem)
def test_long_commands_run_in_small(page: Path, tmp_path: Path) -> None:
    """Commands in order, in one folder, of fewer steps and episodes than they are shown with."""
    shown = shown_commands(page)
    assert len(shown) > 2
    for name, *arguments in shown:
        if name in ENDLESS:
            continue
        small = ["mecsim", name, *arguments, *SMALL.get(name, "").split()]
        if "--resume" in arguments:  # of what is finished, as it was small, or of other sizes
            small = ["mecsim", name, *arguments] if name == "train" else [word for word in small if word != "--resume"]
        code, output = run(small, tmp_path)
        assert code == 0, f"{small}\n{output}"


def test_the_readme_leads_from_nothing_to_a_deployed_preference_and_a_report(tmp_path: Path) -> None:
    """In eight commands at most, those that it opens with and one to install; here of fewer steps and episodes."""
    opening = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    shown = [match["body"] for match in FENCE.finditer(opening) if match["head"] == "bash"]
    lines = [line.partition("#")[0].strip() for body in shown for line in body.splitlines()]
    assert 1 + len(lines) <= 8
    for line in lines:
        small = f"{line} {SMALL.get(line.split()[1], '')}" if line.startswith("mecsim ") else line
        code, output = run(small, tmp_path)
        assert code == 0, f"{small}\n{output}"
    assert "expected" in run("python there/act.py", tmp_path)[1]
    assert {"policy.onnx", "act.py", "deployed.json"} <= {path.name for path in (tmp_path / "there").iterdir()}
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_recipes_run(tmp_path: Path) -> None:
    """Every scenario of the recipes, on both engines; the files that it reads are made before it."""
    page = DOCS / "guide-scenarios.md"
    for block in blocks(page):
        if block.language == "yaml" or "cat >" in block.body:
            run_block(block, tmp_path)
    recipes = sorted(tmp_path.glob("*.yaml"))
    assert len(recipes) == page.read_text(encoding="utf-8").count("```yaml")
    for recipe in recipes:
        scenario = load_scenario(recipe)
        tapes = draw_episodes(scenario, 0, 0, 2)
        even = np.full(len(scenario.objectives), 1.0 / len(scenario.objectives))
        plays = [
            play(named_policy("edge", scenario)(0), scenario, tapes, even, engine) for engine in ("batched", "simpy")
        ]
        assert (plays[0].shown("delay") > 0.0).all(), recipe.name
        for batched, simpy in zip(*(played.totals for played in plays), strict=True):
            assert batched.tolist() == pytest.approx(simpy.tolist(), rel=1e-9), recipe.name


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(DOCS / name for name in PAGES_WITH_PYTHON)],
    ids=lambda p: p.stem,
)
def test_python_snippets_run(page: Path, tmp_path: Path) -> None:
    """Every Python block of a page, each on its own."""
    found = [block for block in blocks(page) if block.language == "python"]
    assert found
    for block in found:
        run_block(block, tmp_path)


def shown_commands(page: Path) -> list[list[str]]:
    """The words behind `mecsim` of the commands of a page."""
    lines = [line for block in blocks(page) if block.language == "bash" for line in block.body.splitlines()]
    return [shlex.split(line.partition("#")[0].partition(">")[0])[1:] for line in lines if line.startswith("mecsim ")]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *(DOCS / name for name in PAGES_WITH_COMMANDS)], ids=lambda p: p.stem
)
def test_shown_commands_parse(page: Path) -> None:
    """Pages whose commands take too long to run still name commands and options that exist."""
    shown = shown_commands(page)
    assert shown
    context = click.Context(cli)
    for name, *arguments in shown:
        command = cli.get_command(context, name)
        assert command is not None, name
        command.make_context(name, arguments)  # raises what the command line would refuse


def anchors(page: Path) -> set[str]:
    """The anchors that headings of a page get."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_exist(page: Path) -> None:
    """Files that are linked exist, and so do the headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        linked = (page.parent / target) if target else page
        assert linked.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor:
            assert anchor in anchors(linked), f"{page.name} links to {match['target']}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_exist_and_are_small(page: Path) -> None:
    """Files that are shown."""
    for target in IMAGE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        assert 1_000 < (page.parent / target).stat().st_size < MAX_PICTURE_BYTE, f"{page.name} shows {target}"


def test_every_picture_is_shown() -> None:
    """None is left over from an earlier text."""
    shown = {page.parent / target for page in PAGES for target in IMAGE.findall(page.read_text(encoding="utf-8"))}
    assert {path.resolve() for path in shown} >= set((DOCS / "figures").iterdir())


def scenario_keys(model: type = OffloadScenario, prefix: str = "") -> list[str]:
    """Every dotted key of a scenario that holds a value."""
    keys = []
    for key, section in keys_of(model).items():
        inner = section is not None and prefix != "evaluation."
        keys += scenario_keys(section, f"{prefix}{key}.") if inner and section else [prefix + key]
    return keys


def test_reference_is_complete() -> None:
    """Commands with their options, scenarios, baselines, scenario keys, training settings and metrics."""
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    policies = {name for scenario in ("gmorl", "personalized-cell") for name in policies_of(load_scenario(scenario))}
    metrics = {metric for name in ("sac", "double-dqn") for metric in LEARNERS[name].metrics}
    expected = [f"`{name}`" for name in (*builtin_names(), *policies, *metrics)]
    expected += [f"`{key}`" for name in SYSTEMS.plugins for key in scenario_keys(SYSTEMS.load(name).scenario)]
    for config in map(TrainingConfig.of, ("sac", "double-dqn")):
        expected += [f"`{key}`" for key in (*config.to_mapping(), *config.agent.to_mapping()) if key != "agent"]
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        section = re.search(rf"^### mecsim {name}\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)
        assert section, f"reference.md has no section on mecsim {name}"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in section[1], f"mecsim {name} {parameter.opts[0]} is not in reference.md"
    missing = [entry for entry in expected if entry not in text]
    assert not missing


def table_rows(heading: str) -> dict[str, str]:
    """First to second column of the tables below a heading of the reference, without the marks of code."""
    text = (DOCS / "reference.md").read_text(encoding="utf-8").partition(f"# {heading}\n")[2]
    text = re.split(r"\n###? ", text)[0]
    rows = re.findall(r"^\| (`[^|]*?) \| ([^|]*?) \|", text, re.MULTILINE)
    return {first.replace("`", ""): second for first, second in rows}


def test_training_defaults_are_the_ones_shown() -> None:
    """Every row of the settings tables, for each agent that has it."""
    shown: dict[str, object] = {}
    for names, values in table_rows("Training settings").items():
        shown |= zip(names.split(", "), yaml.safe_load(f"[{values}]"), strict=True)
    settings = {key: json.dumps(value) for key, value in shown.items()}
    asked: set[str] = set()
    for config in map(TrainingConfig.of, ("sac", "double-dqn")):
        known = {**config.to_mapping(), **config.agent.to_mapping()}
        own = {key: value for key, value in settings.items() if key in known}
        assert len(own) > 20
        assert config.with_settings(own) == config
        asked |= set(own)
    assert asked == set(settings)


def test_scenario_defaults_are_the_ones_shown() -> None:
    """Every row of the table of keys."""
    default = parse_scenario("mecsim: 1\nkind: offload\n")
    rows = table_rows("Scenario keys")
    for key, value in (("mecsim", "required"), ("kind", "required"), ("description", "empty")):
        assert rows.pop(key) == value
    assert len(rows) > 25
    for key, value in rows.items():
        assert with_context(default, {key: value}) == default, key


def test_cell_defaults_are_the_ones_shown() -> None:
    """Every row of the table of keys whose default is a value."""
    default = parse_scenario("mecsim: 1\nkind: cells\n")
    shown = {key: value for key, value in table_rows("Keys of cells").items() if ".NAME." not in key}
    assert len(shown) > 40
    for key, value in shown.items():
        if value != "see `mecsim init`":
            assert with_context(default, {key: value}) == default, key
