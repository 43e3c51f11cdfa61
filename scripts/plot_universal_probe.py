"""Draw one probe for all layers and contexts beside the probe of each layer (rule plot_universal_probe)."""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.figures.style import save_figure, use_style
from numprobe.figures.universal_probe import draw_universal_probe, universal_probe_rows
from numprobe.tables import read_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Tables -> figure and the numbers drawn."""
    use_style()
    drawn = universal_probe_rows(*map(read_table, options.table))
    save_figure(draw_universal_probe(drawn), options.output, options.formats, drawn, provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument(
        "--table",
        type=Path,
        nargs="+",
        required=True,
        help="table of universal_probe; then that of cross_layer",
    )
    result.add_argument("--output", type=Path, required=True, help="path of the files to write, without ending")
    result.add_argument("--formats", nargs="+", default=["pdf", "png"], help="pdf, png, svg; a CSV is always written")
    return result


if __name__ == "__main__":
    run(main, arguments())
