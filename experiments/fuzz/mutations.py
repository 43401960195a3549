"""How inputs are mutated: all of them are text, of files of arrays the header and what bytes are changed."""

import json
import re
from collections.abc import Callable

import numpy as np

NASTY = (
    "", "null", "~", "true", "-1", "0", "1e999", "-1e-999", "nan", ".inf", "9" * 9000, "0x10", "1_000", "[]", "{}",
    "[1, 2] m", "[2, 1] GHz", "[[1]]", "{a: 1}", "1 parsec", "10 dBm", "999 dB", "1e18 Hz", "16.6 mHz", "*alias",
    "&a [*a]", "!!python/object:os.system x", "!!binary AAAA", "|", ">", "'", '"', "\x00", "\ufeff", "\u202e", "١",
    "東京", "🙂" * 100, "[" * 5000, "{a: " * 200, "? x", "---", "...", "%YAML 9", "<<: *x", "/etc/passwd", "../..",
    "gmorl", "offload", "%s{}", "$(reboot)", "-", "--help", "greedy+plan3", "a=b=c", "=", "x" * 300,
)  # fmt: skip

Mutation = Callable[[bytes, list[bytes], np.random.Generator], bytes]


def mutated(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """One to three changes of values, lines and bytes."""
    for _ in range(int(rng.integers(1, 4))):
        content = _KINDS[rng.integers(len(_KINDS))](content, others, rng) or b"\n"
    return content


def other_word(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """One line is something else, one of another input, missing, or there twice: what else is said may stay valid."""
    lines, other = content.splitlines(), others[rng.integers(len(others))].splitlines()
    at, change = int(rng.integers(len(lines))), int(rng.integers(6))
    if change < 2:
        lines[at] = _nasty(rng)
    elif change < 4:
        lines[at] = other[rng.integers(len(other))]
    else:
        lines[at : at + 1] = [lines[at]] * (2 * (change - 4))
    return b"".join(line + b"\n" for line in lines) or b"\n"


def _value(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """A word or number is something else, or one of another input."""
    words, other = (
        list(re.finditer(rb"[^\s,:{}\[\]]+", text)) for text in (content, others[rng.integers(len(others))])
    )
    if not words or not other:
        return _bytes(content, others, rng)
    word = words[rng.integers(len(words))]
    put = _nasty(rng) if rng.random() < 0.7 else other[rng.integers(len(other))][0]
    return content[: word.start()] + put + content[word.end() :]


def _line(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """A line is missing, is there twice, is somewhere else, is indented otherwise, or comes from another input."""
    lines = content.splitlines(keepends=True) or [b""]
    other = others[rng.integers(len(others))].splitlines(keepends=True) or [b""]
    at, to = (int(place) for place in rng.integers(len(lines), size=2))
    change = int(rng.integers(5))
    if change == 4:
        lines.insert(at, other[rng.integers(len(other))])
        return b"".join(lines)
    line = lines.pop(at)
    if change:
        lines.insert(to if change == 1 else at, {1: line, 2: line + line, 3: b"  " + line}[change])
    return b"".join(lines)


def _spliced(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """The end is that of another input."""
    other = others[rng.integers(len(others))]
    return content[: rng.integers(len(content) + 1)] + other[rng.integers(len(other) + 1) :]


def _bytes(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """A few bytes are others; half of the time there are more or fewer of them."""
    at, length = int(rng.integers(len(content) + 1)), int(rng.integers(1, 9))
    return content[:at] + rng.bytes(int(rng.integers(9)) if rng.random() < 0.5 else length) + content[at + length :]


def _nasty(rng: np.random.Generator) -> bytes:
    return NASTY[rng.integers(len(NASTY))].encode()


_KINDS: tuple[Mutation, ...] = (_value, _line, _spliced, _bytes)


# Files of arrays

BYTES = b"bytes:\n"
CHANGES = (b"0 1 00", b"0 8 ffffffffffffffff", b"-8 8 000000000000f87f", b"-64 0 00", b"4096 16 ")
"""Where, how many, and which bytes are there instead."""


def described(arrays: bytes) -> list[bytes]:
    """The header of a safetensors file as text, an entry a line; then, one by one, changes of bytes."""
    size = int.from_bytes(arrays[:8], "little")
    entries = json.loads(arrays[8 : 8 + size]).items()
    header = "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries) + "\n}\n"
    return [header.encode() + BYTES + change for change in (b"", *CHANGES)]


def assembled(text: bytes, arrays: bytes) -> bytes:
    """The file that has the arrays of one, but a header and changes as a text says."""
    header, _, changes = text.partition(BYTES)
    size = int.from_bytes(arrays[:8], "little")
    content = len(header).to_bytes(8, "little") + header + arrays[8 + size :]
    for at, count, digits in re.findall(rb"^(-?\d{1,9}) (\d{1,9}) ((?:[0-9a-f]{2})*)$", changes, re.MULTILINE):
        place = slice(int(at), None).indices(len(content))[0]
        content = content[:place] + bytes.fromhex(digits.decode()) + content[place + int(count) :]
    return content
