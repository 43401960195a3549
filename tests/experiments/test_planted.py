"""The list of planted errors is one of errors: each can be planted, compiles, and names tests that are there."""

import ast
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from mecsim.errors import InputError

SOURCES = Path(__file__).parents[2]
PACKAGES = (
    "core", "schema", "scenario", "physics", "people", "predictor", "imports", "envs", "policies", "systems/offload",
    "systems/cells", "training", "sweep", "report", "api", "cli",
)  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> Any:
    spec = spec_from_file_location("experiment_planted", SOURCES / "experiments" / "planted" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks for its annotations
    spec.loader.exec_module(module)
    return module


def test_every_error_can_be_planted(planted: Any) -> None:
    errors = planted.planted_errors()
    assert len(errors) >= 60
    assert len({(error.file, error.name) for error in errors}) == len(errors)
    for error in errors:
        assert ast.dump(ast.parse(error.planted())) != ast.dump(ast.parse((SOURCES / error.file).read_text()))


def test_every_package_has_errors(planted: Any) -> None:
    files = [error.file for error in planted.planted_errors()]
    for package in (*(f"mecsim/{name}/" for name in PACKAGES), "agents/mecsim_agents/"):
        assert any(file.startswith(package) for file in files), package


def test_the_tests_that_are_named_are_there(planted: Any) -> None:
    for error in planted.planted_errors():
        assert error.tests
        for test in error.tests:
            path, _, name = test.partition("::")
            assert (SOURCES / path).exists(), test
            assert not name or re.search(rf"^def {name}\(", (SOURCES / path).read_text(), re.MULTILINE), test


@pytest.mark.parametrize(("text", "count"), [("a text that is nowhere", "0"), ("import", "[2-9]")])
def test_a_list_that_has_fallen_behind_is_refused(planted: Any, text: str, count: str) -> None:
    error = planted.Planted("mecsim/core/seeds.py", "changed", text, "", ("tests/core",))
    with pytest.raises(InputError, match=rf"changed: its text is {count} times in mecsim/core/seeds\.py"):
        error.planted()
