"""What MkDocs asks of the project while it builds the site: pages that the code tells, and files from beside `docs`.

Files that are linked from beside the folder of pages come to lie below `project`, if they are pages or pictures; other
links out of it become plain text. A public name without a docstring is a warning, which --strict makes an error.
"""

import logging
import posixpath
import re
from importlib import import_module
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from mecsim.cli.reference import reference_pages

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?P<text>!?\[[^\]]*\])\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
OUTSIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
PICTURES = ("experiments/*/*.png",)
PACKAGES = (
    "mecsim",
    "mecsim.envs",
    "mecsim.scenario",
    "mecsim.policies",
    "mecsim.training",
    "mecsim.sweep",
    "mecsim.conformance",
    "mecsim_agents",
    "mecsim_agents.sac",
    "mecsim_agents.dqn",
    "mecsim_agents.values",
    "mecsim_agents.networks",
)
log = logging.getLogger("mkdocs.hooks.site")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that do not lie in the folder of pages."""
    for path, text in {**reference_pages(), "reference/python.md": python_page()}.items():
        files.append(File.generated(config, path, content=text))
    outside = [ROOT / name for name in OUTSIDE]
    for path in outside + [path for pattern in PICTURES for path in ROOT.glob(pattern)]:
        place = f"project/{path.relative_to(ROOT)}"
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where the site has their files."""
    place = page.file.src_uri
    folder = posixpath.dirname(place.removeprefix("project/") if place.startswith("project/") else f"docs/{place}")

    def led(match: re.Match[str]) -> str:
        target = match["target"]
        if "://" in target:
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        inside = path.removeprefix("docs/") if path.startswith("docs/") else f"project/{path}"
        if files.get_file_from_path(inside) is None and not inside.startswith("project/"):
            return match[0]  # MkDocs says that it is broken
        if files.get_file_from_path(inside) is None:
            return match["text"].strip("![]")
        return f"{match['text']}({posixpath.relpath(inside, posixpath.dirname(place) or '.')}{match['anchor'] or ''})"

    return LINK.sub(led, markdown)


def python_page() -> str:
    """What `__all__` of each package lists, by its docstrings."""
    loader = griffe.GriffeLoader(search_paths=[str(ROOT), str(ROOT / "agents")])
    for package in ("mecsim", "mecsim_agents"):
        loader.load(package)
    loader.resolve_aliases()
    parts = ["# Python", "Every public name, with arguments, shapes, units and errors."]
    for package in PACKAGES:
        parts += [f"## {package}", loader.modules_collection[package].docstring.value.partition("\n\n")[0]]
        for name in import_module(package).__all__:
            found = loader.modules_collection[f"{package}.{name}"]
            if not found.has_docstring and name != "__version__":
                log.warning("%s.%s is public and has no docstring", package, name)
            parts.append(f"::: {found.canonical_path}")
    return "\n\n".join(dict.fromkeys(parts)) + "\n"
