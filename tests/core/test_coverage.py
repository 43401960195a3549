"""What the figures of coverage leave out: functions that are compiled, whose lines no tracer sees, and nothing else."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPILES = re.compile(r"^def (\w+)\(function: Function\) -> Function:", re.MULTILINE)


def test_what_is_compiled_is_left_out() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]
    assert told["run"]["branch"]
    compiled, by_type, typing_only = told["report"]["exclude_also"]
    names = COMPILES.findall((ROOT / "mecsim" / "core" / "compiled.py").read_text(encoding="utf-8"))
    assert set(names) > {"kernel", "compiled", "compiled_apart"}
    assert compiled == f"^@({'|'.join(names)})$"
    assert (by_type, typing_only) == ("^@compiled_by_type", "if TYPE_CHECKING:")
