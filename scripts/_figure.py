"""Shared parts of the programs that draw one figure from collected tables."""

from _run import parser  # isort: skip

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from numprobe.draw.style import save_figure, use_style
from numprobe.tables import read_table


def figure_parser(description: str | None, tables: str, several: bool = False) -> argparse.ArgumentParser:
    """An argument parser with the options of a figure; `tables` says in the help which tables are drawn."""
    result = parser(description)
    result.add_argument("--table", type=Path, nargs="+" if several else None, required=True, help=tables)
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


def candidates_option(result: argparse.ArgumentParser) -> None:
    """Add the option that draws the chance level."""
    result.add_argument(
        "--candidates", type=int, help="how many numbers a probe chooses among; draws the chance level 1/CANDIDATES"
    )


def draw_table(
    options: argparse.Namespace,
    provenance: dict[str, Any],
    rows: Callable[..., pl.DataFrame],
    draw: Callable[[pl.DataFrame], Figure],
) -> None:
    """Draw the rows that are chosen of the tables, and save the figure with the numbers drawn."""
    use_style()
    paths = options.table if isinstance(options.table, list) else [options.table]
    drawn = rows(*map(read_table, paths))
    save_figure(draw(drawn), options.output, options.formats, drawn, provenance)
