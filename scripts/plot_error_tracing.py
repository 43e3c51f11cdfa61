"""Draw what becomes of right results in the states of wrong answers, or which layers break and correct them.

Run by the rules `plot_error_tracing` and `plot_broken_answers`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.error_tracing import draw_fates, draw_layers, fate_rows, layer_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table

FIGURES = {"fates": (fate_rows, draw_fates), "layers": (layer_rows, draw_layers)}


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    choose, draw = FIGURES[options.what]
    drawn = choose(read_table(options.table))
    save_figure(draw(drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of error tracing (Parquet)")
    result.add_argument("--what", choices=list(FIGURES), required=True, help="fates of the truth, or single layers")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
