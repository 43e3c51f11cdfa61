"""Draw accuracy over the layers for every probe, or for the leading probe and its controls.

Run by the rules `plot_accuracy` and `plot_controls`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.draw.accuracy import accuracy_rows, draw_accuracy
from numprobe.draw.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    drawn = accuracy_rows(read_table(options.table), options.what)
    figure = draw_accuracy(drawn, options.what, options.candidates)
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected accuracy table (Parquet)")
    result.add_argument(
        "--what",
        choices=["probes", "controls"],
        default="probes",
        help="probes: every probe; controls: the leading closed-form probe beside its controls",
    )
    result.add_argument(
        "--candidates", type=int, help="how many numbers a probe chooses among; draws the chance level 1/CANDIDATES"
    )
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
