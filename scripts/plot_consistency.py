"""Draw whether halves of the numbers, layers and models give the same code.

Run by the rules `plot_consistency`, `plot_consistency_angles` and `plot_consistency_models`.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.consistency import consistency_rows, draw_angles, draw_layers, draw_models
from numprobe.figures.not_applicable import drawn_or_reasons
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table

DRAW = {"layers": draw_layers, "angles": draw_angles, "models": draw_models}


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    rows = partial(consistency_rows, what=options.what)
    figure, drawn = drawn_or_reasons(read_table(options.table), rows, DRAW[options.what])
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of the experiment (Parquet)")
    result.add_argument("--what", choices=list(DRAW), default="layers", help="what is compared")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
