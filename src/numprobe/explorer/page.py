"""The page on which tables are explored: packed tables, texts of findings, and the libraries that draw them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.explorer.colours import series_colours
from numprobe.explorer.packed import compressed, pack

#: Bytes that a page has at most.
LIMIT = 5_000_000
_PARTS = Path(__file__).parent


@dataclass(frozen=True)
class Shown:
    """An experiment on the page.

    Attributes
    ----------
    name
        Its name.
    title
        Its heading.
    tables
        Names of the tables that it shows, in order.
    """

    name: str
    title: str
    tables: Sequence[str]


def explorer_page(
    experiments: Sequence[Shown],
    tables: Mapping[str, pl.DataFrame],
    findings: Mapping[str, str],
    script: str,
    limit: int = LIMIT,
) -> str:
    """Return the page as HTML that needs no network.

    Parameters
    ----------
    experiments
        The experiments, in the order in which they are offered.
    tables
        Their tables by name.
    findings
        Text of the findings of an experiment as HTML, by its name.
    script
        The JavaScript that defines `vegaEmbed` (`vega_script`).
    limit
        Bytes that the page has at most. The largest tables are left out of a larger page, which says so.
    """
    size = {name: table.height for name, table in tables.items()}
    given = {
        "experiments": [
            {"name": one.name, "title": one.title, "tables": list(one.tables), "finding": findings.get(one.name)}
            for one in experiments
        ],
        "tables": size,
        "colours": series_colours(),
    }
    empty = len(_filled(given, {}, script).encode())
    return _filled(given, _fitting(tables, limit - empty), script)


def _fitting(tables: Mapping[str, pl.DataFrame], room: int) -> dict[str, str]:
    """Return the packed tables that have room, the smallest first, in the order of the tables."""
    packed = {name: _element(name, compressed(pack(table))) for name, table in tables.items()}
    kept: set[str] = set()
    for name in sorted(packed, key=lambda name: len(packed[name])):
        # Tables are one line each, and no line ends the last.
        room -= len(packed[name]) + bool(kept)
        if room < 0:
            break
        kept.add(name)
    return {name: packed[name] for name in packed if name in kept}


def _element(name: str, content: str) -> str:
    return f'<script type="text/plain" id="packed-{name}">{content}</script>'


def _filled(given: Mapping[str, Any], packed: Mapping[str, str], script: str) -> str:
    # Inside a script element, "<" could begin its end.
    told = json.dumps(given, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "style": _read("style.css"),
        "given": told,
        "tables": "\n".join(packed.values()),
        "vega": re.sub(r"</(?=script)", r"<\\/", script, flags=re.IGNORECASE),
        "code": _read("explorer.js"),
    }
    page = _read("page.html")
    for name, content in parts.items():
        before, after = page.split(f"<!-- {name} -->")
        page = before + content + after
    return page


def _read(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")
