"""Draw accuracy over the layers for every probe, or for the leading probe and its controls.

Run by the rules `plot_accuracy` and `plot_controls`.
"""

import argparse
from typing import Any

from _figure import candidates_option, draw_table, figure_parser
from _run import run
from numprobe.draw.accuracy import accuracy_rows, draw_accuracy


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(
        options,
        provenance,
        lambda table: accuracy_rows(table, options.what),
        lambda drawn: draw_accuracy(drawn, options.what, options.candidates),
    )


def arguments() -> argparse.ArgumentParser:
    result = figure_parser(__doc__, "collected accuracy table (Parquet)")
    result.add_argument(
        "--what",
        choices=["probes", "controls"],
        default="probes",
        help="probes: every probe; controls: the leading closed-form probe beside its controls",
    )
    candidates_option(result)
    return result


if __name__ == "__main__":
    run(main, arguments())
