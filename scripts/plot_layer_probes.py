"""Draw every probe over the layers, with the explained variance of magnitudes and selectivity.

Run by the rule `plot_layer_probes`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.figures.layer_probes import draw_layer_probes, layer_probes_rows
from numprobe.figures.style import save_figure, use_style
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the numbers drawn."""
    use_style()
    tables = {path.stem: read_table(path) for path in options.table}
    more = {"trained": tables.get("layer_probes"), "selectivity": tables.get("selectivity")}
    drawn = layer_probes_rows(read_table(options.table[0]), options.contexts, **more, faithful=options.faithful)
    figure = draw_layer_probes(drawn, options.candidates)
    save_figure(figure, options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--table",
        type=Path,
        nargs="+",
        required=True,
        help="the collected accuracy table; then, if there are, layer_probes.parquet and selectivity.parquet",
    )
    result.add_argument("--contexts", nargs="+", required=True, help="contexts to show")
    result.add_argument(
        "--faithful", nargs="*", default=[], help="probes of the accuracy table that have the published settings"
    )
    result.add_argument("--candidates", type=int, required=True, help="how many numbers a probe chooses among")
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
