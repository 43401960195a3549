"""Inputs that reach what none before them reached, are kept to be mutated further, and become a small corpus."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import mecsim

OURS = str(Path(mecsim.__file__).parent)
TRIES = 60  # to make one input shorter
MOST = 40  # inputs of a kind's corpus

Branches = frozenset[tuple[str, int, int]]
"""Pairs of lines that follow each other in one call of a function, with their file."""


@contextmanager
def branches(taken: set[tuple[str, int, int]], ours: str = OURS) -> Iterator[None]:
    """Meanwhile this thread's branches in the functions of mecsim are added to `taken`.

    Whoever else traces sees nothing in between, and goes on afterwards. What modules do when they are imported is left
    out, as it comes but once.
    """

    def call(frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(ours) or code.co_name == "<module>":
            return None
        last = code.co_firstlineno

        def line(frame: FrameType, event: str, arg: object) -> Any:
            nonlocal last
            if event == "line":
                taken.add((code.co_filename, last, frame.f_lineno))
                last = frame.f_lineno
            return line

        return line

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)


class Pool:
    """Inputs of one kind, each of which reached what none before it did; `branches_of` tries one."""

    def __init__(self, seeds: Iterable[bytes], branches_of: Callable[[bytes], Branches]) -> None:
        self.inputs: list[bytes] = []
        self._branches_of = branches_of
        self.reached: set[tuple[str, int, int]] = set()
        for seed in seeds:
            self.inputs.append(seed)
            self.reached |= branches_of(seed)
        self.seeds, self.of_seeds = len(self.inputs), len(self.reached)

    def add(self, content: bytes, taken: Branches) -> None:
        """Keep an input if it took a branch that is new."""
        if not taken <= self.reached:
            self.inputs.append(content)
            self.reached |= taken

    def corpus(self) -> list[bytes]:
        """Few and short inputs that reach what the seeds do not."""
        base: set[tuple[str, int, int]] = set()
        for seed in self.inputs[: self.seeds]:
            base |= self._branches_of(seed)
        gains = {content: self._branches_of(content) - base for content in self.inputs[self.seeds :]}
        chosen = []
        while gains and len(chosen) < MOST:
            best = max(gains, key=lambda content: (len(gains[content]), -len(content)))
            gain = gains.pop(best)
            if not gain:
                break
            chosen.append(self._shortened(best, gain))
            gains = {content: more - gain for content, more in gains.items()}
        return chosen

    def _shortened(self, content: bytes, gain: Branches) -> bytes:
        """An input without lines that it takes the same new branches without."""
        lines, tries = content.splitlines(keepends=True), 0
        size = max(1, len(lines) // 2)
        while tries < TRIES and len(lines) > 1:
            at = len(lines)
            while at > 0 and tries < TRIES:
                at, tries = max(0, at - size), tries + 1
                fewer = lines[:at] + lines[at + size :]
                if fewer and gain <= self._branches_of(b"".join(fewer)):
                    lines = fewer
            if size == 1:
                break
            size //= 2
        return b"".join(lines)
