"""Draw how much of the states of numbers is additive in their digits (rule plot_composition)."""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.figures.composition import composition_rows, draw_composition
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    drawn = composition_rows(read_table(options.table))
    save_figure(draw_composition(drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of the experiment (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
