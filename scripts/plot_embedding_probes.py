"""Draw how well numbers are read from the embedding matrices, and which numbers are misread.

Run by the rule `plot_embedding_probes`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.embedding_probes import draw_embedding_probes, embedding_probes_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the numbers drawn."""
    use_style()
    table, misread = (read_table(path) for path in options.table)
    drawn = embedding_probes_rows(table, misread)
    figure = draw_embedding_probes(drawn, options.candidates, (options.minimum, options.maximum))
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--table", type=Path, nargs=2, required=True, help="the collected tables embedding_probes and non_decodable"
    )
    result.add_argument("--candidates", type=int, required=True, help="how many numbers a probe chooses among")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
