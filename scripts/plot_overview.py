"""Draw the accuracy of all probes and controls in the middle of every model, in every context.

Run by the rule `plot_overview`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.draw.overview import draw_overview, overview_rows
from numprobe.draw.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    drawn = overview_rows(read_table(options.table))
    save_figure(draw_overview(drawn, options.candidates), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected accuracy table (Parquet)")
    result.add_argument(
        "--candidates", type=int, help="how many numbers a probe chooses among; draws the chance level 1/CANDIDATES"
    )
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
