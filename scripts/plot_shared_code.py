"""Draw what a number code learned on other models reads in a model that it has never seen.

Run by the rules `plot_shared_code` and `plot_shared_code_sources`.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.not_applicable import drawn_or_reasons
from numprobe.figures.shared_code import draw_shared_code, draw_sources, shared_code_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    codes = partial(draw_shared_code, candidates=options.candidates)
    draw = draw_sources if options.what == "sources" else codes
    figure, drawn = drawn_or_reasons(read_table(options.table), shared_code_rows, draw)
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of the experiment (Parquet)")
    result.add_argument(
        "--what", choices=["layers", "sources"], default="layers", help="every code over the layers, or model by model"
    )
    result.add_argument("--candidates", type=int, default=1000, help="how many numbers are chosen among")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
