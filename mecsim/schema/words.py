"""Words of messages: the nearest known name, one line of any text, short names."""

from collections.abc import Iterable
from difflib import get_close_matches


def close_name(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The nearest known word, or None where none is near; with a `cutoff` of 0 some word always is."""
    close = get_close_matches(word[:100], list(known), n=1, cutoff=cutoff)
    return close[0] if close else None


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest known word, or the known words where none is near."""
    words = list(known)
    close = close_name(word, words)
    return f"did you mean '{close}'?" if close is not None else f"expected one of {', '.join(words)}"


def shortened(name: str, width: int) -> str:
    """At most so wide, without the beginning: what differs between paths, and between runs, is mostly at the end."""
    return name if len(name) <= width else f"…{name[len(name) - width + 1 :]}"


def one_line(text: str) -> str:
    """`text` without line breaks or other control characters, which a file's name or a key may hold."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def first_line(error: BaseException) -> str:
    """What an error says, on one line."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return (str(error).splitlines() or [type(error).__name__])[0]
