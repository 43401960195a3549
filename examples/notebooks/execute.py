"""Runs the notebooks anew and keeps what they show; needs the extra `notebooks`.

    python examples/notebooks/execute.py [NOTEBOOK]...

What belongs to one machine or moment is left out: warnings and bars on stderr, and the folders for temporary files.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
TEMPORARY = re.compile(rf"{re.escape(tempfile.gettempdir())}/(mecsim)[\w-]*")


def plain(value: Any) -> Any:
    """The same without the names of temporary folders."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return TEMPORARY.sub(r"/tmp/\1", value) if isinstance(value, str) else value


def execute(path: Path) -> None:
    """Run a notebook in an empty folder and write it back."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=900, resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [
                nbformat.from_dict(plain(output)) for output in cell.outputs if output.get("name") != "stderr"
            ]
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for given in sys.argv[1:] or sorted(map(str, HERE.glob("*.ipynb"))):
        execute(Path(given))
        print(given)
