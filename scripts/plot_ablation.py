"""Draw what answers lose, or what probes still read, when directions go from the states of operands.

Run by the rule `plot_ablation`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.ablation import ablation_drawn, draw_ablation
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    drawn = ablation_drawn(read_table(options.table))
    save_figure(draw_ablation(drawn, options.candidates), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table ablation or ablated_probe (Parquet)")
    result.add_argument("--candidates", type=int, help="how many numbers a probe chooses among; draws chance")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
