"""A bar for work that takes a while: in a terminal, in a notebook, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Protocol


class Advance(Protocol):
    """Moves a bar."""

    def __call__(self, done: float, told: str = "") -> None:
        """`done` of the total; `told` stands beside the bar."""


@contextmanager
def progress(noun: str, total: float, shown: bool = True) -> Iterator[Advance]:
    """A bar that goes to `total`; `noun` says what is done. Scripts whose output goes to a file see nothing."""
    if not shown:
        yield _nothing
    elif _in_notebook():
        yield _notebook_bar(noun, total)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        console = Console(stderr=True)
        percent = TextColumn("{task.percentage:3.0f}%")
        columns = (TextColumn(noun), BarColumn(), percent, TimeElapsedColumn(), TimeRemainingColumn())
        description = TextColumn("{task.description}")
        with Progress(*columns, description, console=console, disable=not console.is_terminal) as bars:
            task = bars.add_task("", total=total)
            yield lambda done, told="": bars.update(task, completed=done, description=told)


def say(text: str) -> None:
    """A line for whoever is there: below the cell of a notebook, or on stderr."""
    from rich.console import Console

    Console(stderr=not _in_notebook()).print(text, highlight=False, markup=False, soft_wrap=True)


def _nothing(done: float, told: str = "") -> None:
    """Nobody looks."""


def _in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this, which shows what is displayed; IPython in a terminal does not."""
    import sys

    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def _notebook_bar(noun: str, total: float) -> Advance:
    from IPython.display import HTML, display

    def page(done: float, told: str) -> Any:
        bar = f'<progress value="{done:g}" max="{total:g}"></progress>'
        return HTML(f"{escape(noun)} {bar} {done / total if total else 1.0:.0%} {escape(told)}")

    handle = display(page(0.0, ""), display_id=True)

    def advance(done: float, told: str = "") -> None:
        if handle is not None:
            handle.update(page(done, told))

    return advance
