"""Write a page: one HTML file with its data, its style and its program inside."""

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from numprobe.atomic import atomic_path

_FOLDER = Path(__file__).parent


def page(content: Mapping[str, Any]) -> str:
    """Return the HTML page of some content (`numprobe.lens.make.make_page_content`); equal content, equal page."""
    parts = {"title": escape(_title(content)), "style": _file("lens.css"), "program": _file("lens.js")}
    parts["data"] = json_inside_html(content)
    text = _file("lens.html")
    for name, part in parts.items():
        before, _, after = text.partition(f"<!-- {name} -->")
        text = f"{before}{part}{after}"
    return text


def write_page(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a page atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(page(content), encoding="utf-8")


def json_inside_html(content: Mapping[str, Any]) -> str:
    """Return JSON that no text in it can end early: `<`, `>` and `&` are escaped, as are line ends of JavaScript."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _title(content: Mapping[str, Any]) -> str:
    text = " ".join(str(content["text"]).split())
    return f"{text[:60]}{'…' if len(text) > 60 else ''} · numprobe lens"


@cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
