"""Draw what happens to a model's arithmetic without each of its parts.

Run by the rules `plot_layer_removal` and `plot_removal_oracle`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.layer_removal import draw_layer_removal, draw_removal_oracle, layer_removal_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table

DRAWINGS = {"removals": draw_layer_removal, "oracle": draw_removal_oracle}


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    drawn = layer_removal_rows(read_table(options.table))
    save_figure(DRAWINGS[options.show](drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--table", type=Path, required=True, help="collected table of removals (Parquet)")
    result.add_argument("--show", choices=DRAWINGS, required=True, help="every removal, or the shares of an oracle")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
