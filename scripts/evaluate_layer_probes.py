"""Read the held-out numbers of a context with the probes that `layer_probes` trained, layer by layer.

Run by the rule `evaluate_layer_probes`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.activations.store import read_manifest
from numprobe.evaluation.origin import check_origin, read_card
from numprobe.evaluation.settings import EXTRA, evaluate_settings
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and probes -> a table of measurements."""
    manifest = read_manifest(options.activations)
    probes = [load_probe(path) for path in options.probes]
    for path, probe in zip(options.probes, probes, strict=True):
        check_origin(path, probe, manifest)
    card = read_card(options.card, options.activations)
    _, rows = evaluate_settings(options.activations, probes, card, "none", options.resamples, options.seed)
    names = {"model": manifest["model"], "context": manifest["context"]}
    record = {**provenance, **names, "weights_sha256": manifest["weights_sha256"]}
    write_table(options.output, measurements([{**names, **row} for row in rows], EXTRA), record)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of states")
    result.add_argument("--probes", type=Path, nargs="+", required=True, help="probe files of this model and context")
    result.add_argument("--card", type=Path, required=True, help="the model's card (JSON)")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
