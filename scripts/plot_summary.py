"""Draw what is read of the first model's numbers, and how much of a number is more than its digits.

Run by the rule `plot_summary`.
"""

import argparse
from typing import Any

from _figure import draw_table, figure_parser
from _run import run
from numprobe.draw.summary import draw_summary, summary_rows


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(options, provenance, summary_rows, draw_summary)


def arguments() -> argparse.ArgumentParser:
    return figure_parser(__doc__, "collected tables: accuracy and, if any, that of digits added up", several=True)


if __name__ == "__main__":
    run(main, arguments())
