"""Draw decoded numbers against true ones, and list some of them in their texts.

Run by the rule `plot_examples`.
"""

import argparse
from typing import Any

from _figure import draw_table, figure_parser
from _run import run
from numprobe.draw.examples import draw_examples, examples_rows


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(options, provenance, examples_rows, draw_examples)


def arguments() -> argparse.ArgumentParser:
    return figure_parser(__doc__, "collected examples table (Parquet)")


if __name__ == "__main__":
    run(main, arguments())
