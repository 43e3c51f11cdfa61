"""Compare the strongest frequencies of all models. Run by the rule `evaluate_shared_frequencies`."""

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from _run import parser, run
from numprobe.activations.store import read_manifest
from numprobe.evaluation.geometry import open_spaces
from numprobe.evaluation.shared_frequencies import EXTRA, shared_frequency_rows
from numprobe.sealed import read_sealed_json
from numprobe.tables import measurements, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of all models -> a table of measurements."""
    spaces = open_spaces(options.activations, [read_sealed_json(card) for card in options.cards])
    matched = {read_manifest(folder)["model"]: folder for folder in options.matched}
    tokens = read_table(options.tokens) if options.tokens else pl.DataFrame()
    rows = shared_frequency_rows(spaces, matched, tokens, options.top, options.seed)
    write_table(options.output, measurements(rows, EXTRA), {**provenance, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="folders of states of all models")
    result.add_argument("--cards", type=Path, nargs="+", required=True, help="cards of all models, in order")
    result.add_argument("--matched", type=Path, nargs="*", default=[], help="folders of the matched tokens")
    result.add_argument("--tokens", type=Path, help="table of matched tokens (Parquet), needed with --matched")
    result.add_argument("--top", type=int, nargs="+", default=[10, 20, 50], help="how many frequencies are compared")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
