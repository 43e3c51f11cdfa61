"""Draw the figure of an experiment that applies to none of the models: the reasons.

Run by the rules `plot_*` of such experiments.
"""

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from _run import parser, run
from numprobe.draw.not_applicable import draw_not_applicable, not_applicable_rows
from numprobe.draw.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the reasons drawn."""
    use_style()
    drawn = pl.concat([not_applicable_rows(read_table(path)) for path in options.table]).unique(maintain_order=True)
    save_figure(draw_not_applicable(drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, nargs="+", required=True, help="collected tables (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
