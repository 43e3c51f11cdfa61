"""Draw the spectra of the number embeddings, and how well n mod T can be separated.

Run by the rule `plot_spectra`.
"""

import argparse
from typing import Any

from _figure import draw_table, figure_parser
from _run import run
from numprobe.draw.spectra import draw_spectra, spectra_rows


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(options, provenance, spectra_rows, draw_spectra)


def arguments() -> argparse.ArgumentParser:
    return figure_parser(__doc__, "collected spectra table (Parquet)")


if __name__ == "__main__":
    run(main, arguments())
