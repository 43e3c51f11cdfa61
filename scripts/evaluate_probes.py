"""Read every held-out number with every probe of a model in a context, and measure how well that goes.

Run by the rule `evaluate_probes`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import control_option, layers_option, parser, run
from numprobe.activations.store import read_manifest
from numprobe.measure.accuracy import evaluate
from numprobe.measure.origin import check_origin, read_card
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and probes -> decoded rows, and a table of measurements."""
    manifest = read_manifest(options.activations)
    probes = [load_probe(path) for path in options.probes]
    for path, probe in zip(options.probes, probes, strict=True):
        check_origin(path, probe, manifest)
    card = read_card(options.card, options.activations)
    drawn = options.resamples, options.seed
    predictions, rows = evaluate(options.activations, probes, card, options.control, *drawn, options.layers)
    names = {"model": options.model, "context": manifest["context"]}
    record = {**provenance, **names, "control": options.control, "weights_sha256": manifest["weights_sha256"]}
    write_table(options.predictions, predictions, record)
    table = measurements([{**names, **row} for row in rows])
    write_table(options.output, table, {**record, "seed": options.seed, "resamples": options.resamples})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of states")
    result.add_argument("--probes", type=Path, nargs="+", required=True, help="probe files of this model and context")
    result.add_argument("--card", type=Path, required=True, help="the model's card (JSON)")
    result.add_argument("--model", required=True, help="the model's name in the table, for its controls too")
    control_option(result)
    layers_option(result)
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--predictions", type=Path, required=True, help="table of decoded rows to write (Parquet)")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
