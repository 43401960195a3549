"""The documentation builds as a site without a warning, and needs nothing from elsewhere."""

import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*\"")

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("material", "mkdocstrings", "griffe")), reason="needs the extra docs"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done, folder


def test_site_builds(built: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Broken links, pages that no menu has, and public names without a docstring are warnings, and fail it."""
    done, folder = built
    assert done.returncode == 0, done.stderr
    assert (folder / "reference" / "commands.html").is_file()


def test_site_loads_nothing_from_elsewhere(built: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    pages = sorted(built[1].rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        loaded = [tag for tag in LOADED.findall(page.read_text(encoding="utf-8")) if 'rel="canonical"' not in tag]
        assert not loaded, page.name


def test_every_public_name_is_in_the_site(built: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    text = (built[1] / "reference" / "python.html").read_text(encoding="utf-8")
    for package in ("mecsim.sweep", "mecsim.training"):
        for name in import_module(package).__all__:
            assert re.search(rf'id="[\w.]*\.{name}"', text), name
