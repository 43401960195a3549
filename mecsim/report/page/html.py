"""The page as one file: style, code and data stand in it, and its policy allows nothing else."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

SCRIPTS = ("charts.js", "page.js")


def page_html(content: Mapping[str, Any]) -> str:
    """The page of what `page_content` gives; texts in it are shown as texts, whatever they hold."""
    style, scripts = _asset("page.css"), [_asset(name) for name in SCRIPTS]
    allowed = {
        "default-src": "'none'",
        "script-src": " ".join(map(_hash, scripts)),
        "style-src": _hash(style),
        "img-src": "data:",  # the empty icon: without one, browsers ask the server for it
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts = {
        "policy": "; ".join(f"{name} {value}" for name, value in allowed.items()),
        "title": html.escape(str(content["title"])),
        "style": f"<style>{style}</style>",
        "data": f'<script type="application/json" id="data">{_json(content)}</script>',
        "scripts": "".join(f"<script>{script}</script>" for script in scripts),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a content security policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(content: Mapping[str, Any]) -> str:
    """JSON that no HTML can begin in."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
