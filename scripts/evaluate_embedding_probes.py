"""Read every number from the embedding matrices with every probe, and list the numbers that are misread.

Run by the rule `evaluate_embedding_probes`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.activations.store import read_manifest
from numprobe.evaluation.embedding import end_rows, fold_rows, non_decodable
from numprobe.evaluation.origin import check_origin, read_card
from numprobe.evaluation.settings import EXTRA, evaluate_settings
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and probes -> a table of measurements, and a table of misread numbers."""
    manifest = read_manifest(options.activations)
    probes = [load_probe(path) for path in options.probes]
    for path, probe in zip(options.probes, probes, strict=True):
        check_origin(path, probe, manifest)
    chosen = (options.resamples, options.seed)
    card = read_card(options.card, options.activations)
    predictions, rows = evaluate_settings(options.activations, probes, card, options.control, *chosen)
    if options.control == "none":
        rows += fold_rows(rows) + end_rows(predictions, *chosen)
    names = {"model": options.model, "context": manifest["context"]}
    record = {**provenance, **names, "control": options.control, "weights_sha256": manifest["weights_sha256"]}
    write_table(options.output, measurements([{**names, **row} for row in rows], EXTRA), record)
    if options.non_decodable:
        write_table(options.non_decodable, non_decodable(predictions, options.model), record)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of the embedding matrices")
    result.add_argument("--probes", type=Path, nargs="+", required=True, help="probe files of this folder")
    result.add_argument("--card", type=Path, required=True, help="the model's card (JSON)")
    result.add_argument("--model", required=True, help="the model's name in the table, for its untrained control too")
    result.add_argument(
        "--control", choices=["none", "untrained"], default="none", help="untrained: mark the rows as this control's"
    )
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--non-decodable", type=Path, help="table of misread numbers to write (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
