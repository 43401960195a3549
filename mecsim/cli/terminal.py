"""The terminal that progress is shown on: bars of all that goes on, or lines where stderr is no terminal."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Self

import click

from mecsim.core.watch import followed
from mecsim.schema.words import shortened

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, Task, TaskID

SLOW_S = 2.0
"""After which work is told of that may be over in a moment."""

LINES_S = 10.0
"""Between two lines about the same work, where there is no terminal."""

WIDEST_NAME = 24  # of work, so that its bar has a place beside it


@cache
def error_console() -> "Console":
    """That of stderr."""
    from rich.console import Console

    return Console(stderr=True)


def left_s(first: float, done: float, total: float, worked_s: float, since_s: float) -> float | None:
    """How long work will take that was begun at `first` of `total`; None while nothing of it is done.

    It goes on at the mean speed so far. If it is late, then the part that is waited for is taken to be over now.

    Args:
        first, done, total: in parts of any size.
        worked_s: from the start to when the last part was done.
        since_s: from then to now.
    """
    if done <= first:
        return None
    late = (worked_s + since_s) / (done - first + 1.0) * max(0.0, total - done - 1.0)
    return max(worked_s / (done - first) * (total - done) - since_s, late)


class Bar:
    """What is shown of one thing that takes a while: a context in which `at` or `advance` say how far it is.

    In a terminal a bar, which is kept when it is over if it `stays`; else lines, not before it takes long, and no more
    than some.
    """

    def __init__(self, what: str, total: float | None = None, stays: bool = False, quick: bool = True) -> None:
        """
        Args:
            what: is being done.
            total: parts of it; None where that is unknown.
            stays: whether the bar does when it is over.
            quick: whether it may be over in a moment, and is not shown before it takes long.
        """
        self._what, self._total, self._stays, self._quick = what, total, stays, quick
        self._first = self._done = 0.0
        self._began_s = self._moved_s = self._line_s = time.monotonic()
        self._task: TaskID | None = None
        self._note = ""

    @property
    def worked_s(self) -> float:
        """From the start to now, or to the end."""
        over = self._total is not None and self._done >= self._total
        return (self._moved_s if over else time.monotonic()) - self._began_s

    def begin(self, done: float) -> None:
        """So much was done before."""
        self._first = self._done = done
        self._began_s = self._moved_s = time.monotonic()
        self._update()

    def advance(self, parts: float = 1.0) -> None:
        """So many further parts are done."""
        self.at(self._done + parts)

    def at(self, done: float, note: str = "") -> None:
        """So much is done now; a `note` is shown beside the bar, until another one."""
        self._done, self._moved_s = done, time.monotonic()
        self._note = note or self._note
        self._update()

    def told(self) -> str:
        """How much is done, how long it took, and how long it will take."""
        if self._total is None:
            return f"     {clock(self.worked_s)}"
        since_s = time.monotonic() - self._moved_s
        found = left_s(self._first, self._done, self._total, self._moved_s - self._began_s, since_s)
        left = "" if found is None or self._done >= self._total else f", {clock(found)} left"
        return f"{self._done / self._total:4.0%} {clock(self.worked_s)}{left}"

    def due(self) -> bool:
        """Whether it is time to show it."""
        return not self._quick or self.worked_s >= SLOW_S

    def _update(self) -> None:
        if self._task is not None:
            _bars().update(self._task, completed=self._done, note=self._note)
        elif not error_console().is_terminal and self.due() and time.monotonic() - self._line_s >= LINES_S:
            self._line_s = time.monotonic()
            error_console().print(f"{self._what}: {self.told().strip()}", highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        """Show it, or what comes of it when it takes long."""
        self._began_s = self._moved_s = time.monotonic()
        self._line_s = self._began_s - LINES_S if self._quick else self._began_s
        if error_console().is_terminal:
            bars = _bars()
            self._task = bars.add_task(shortened(self._what, WIDEST_NAME), total=self._total, bar=self, note="")
            self._update()
            _show(True)
        return self

    def __exit__(self, *error: object) -> None:
        """It is over, or failed."""
        if self._task is not None:
            if not self._stays:
                _bars().remove_task(self._task)
            self._task = None
            _show(False)


class Bars:
    """A bar of each of several things that are done more or less one after another, and shown from their begin on."""

    def __init__(self, totals: Mapping[str, float]) -> None:
        """`totals`: how many parts each has, in the order in which they are done."""
        self._bars = [Bar(what, total, stays=True, quick=False) for what, total in totals.items()]
        self._names = list(totals)
        self._left = dict(totals)
        self._shown = 0
        self._open = ExitStack()

    def advance(self, what: str, parts: float) -> None:
        """So many further parts are done."""
        number = self._names.index(what)
        self._show(number + 1)
        self._bars[number].advance(parts)
        self._left[what] -= parts
        if self._left[what] <= 0:
            self._show(number + 2)

    def __enter__(self) -> Self:
        """Show the first."""
        self._show(1)
        return self

    def _show(self, count: int) -> None:
        for bar in self._bars[self._shown : count]:
            self._open.enter_context(bar)
        self._shown = max(self._shown, count)

    def __exit__(self, *error: object) -> None:
        """All are over."""
        self._open.close()


def clock(seconds: float) -> str:
    """As hours:minutes:seconds."""
    whole = int(seconds + 0.5)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


@cache
def _bars() -> "Progress":
    """All bars that are shown; one for all, as a terminal has one last line."""
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

    class Told(ProgressColumn):
        max_refresh = 0.5

        def render(self, task: "Task") -> str:
            return str(task.fields["bar"].told())

    class Bars(Progress):
        def get_renderables(self) -> "Iterable[RenderableType]":
            yield self.make_tasks_table([task for task in self.tasks if task.fields["bar"].due()])

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(16),
        Told(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    return Bars(*columns, console=error_console())


_shown = 0


def _show(more: bool) -> None:
    """Count the bars that are open: the first begins to show them, with the last one all are over."""
    global _shown
    _shown += 1 if more else -1
    if more and _shown == 1:
        from rich.errors import LiveError

        with suppress(LiveError):  # somebody else's bar moves already
            _bars().start()
    elif _shown == 0:
        _bars().stop()
        for task in _bars().task_ids:
            _bars().remove_task(task)


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"warning: {record.getMessage()}", err=True)


@contextmanager
def warnings_told() -> Iterator[None]:
    """Inside of the block, warnings that mecsim logs are lines on stderr, whatever other packages do to logging."""
    logger, handler = logging.getLogger("mecsim"), _Warnings(logging.WARNING)
    before = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before[0]
        logger.setLevel(before[1])


@contextmanager
def progress_told() -> Iterator[None]:
    """Inside of the block, show how far work is that says so and that takes a while."""
    open_bars: dict[str, Bar] = {}

    def told(what: str, done: int, total: int) -> None:
        if what not in open_bars and done < total:
            open_bars[what] = Bar(what, total).__enter__()
        if what in open_bars:
            open_bars[what].at(done)
            if done >= total:
                open_bars.pop(what).__exit__()

    with followed(told):
        try:
            yield
        finally:
            for bar in open_bars.values():
                bar.__exit__()
