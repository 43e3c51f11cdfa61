"""Draw what a change of states repairs and harms: at the chosen setting by operation, or over layers and strengths.

Run by the rules `plot_{experiment}` and `plot_{experiment}_strengths` of the experiments on manipulation.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.outcomes import chosen_rows, draw_outcomes
from numprobe.figures.strengths import draw_strengths, strength_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    select, draw = (strength_rows, draw_strengths) if options.strengths else (chosen_rows, draw_outcomes)
    drawn = select(read_table(options.table))
    save_figure(draw(drawn, options.main), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of the experiment (Parquet)")
    result.add_argument("--main", required=True, help="what the legend calls the change itself")
    result.add_argument("--strengths", action="store_true", help="draw all layers and strengths")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
