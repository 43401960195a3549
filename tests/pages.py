"""Pages of documentation, whose blocks are run as a reader would.

In a `console` block lines after `$ ` are commands. The lines below a command must appear in this order in its output,
where `...` in a line stands for any text, a line of its own `...` for any lines, and runs of blanks count as one.
`exit=N` after `console` is the exit code of the block's last command; all others must succeed. A `yaml` block whose
first line is a comment with a file's name becomes that file.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from mecsim.scenario import parse_scenario

BIN = Path(sys.executable).parent
FENCE = re.compile(r"^(?P<indent> *)```(?P<head>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    exit_code: int
    body: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        language, _, settings = match["head"].partition(" ")
        found.append(Block(language, int(settings.removeprefix("exit=") or 0), dedent(match["body"])))
    return found


def run(command: list[str] | str, folder: Path, packages: Path | None = None) -> tuple[int, str]:
    """Exit code and output of a command, with this interpreter's `mecsim` first on the path.

    `packages`: a folder of installed packages that Python finds, too.
    """
    python_path = os.pathsep.join(filter(None, [str(packages or ""), os.environ.get("PYTHONPATH", "")]))
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "COLUMNS": "120",
        "PYTHONUTF8": "1",
        **({"PYTHONPATH": python_path} if python_path else {}),
    }
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout


def commands(body: str) -> list[tuple[str, list[str]]]:
    """The commands of a console block, each with the output that is shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def missing_line(shown: list[str], output: str) -> str | None:
    """The first shown line that the output lacks, if any."""
    lines = iter(" ".join(line.split()) for line in output.splitlines())
    for expected in shown:
        parts = [re.escape(" ".join(part.split())) for part in expected.split("...")]
        pattern = re.compile(r"\s*.*?\s*".join(parts))
        if not any(pattern.fullmatch(line) for line in lines):
            return expected
    return None


def run_block(block: Block, folder: Path, packages: Path | None = None) -> None:
    """Run a block as a reader would."""
    match block.language:
        case "console":
            steps = commands(block.body)
            for index, (command, shown) in enumerate(steps):
                code, output = run(command, folder, packages)
                expected = block.exit_code if index == len(steps) - 1 else 0
                assert code == expected, f"$ {command}\n{output}"
                lost = missing_line([line for line in shown if line != "..."], output)
                assert lost is None, f"$ {command}\nlacks: {lost}\n{output}"
        case "bash":
            code, output = run(["bash", "-euo", "pipefail", "-c", block.body], folder, packages)
            assert code == 0, f"{block.body}\n{output}"
        case "python":
            code, output = run([sys.executable, "-W", "error", "-c", block.body], folder, packages)
            assert code == 0, f"{block.body}\n{output}"
        case "yaml":
            complete = block.body if "mecsim:" in block.body else f"mecsim: 1\nkind: offload\n{block.body}"
            parse_scenario(complete, folder=folder)
            if name := re.match(r"# (\S+\.yaml)\n", block.body):
                (folder / name[1]).write_text(block.body, encoding="utf-8")
        case other:
            pytest.fail(f"a block of kind {other!r} is not checked")
