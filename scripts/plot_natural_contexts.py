"""Draw how numbers are read in running text, by domain, and how probes move between text and arithmetic.

Run by the rule `plot_natural_contexts`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.natural_contexts import draw_natural_contexts, natural_contexts_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the numbers drawn."""
    use_style()
    accuracy, transfer = (read_table(path) for path in options.table)
    drawn = natural_contexts_rows(accuracy, transfer, options.natural, options.operand)
    figure = draw_natural_contexts(drawn, options.candidates)
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--table", type=Path, nargs=2, required=True, help="the collected accuracy table, then the transfer table"
    )
    result.add_argument("--natural", nargs="+", required=True, help="contexts of running text")
    result.add_argument("--operand", nargs="*", default=[], help="contexts of arithmetic, read at the operand")
    result.add_argument("--candidates", type=int, required=True, help="how many numbers a probe chooses among")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
