"""Measure the waves in the states of a model, layer by layer. Run by the rule `evaluate_frequencies`."""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.evaluation.frequencies import EXTRA, frequency_rows
from numprobe.evaluation.geometry import open_spaces
from numprobe.evaluation.matched_tokens import token_states
from numprobe.sealed import read_sealed_json
from numprobe.tables import measurements, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of a model and its untrained control -> a table of measurements."""
    spaces = open_spaces(options.activations, [read_sealed_json(options.card)])
    model = options.model
    words = options.matched and token_states(options.matched, read_table(options.tokens), model, model)
    rows = frequency_rows(spaces, model, words, options.seed)
    table = measurements([{"model": model, **row} for row in rows], EXTRA)
    write_table(options.output, table, {**provenance, "model": model, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="its folders and its control's")
    result.add_argument("--card", type=Path, required=True, help="the model's card (JSON)")
    result.add_argument("--matched", type=Path, help="folder of its matched tokens")
    result.add_argument("--tokens", type=Path, help="table of matched tokens (Parquet)")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
