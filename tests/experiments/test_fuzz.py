"""The search of mutated inputs: it goes on from what reached something new, and keeps that short."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FUZZ = Path(__file__).parents[2] / "experiments" / "fuzz"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType]]:
    """`guided` and `mutations`, as for a script that is run."""
    names = ("guided", "mutations")
    monkeypatch.syspath_prepend(FUZZ)
    yield tuple(importlib.import_module(name) for name in names)  # type: ignore[misc]
    for name in names:
        del sys.modules[name]


def read(content: bytes) -> str:
    """Each right letter at the front of a line is a branch further in."""
    lines = b"\n" + content
    if b"\nd" not in lines:
        return "nothing"
    if b"\nde" not in lines:
        return "begun"
    if b"\ndee" not in lines:
        return "near"
    if b"\ndeep" not in lines:
        return "nearer"
    return "found"


def test_what_is_reached_step_by_step_is_found_and_kept_short(modules: tuple[ModuleType, ModuleType]) -> None:
    guided, _ = modules

    def branches_of(content: bytes) -> frozenset[tuple[str, int, int]]:
        taken: set[tuple[str, int, int]] = set()
        with guided.branches(taken, __file__):
            read(content)
        return frozenset(taken)

    def changed(content: bytes, rng: np.random.Generator) -> bytes:
        at = int(rng.integers(len(content)))
        return content[:at] + bytes([rng.integers(97, 123)]) + content[at + 1 :]

    found = {}
    for blind in (False, True):
        rng = np.random.default_rng(0)
        seed = b"some\nline\n"
        pool = guided.Pool([seed], branches_of)
        for _ in range(20_000):
            parent = seed if blind else pool.inputs[rng.integers(len(pool.inputs))]
            content = changed(parent, rng)
            pool.add(content, branches_of(content))
        found[blind] = [content for content in pool.inputs if read(content) == "found"]
        if not blind:
            assert any(read(content) == "found" and len(content.splitlines()) == 1 for content in pool.corpus())
    assert found[False]
    assert not found[True], "from the seed alone four letters are not met by one change"


def test_who_traced_before_traces_afterwards(modules: tuple[ModuleType, ModuleType]) -> None:
    guided, _ = modules
    before = sys.gettrace()
    with pytest.raises(ValueError, match="inside"), guided.branches(set()):
        raise ValueError("inside")
    assert sys.gettrace() is before


def test_a_file_of_arrays_is_its_description(modules: tuple[ModuleType, ModuleType]) -> None:
    from safetensors.numpy import load, save

    _, mutations = modules
    arrays = save({"one": np.arange(4.0), "two": np.ones((2, 3), np.int8)}, {"told": "something"})
    plain, first, *_ = mutations.described(arrays)
    assert load(mutations.assembled(plain, arrays))["one"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert mutations.assembled(first, arrays)[:1] == b"\x00"
    nan = mutations.assembled(plain + b"-8 8 000000000000f87f\n-1 0 \n", arrays)
    assert len(nan) == len(mutations.assembled(plain, arrays))
    assert mutations.assembled(b"no header", arrays).startswith(b"\x09")


def test_the_corpus_is_small_and_of_known_kinds() -> None:
    files = [path for path in (FUZZ / "corpus").rglob("*") if path.is_file()]
    assert len(files) > 100
    assert sum(path.stat().st_size for path in files) < 200_000
    source = (FUZZ / "inputs.py").read_text(encoding="utf-8")
    assert all(f'"{path.parent.name}"' in source for path in files)
