"""JSON files: read within limits, and sealed by their own digest where nobody may change them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mecsim.core.files import digest_of_bytes, write_text

MAX_BYTE = 2**26
SEAL = "sha256"
"""The key of the digest of everything else in the file."""


def read_json(path: Path) -> Any:
    """What a file holds.

    Raises:
        OSError: it cannot be read; ValueError: it is no JSON, too large or too deeply nested.
    """
    if path.stat().st_size > MAX_BYTE:
        raise ValueError(f"larger than {MAX_BYTE / 2**20:.0f} MiB")
    return parse_json(path.read_text(encoding="utf-8"))


def parse_json(text: str) -> Any:
    """What a text stands for; ValueError for what is no JSON or too deeply nested."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("too deeply nested") from None


def write_sealed(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write a mapping and its digest, and return both. Raises OSError if it cannot be written."""
    sealed = {**content, SEAL: digest_of_json(content)}
    write_text(path, json.dumps(sealed, indent=2) + "\n")
    return sealed


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote, without the digest.

    Raises:
        OSError: it cannot be read; ValueError: it was not so written, or has been changed since.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError("expected names with values")
    if content.pop(SEAL, None) != digest_of_json(content):
        raise ValueError("is not what was written")
    return content


def digest_of_json(content: Any) -> str:
    """Of plain values, whatever the order of keys."""
    return digest_of_bytes(json.dumps(content, sort_keys=True).encode())
