"""The pages of documentation as they come with mecsim, and as HTML that needs no network."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import mecsim.report
from mecsim.core.files import write_bytes, write_text

FIRST = (
    "index",
    "quickstart",
    "install",
    "tutorial-scenario",
    "tutorial-campus",
    "tutorial-personalization",
    "tutorial-agent",
)
PLACES = ("docs/*.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
HTML_FIRST = "docs/index.html"
"""What `write_html` writes first, by which its folder is known."""

HTML_ENTRIES = ("docs", "experiments", *(f"{Path(place).stem}.html" for place in PLACES[1:]))
"""All that it leaves in its folder."""

PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def handbook_folder() -> Path:
    """Where pages lie: in the installed package, or in the checkout that it runs from."""
    installed = Path(str(files(mecsim))) / "handbook"
    return installed if installed.is_dir() else installed.parents[1]


def pages(made: Mapping[str, str]) -> dict[str, str]:
    """Every page, path to Markdown: those that lie in `handbook_folder`, and those `made` by the program.

    Paths of the latter are below the folder `docs`; all are given relative to `handbook_folder`.
    """
    folder = handbook_folder()
    found = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for place in PLACES
        for path in sorted(folder.glob(place))
    }
    return {**found, **{f"docs/{path}": text for path, text in made.items()}} if found else {}


def by_name(found: Mapping[str, str]) -> dict[str, str]:
    """The name that a page is asked for by, to its path; what is read first stands first."""
    names = {path.removesuffix(".md").rpartition("/")[2].lower(): path for path in found}
    first = [name for name in FIRST if name in names]
    return {name: names[name] for name in (*first, *(name for name in names if name not in first))}


def title_of(text: str) -> str:
    """The title of a page."""
    title = TITLE.search(text)
    return title[1].replace("`", "") if title else ""


def write_html(found: Mapping[str, str], folder: Path) -> Path:
    """Every page as HTML in a folder, with its pictures; returns the path of the first one, which is written first."""
    titles = {path: title_of(found[path]) for path in by_name(found).values()}
    for path in dict.fromkeys((*titles, *found)):
        text = found[path]
        written = folder / _html_path(path)
        written.parent.mkdir(parents=True, exist_ok=True)
        write_text(written, _document(path, text, titles))
        for picture in PICTURE.findall(text):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), picture))
            if (source := handbook_folder() / place).is_file():
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                write_bytes(folder / place, source.read_bytes())
    return folder / _html_path(next(iter(titles)))


def _document(path: str, text: str, titles: Mapping[str, str]) -> str:
    folder = posixpath.dirname(path) or "."
    here = {path: ' class="here"'}
    menu = "\n".join(
        f'<a href="{posixpath.relpath(_html_path(other), folder)}"{here.get(other, "")}>{escape(title)}</a>'
        for other, title in titles.items()
    )
    style = files(mecsim.report).joinpath("handbook.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width"><title>{escape(titles[path])} · mecsim</title>\n'
        f"<style>\n{style}</style>\n<nav>\n{menu}\n</nav>\n<main>\n{_body(path, text, titles)}</main></html>\n"
    )


def _body(path: str, text: str, known: Mapping[str, str]) -> str:
    """The Markdown of a page as HTML; links to pages that are not there become plain text."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(text)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            before.attrSet("id", anchor(token.content))
        for child in token.children or ():
            if child.type == "link_open":
                _lead(child.attrs, posixpath.dirname(path), known)
    rendered: str = markdown.renderer.render(tokens, markdown.options, {})
    return rendered


def _lead(attributes: dict[str, str | int | float], folder: str, known: Mapping[str, str]) -> None:
    target, mark, place = str(attributes["href"]).partition("#")
    if not target or "://" in target:
        return
    if posixpath.normpath(posixpath.join(folder, target)) in known:
        attributes["href"] = f"{_html_path(target)}{mark}{place}"
    else:
        del attributes["href"]


def anchor(heading: str) -> str:
    """By what a heading is linked."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _html_path(path: str) -> str:
    return f"{path.removesuffix('.md')}.html"


def listed(found: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Name and title of each page."""
    return [(name, title_of(found[path])) for name, path in by_name(found).items()]
