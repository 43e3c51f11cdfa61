"""Draw what is read of the first model's numbers, and how much of a number is more than its digits.

Run by the rule `plot_summary`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.draw.style import save_figure, use_style
from numprobe.draw.summary import draw_summary, summary_rows
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the numbers drawn."""
    use_style()
    drawn = summary_rows(*map(read_table, options.table))
    save_figure(draw_summary(drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--table",
        type=Path,
        nargs="+",
        required=True,
        help="collected tables: accuracy and, if any, that of digits added up",
    )
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
