"""Read the tokens before the present one, numbers and words, by probes and by a tuned lens on the same data.

Run by the rule `evaluate_preceding`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, prepare_torch, run
from numprobe.models.source import parse_source
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model -> a table of measurements."""
    from numprobe.activations.context import Extraction
    from numprobe.evaluation.preceding import EXTRA, Plan, preceding_rows
    from numprobe.probes.lens import LensSettings

    prepare_torch()
    extraction = Extraction(
        model=options.model,
        context="preceding",
        source=parse_source(options.source),
        untrained_seed=options.untrained_seed,
        dtype=options.dtype,
        device=options.device,
        batch_tokens=options.batch_tokens,
    )
    plan = Plan(
        offsets=options.offsets,
        rows=options.rows,
        layers=options.layers,
        values=range(options.minimum, options.maximum + 1),
        folds=options.folds,
        inner=options.inner,
        controls=options.controls,
        lens=LensSettings(steps=options.lens_steps),
        resamples=options.resamples,
        seed=options.seed,
    )
    table = measurements([{**row, "model": options.model} for row in preceding_rows(extraction, plan)], EXTRA)
    write_table(options.output, table, {**provenance, "model": options.model, "seed": options.seed})


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name; of an untrained control, the model's too")
    result.add_argument("--source", required=True, metavar="JSON", help="where the model comes from, a JSON object")
    result.add_argument("--untrained-seed", type=int, help="random weights drawn from this seed instead of the model's")
    result.add_argument("--offsets", type=int, default=4, help="read the tokens 0 to OFFSETS - 1 places back")
    result.add_argument("--rows", type=int, default=3000, help="sequences per kind of token")
    result.add_argument("--layers", nargs="+", required=True, metavar="LAYER", help="states that are read")
    result.add_argument("--minimum", type=int, default=0, help="smallest number")
    result.add_argument("--maximum", type=int, default=999, help="largest number")
    result.add_argument("--folds", type=int, default=5, help="folds of the tokens, the first of which tests")
    result.add_argument("--inner", type=int, default=3, help="inner groups that choose the hyper-parameters")
    result.add_argument("--controls", nargs="*", default=[], help="shuffled: fit on permuted tokens too")
    result.add_argument("--lens-steps", type=int, default=120, help="training steps of the lens at the most")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the tokens")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--dtype", default="float32", help="type of the weights: auto, float32, bfloat16 or float16")
    result.add_argument(
        "--device", default="auto", help="device of the forward pass: auto, cpu, cuda, cuda:N or map=..."
    )
    result.add_argument("--batch-tokens", type=int, default=16384, help="tokens in one batch at the most")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
