"""Measure the waves in the number embeddings of a model, and whether n mod T can be read off linearly.

Run by the rule `evaluate_spectra`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.measure.origin import read_card
from numprobe.measure.vocabulary import EXTRA, vocabulary_rows
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Number embeddings -> a table of measurements."""
    rows = vocabulary_rows(options.activations, read_card(options.card, options.activations), options.seed)
    table = measurements([{"model": options.model, **row} for row in rows], EXTRA)
    write_table(options.output, table, {**provenance, "model": options.model, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name")
    result.add_argument("--activations", type=Path, required=True, help="folder of its number embeddings")
    result.add_argument("--card", type=Path, required=True, help="the model's card (JSON)")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
