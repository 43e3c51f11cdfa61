"""Draw the accuracy of all probes and controls in the middle of every model, in every context.

Run by the rule `plot_overview`.
"""

import argparse
from typing import Any

from _figure import candidates_option, draw_table, figure_parser
from _run import run
from numprobe.draw.overview import draw_overview, overview_rows


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(options, provenance, overview_rows, lambda drawn: draw_overview(drawn, options.candidates))


def arguments() -> argparse.ArgumentParser:
    result = figure_parser(__doc__, "collected accuracy table (Parquet)")
    candidates_option(result)
    return result


if __name__ == "__main__":
    run(main, arguments())
