"""mecsim docs, and what stands below the results of commands: the one that comes next."""

import re
import shlex
import tomllib
import webbrowser
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from mecsim.cli import GUIDE, cli
from mecsim.cli.reference import reference_pages
from mecsim.report.handbook import PICTURE, by_name, handbook_folder, pages, write_html
from tests.cli.conftest import Command, Said

ROOT = Path(__file__).parents[2]


class Links(HTMLParser):
    """What a page leads to and shows, and what can be led to in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [value for key in ("href", "src") if (value := given.get(key))]
        self.places |= {given["id"] or ""} if "id" in given else set()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handbook")
    write_html(pages(reference_pages()), folder)
    return folder


def test_pages_lead_to_each_other(written: Path) -> None:
    """Every link and picture of every page is there, headings included."""
    found = {page.resolve(): Links(page) for page in written.rglob("*.html")}
    assert len(found) > 20
    for page, links in found.items():
        for target in links.targets:
            if "://" in target:
                continue
            name, _, place = unquote(target).partition("#")
            led = (page.parent / name).resolve() if name else page
            assert led.is_file(), f"{page.name}: {target}"
            assert not place or place in found[led].places, f"{page.name}: {target}"


def test_pages_load_nothing_from_elsewhere(written: Path) -> None:
    for page in written.rglob("*.html"):
        assert not re.search(r"<(script|link|iframe)\b|src=\"https?:|url\(", page.read_text(encoding="utf-8")), page


def test_the_wheel_has_every_picture() -> None:
    """Those that lie beside the pages come with their folder, others are named."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = told["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for page in (ROOT / "docs").glob("*.md"):
        for target in PICTURE.findall(page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve().relative_to(ROOT).as_posix()
            place = "mecsim/handbook/"
            assert path.startswith("docs/") or included[path] == place + path


def test_docs_lists_and_shows(mecsim: Command) -> None:
    said = mecsim("docs")
    assert said.code == 0
    for name in ("quickstart", "reference", "commands", "contributing"):
        assert re.search(rf"^{name} +\S", said.out, re.MULTILINE), name
    for name, path in by_name(pages(reference_pages())).items():
        if path.startswith("docs/") and path.count("/") == 1:
            shown = mecsim("docs", name)
            assert shown.out == (handbook_folder() / path).read_text(encoding="utf-8")


def test_docs_opens_a_browser_on_a_terminal(mecsim: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    class Browser:
        def open(self, url: str) -> None:
            opened.append(url)

    monkeypatch.setattr(webbrowser, "get", Browser)
    monkeypatch.setattr("mecsim.cli.docs._on_terminal", lambda: True)
    assert mecsim("docs").code == 0
    assert opened[0].startswith("file:///")
    assert opened[0].endswith("/docs/index.html")


def test_docs_writes_pages(mecsim: Command, refused: Command, tmp_path: Path) -> None:
    assert mecsim("docs", "--out", "pages").code == 0
    assert (tmp_path / "pages" / "docs" / "index.html").is_file()
    assert "is not empty" in refused("docs", "--out", "pages").err
    assert "did you mean 'quickstart'?" in refused("docs", "quickstrt").err


def test_mecsim_alone_says_what_to_do(mecsim: Command) -> None:
    said = mecsim()
    assert said.out == GUIDE
    assert max(map(len, said.out.splitlines())) < 80
    context = click.Context(cli)
    for line in GUIDE.splitlines():
        if line.startswith("  mecsim ") and "--help" not in line:
            _, name, *arguments = shlex.split(re.split(r" {3,}", line.strip())[0])
            command = cli.get_command(context, name)
            assert command is not None
            command.make_context(name, arguments)


def following(said: Said) -> list[str]:
    """The command that was told as the next one, which has to exist with its options."""
    words = shlex.split(said.following)
    if words[0] == "mecsim":
        command = cli.get_command(click.Context(cli), words[1])
        assert command is not None
        command.make_context(words[1], words[2:])
    return words


def test_commands_end_with_the_next_one(mecsim: Command) -> None:
    mecsim("init", "a b")
    assert following(mecsim("validate", "a b.yaml")) == ["mecsim", "simulate", "a b.yaml"]
    few = ("--episodes", 2, "--num-threads", 1)
    said = mecsim("simulate", "a b.yaml", "--context", "edges=2", *few)
    assert following(said) == ["mecsim", "train", "a b.yaml", "--context", "edges=2", "--out", "a b-run"]
    said = mecsim("sweep", "greedy", "--scenario", "a b.yaml", "--preferences", 2, "--out", "my front", *few)
    assert following(said) == ["mecsim", "choose", "my front", "--list"]
    said = mecsim("dataset", "personalized-quick", "--users", 20, "--days", 2, "--out", "log.csv")
    assert following(said) == ["mecsim", "fit", "log.csv", "--out", "log.safetensors"]


def test_json_and_failures_tell_no_next_command(mecsim: Command, refused: Command) -> None:
    assert mecsim("validate", "quickstart", "--json").following == ""
    assert refused("validate", "nothing.yaml").following == ""
    played = mecsim("simulate", "quickstart", "--episodes", 2, "--num-threads", 1, "--json")
    assert played.following == ""


def test_simulating_a_run_leads_to_its_sweep(mecsim: Command, run_folder: Path) -> None:
    scenario = str(run_folder / "scenario.yaml")
    said = mecsim("simulate", scenario, "--policy", run_folder, "--episodes", 2, "--num-threads", 1)
    assert following(said) == ["mecsim", "sweep", str(run_folder), "greedy", "--out", f"{run_folder}-sweep"]
