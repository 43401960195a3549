"""A digest of the code that decides numbers, so that no stored result outlives it.

It is of what the code does, as Python compiles it: comments, layout and dates change nothing. Nothing is imported.
"""

from collections.abc import Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from types import CodeType

from mecsim.core.files import digest_of_bytes, is_stray
from mecsim.core.json_files import digest_of_json

APART = ("api", "bench", "cli", "conformance", "imports", "report", "studies")
"""Parts of mecsim that show, measure, call or bring data, and decide no number of what is played."""

LIBRARIES = ("numba", "numpy", "torch")
"""Whose version may change the last digit of a number, or what is drawn."""

GROUP, DECIDES_NOTHING = "mecsim.", "mecsim.monitors"
"""Entry points of other packages begin so; monitors only watch."""


@cache
def code_digest() -> str:
    """Of mecsim and its agents, of the packages that bring anything to them, and of the libraries' versions."""
    brought = {
        point.value.partition(":")[0].partition(".")[0]
        for group in entry_points().groups
        if group.startswith(GROUP) and group != DECIDES_NOTHING
        for point in entry_points(group=group)
    }
    found = {name: package_digest(name) for name in sorted(brought | {"mecsim_agents"})}
    return digest_of_json(
        [package_digest("mecsim", APART), found, {name: installed_version(name) for name in LIBRARIES}]
    )


def package_digest(name: str, apart: tuple[str, ...] = ()) -> str:
    """Of a package or module by its name, without those of its parts that are `apart`."""
    spec = find_spec(name)
    if spec is None:
        return ""
    if spec.submodule_search_locations is None:
        return _digest_of(Path(spec.origin)) if spec.has_location and spec.origin else ""
    found = {}
    for folder in map(Path, spec.submodule_search_locations):
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if path.is_file() and place.parts[0] not in apart and not _is_made(place):
                found[place.as_posix()] = _digest_of(path)
    return digest_of_json(found)


def _is_made(place: Path) -> bool:
    """Whether Python or a desktop made a file."""
    return "__pycache__" in place.parts or is_stray(place.name)


def _digest_of(path: Path) -> str:
    if path.suffix == ".py":
        try:
            code = SourceFileLoader(path.stem, str(path)).get_code(path.stem)
        except (SyntaxError, ValueError, ImportError):  # such as a template: it is data
            code = None
        if code is not None:
            return digest_of_bytes(b"".join(map(_whole, codes(code))))
    return digest_of_bytes(path.read_bytes())


def codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def code_bytes(code: CodeType) -> bytes:
    """What a code does, with the names and constants that it uses."""
    return code.co_code + repr((code.co_names, code.co_varnames, _constants(code))).encode(errors="surrogatepass")


def _whole(code: CodeType) -> bytes:
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return code_bytes(code) + code.co_exceptiontable + repr((code.co_cellvars, code.co_freevars, counts)).encode()


def _constants(code: CodeType) -> tuple[object, ...]:
    return tuple(_ordered(constant) for constant in code.co_consts if not isinstance(constant, CodeType))


def _ordered(constant: object) -> object:
    """A set's order is another one in each process."""
    return sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant


def installed_version(package: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
