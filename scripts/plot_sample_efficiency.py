"""Draw accuracy against the amount of training data, and code lengths.

Run by the rule `plot_sample_efficiency`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.not_applicable import drawn_or_reasons
from numprobe.figures.sample_efficiency import draw_sample_efficiency, sample_efficiency_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    figure, drawn = drawn_or_reasons(read_table(options.table), sample_efficiency_rows, draw_sample_efficiency)
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of sample efficiency (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
