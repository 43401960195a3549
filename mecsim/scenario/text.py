"""Scenario text to plain values with line numbers, within fixed limits of time and memory.

YAML is read by hand from its nodes rather than loaded: that keeps the line of every key, refuses duplicate keys and
foreign tags, and counts aliases as often as they are used. Limits: 1 MiB, 32 levels, 10,000 values.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from mecsim.schema.units import NUMBER, UNIT

MAX_BYTE = 2**20
MAX_DEPTH = 32
MAX_VALUES = 10_000

Path = tuple[str | int, ...]  # keys and list positions, from the root

_PREFIX = "tag:yaml.org,2002:"
_TEXT_TAGS = {_PREFIX + name for name in ("str", "timestamp", "merge", "value")}  # all read as the text they are
_SCALAR_TAGS = _TEXT_TAGS | {_PREFIX + name for name in ("int", "float", "bool", "null")}

# YAML 1.1 reads 010 as 8 and 1:30 as 90; as text they mean 10 and are refused.
_ODD_NUMBER = re.compile(r"[-+]?0[\d_]+|[-+]?\d[\d_]*:.*")

# `cpu: [3.5, 4.5] GHz` is not YAML. It is quoted before YAML sees it, outside comments, quotes and block texts.
_JOINED_RANGE = re.compile(
    rf"""
    (?P<skip>
        ^(?P<indent>[ ]*)[^\n\#]*[:\-][ ][|>][-+0-9]*[ \t]*\n         # the head of a block text
            (?:(?P=indent)[ ]+[^\n]*(?:\n|\Z)|[ \t]*\n)*              # and its lines, which are indented further
      | (?<![^\s\[{{,(])(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')          # a quoted text
      | (?<!\S)\#[^\n]*                                               # a comment
    )
  | (?<=[:\-][ ])(?P<range>[ ]*\[\s*{NUMBER}\s*,\s*{NUMBER}\s*\][ \t]*{UNIT})(?=[ \t]*(?:[,}}\]\#\n]|\Z))
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


class TextProblem(Exception):
    """Text that cannot be read any further: a line (or None) and what is wrong."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass
class PlainText:
    """What a text holds: plain values, the line of each key path, and findings `(line, path, message)` on the way."""

    root: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    findings: list[tuple[int, Path, str]] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of `path`, or of its nearest ancestor that the text has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def dotted(path: Path) -> str:
    """A path as it is shown: `objectives[1]`, `servers.edge.cpu`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_plain(text: str) -> PlainText:
    """The values of one YAML document. Raises TextProblem where nothing sensible can be read."""
    if len(text) > MAX_BYTE or len(text.encode(errors="surrogatepass")) > MAX_BYTE:
        raise TextProblem(None, "larger than 1 MiB, expected a scenario of a few kilobytes")
    if control := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise TextProblem(line, f"contains the control character {control[0]!r}, expected a text file")
    text = _JOINED_RANGE.sub(lambda match: f"'{match['range']}'" if match["range"] else match[0], text)
    try:
        _check_limits(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        line_number = None if mark is None else mark.line + 1
        raise TextProblem(line_number, f"not valid YAML: {' '.join(what.split())}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise TextProblem(None, f"not valid YAML: {' '.join(str(error).split())}") from None
    if node is None:
        raise TextProblem(None, "is empty, expected a scenario that starts with 'mecsim: 1' and 'kind: offload'")
    plain = PlainText()
    plain.root = _Reader(plain).read(node, ())
    return plain


def _check_limits(text: str) -> None:
    """Depth, number of values and documents, from parse events: those come one by one, without recursion."""
    depth = values = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise TextProblem(line, "a second document starts here, expected one scenario per file")
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise TextProblem(line, f"nested more than {MAX_DEPTH} levels deep, expected at most 4")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_VALUES:
            raise TextProblem(line, f"more than {MAX_VALUES:,} values, expected fewer than 100")


class _Reader:
    """Turns nodes into plain values, counting every value as often as it is used."""

    def __init__(self, plain: PlainText) -> None:
        self.plain = plain
        self.values = 0
        self.open: list[yaml.Node] = []  # the collections around the node at hand
        self.scalars = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, path: Path) -> Any:
        """The plain value of `node`, which is at `path`."""
        line = node.start_mark.line + 1
        self.plain.lines.setdefault(path, line)
        self.values += 1
        if self.values > MAX_VALUES:
            raise TextProblem(line, f"aliases expand to more than {MAX_VALUES:,} values, expected fewer than 100")
        if any(node is around for around in self.open):
            raise TextProblem(line, "an alias contains itself, expected values without cycles")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if len(self.open) > MAX_DEPTH:
            raise TextProblem(line, f"aliases nest more than {MAX_DEPTH} levels deep, expected at most 4")
        self.open.append(node)
        value = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        self.open.pop()
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self._refuse_tag(node, path, "map")
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _SCALAR_TAGS:
                self._note(line, path, "expected keys that are plain words")
                continue
            key = key_node.value if len(key_node.value) <= 60 else key_node.value[:57] + "..."
            if key in values:
                first = self.plain.lines[(*path, key)]
                self._note(line, (*path, key), f"given twice, expected it once (first in line {first})")
                continue
            self.plain.lines.setdefault((*path, key), line)
            values[key] = self.read(value_node, (*path, key))
        return values

    def _sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        self._refuse_tag(node, path, "seq")
        return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.tag in _TEXT_TAGS:
            return node.value
        if node.tag not in _SCALAR_TAGS:
            self._refuse_tag(node, path, "str")
            return node.value
        if _ODD_NUMBER.fullmatch(node.value):
            return node.value
        try:
            return self.scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, KeyError, IndexError):  # such as `!!int x`, or 5,000 digits
            return node.value

    def _refuse_tag(self, node: yaml.Node, path: Path, plain: str) -> None:
        if node.tag != _PREFIX + plain:
            tag = node.tag.replace(_PREFIX, "!!")[:60]
            self._note(node.start_mark.line + 1, path, f"has the tag {tag}, expected a plain value without a tag")

    def _note(self, line: int, path: Path, message: str) -> None:
        self.plain.findings.append((line, path, message))
