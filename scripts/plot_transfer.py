"""Draw how well a probe that was fitted in one context reads the numbers of another.

Run by the rule `plot_transfer`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.draw.style import save_figure, use_style
from numprobe.draw.transfer import draw_transfer, transfer_rows
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    drawn = transfer_rows(read_table(options.table))
    save_figure(draw_transfer(drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected transfer table (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
