"""Words of messages: the nearest known name, one line of any text."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest known word, or the known words where none is near."""
    words = list(known)
    close = get_close_matches(word[:100], words, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"expected one of {', '.join(words)}"


def one_line(text: str) -> str:
    """`text` without line breaks or other control characters, which a file's name or a key may hold."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
