"""Draw how often each digit of a number is read, over the layers.

Run by the rule `plot_digit_accuracy`.
"""

import argparse
from typing import Any

from _figure import draw_table, figure_parser
from _run import run
from numprobe.draw.digit_accuracy import digit_accuracy_rows, draw_digit_accuracy


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(options, provenance, digit_accuracy_rows, draw_digit_accuracy)


def arguments() -> argparse.ArgumentParser:
    return figure_parser(__doc__, "collected accuracy table (Parquet)")


if __name__ == "__main__":
    run(main, arguments())
