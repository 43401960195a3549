"""What other programs read about the project says what it says: CITATION.cff, forms for issues, recipes."""

import re
import tomllib
from pathlib import Path

import yaml

from mecsim.version import __version__

ROOT = Path(__file__).parents[1]
OF_CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
"""Names that conda-forge has for packages of PyPI."""


def project() -> dict[str, object]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])


def test_citation_is_of_this_version() -> None:
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert told["version"] == __version__
    assert told["license"] == project()["license"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(reference["url"] in readme for reference in told["references"])


def test_conda_has_all_that_is_needed() -> None:
    recipe = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")
    dependencies = project()["dependencies"]
    assert isinstance(dependencies, list)
    for dependency in dependencies:
        name, bound = re.fullmatch(r"([\w-]+)(>=[\d.]+)", dependency).groups()  # type: ignore[union-attr]
        assert f"- {OF_CONDA.get(name, name).lower()} {bound}\n" in recipe


def test_issue_forms_are_yaml() -> None:
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) == 3
    for form in forms:
        told = yaml.safe_load(form.read_text(encoding="utf-8"))
        assert form.stem == "config" or {"name", "description", "body"} <= set(told)


def test_docker_installs_extras_and_versions_that_there_are() -> None:
    told = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    for names in re.findall(r"EXTRAS=([\w,]+)", told):
        assert set(names.split(",")) <= set(extras)
    assert re.search(r"^torch==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
