"""Draw interchange in the subspaces that models use, read and write, or the angles between them.

Run by the rules `plot_causal_subspace` and `plot_causal_subspace_angles`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.causal_subspace import causal_rows, draw_angles, draw_answers
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table

DRAW = {"answers": draw_answers, "angles": draw_angles}


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    drawn = causal_rows(read_table(options.table), options.what)
    save_figure(DRAW[options.what](drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of the experiment (Parquet)")
    result.add_argument("--what", choices=list(DRAW), default="answers", help="which figure")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
