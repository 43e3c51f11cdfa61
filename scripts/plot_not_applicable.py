"""Draw the figure of an experiment that applies to none of the models: the reasons.

Run by the rules `plot_*` of such experiments.
"""

import argparse
from typing import Any

import polars as pl

from _figure import draw_table, figure_parser
from _run import run
from numprobe.draw.not_applicable import draw_not_applicable, not_applicable_rows


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    draw_table(options, provenance, _reasons, draw_not_applicable)


def _reasons(*tables: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([not_applicable_rows(table) for table in tables]).unique(maintain_order=True)


def arguments() -> argparse.ArgumentParser:
    return figure_parser(__doc__, "collected tables (Parquet)", several=True)


if __name__ == "__main__":
    run(main, arguments())
