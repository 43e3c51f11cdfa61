"""Draw what a model answers once the embedding rows of the numbers are moved to the fitted code.

Run by the rule `plot_embedding_alignment`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.embedding_alignment import alignment_drawn, draw_alignment
from numprobe.figures.not_applicable import drawn_or_reasons
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Table -> figure and the numbers drawn."""
    use_style()
    figure, drawn = drawn_or_reasons(read_table(options.table), alignment_drawn, draw_alignment)
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--table", type=Path, required=True, help="collected table of the experiment embedding_alignment (Parquet)"
    )
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
