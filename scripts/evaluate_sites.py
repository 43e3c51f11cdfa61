"""Fit probes at every site inside the blocks of a model in a context, and measure them beside the residual stream.

Run by the rule `evaluate_sites`.
"""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.activations.store import read_manifest
from numprobe.evaluation.origin import read_card
from numprobe.evaluation.sites import site_rows, stream_rows
from numprobe.probes.codes import CODES
from numprobe.probes.controls import CONTROLS
from numprobe.probes.dataset import describe_split
from numprobe.splits import make_split
from numprobe.tables import measurements, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States -> a table of measurements."""
    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    described = describe_split(split, options.scheme, options.seed, list(split.folds))
    manifest, card = read_manifest(options.activations), read_card(options.card, options.activations)
    rows = site_rows(
        options.activations,
        split,
        options.probes,
        options.controls,
        described,
        card,
        options.control,
        options.resamples,
    )
    table = measurements([{"model": options.model, "context": manifest["context"], **row} for row in rows])
    blocks = table["layer"].unique(maintain_order=True).to_list()
    stream = stream_rows(read_table(options.accuracy), options.probes, options.controls, blocks)
    record = {"seed": options.seed, "resamples": options.resamples, "weights_sha256": manifest["weights_sha256"]}
    write_table(options.output, table.vstack(stream), {**provenance, **record})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of states inside the blocks")
    result.add_argument(
        "--accuracy", type=Path, required=True, help="accuracy table of this model and context (Parquet)"
    )
    result.add_argument("--card", type=Path, required=True, help="the model's card (JSON)")
    result.add_argument("--model", required=True, help="the model's name in the table, for its untrained control too")
    result.add_argument(
        "--control", choices=["none", "untrained"], default="none", help="untrained: mark the rows as this control's"
    )
    result.add_argument("--probes", nargs="+", choices=list(CODES), required=True, help="kinds of probes")
    result.add_argument("--controls", nargs="*", choices=CONTROLS, default=[], help="controls to fit too")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
