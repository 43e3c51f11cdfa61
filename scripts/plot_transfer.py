"""Draw how well a probe that was fitted in one context reads the numbers of another.

Run by the rule `plot_transfer`.
"""

import argparse
from typing import Any

from _figure import draw_table, figure_parser
from _run import run
from numprobe.draw.transfer import draw_transfer, transfer_rows


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(options, provenance, transfer_rows, draw_transfer)


def arguments() -> argparse.ArgumentParser:
    return figure_parser(__doc__, "collected transfer table (Parquet)")


if __name__ == "__main__":
    run(main, arguments())
