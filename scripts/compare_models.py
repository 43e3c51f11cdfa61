"""Compare the codes of all models with each other.

Run by the rule `compare_models`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.errors import NumprobeError
from numprobe.evaluation.consistency import EXTRA, Settings, between_rows, model_codes, without_seeds
from numprobe.probes.half_fits import load_kernels
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Kernels of all models -> a table of measurements."""
    if not len(options.models) == len(options.runs) == len(options.specifications) == len(options.kernels):
        raise NumprobeError(
            "--models, --runs, --specifications and --kernels must name equally many, in the same order"
        )
    settings = Settings(options.minimum, options.maximum, (), options.resamples, options.seed)
    named = dict(zip(options.models, zip(options.runs, options.specifications, strict=True), strict=True))
    stored = dict(zip(options.models, map(load_kernels, options.kernels), strict=True))
    rows = []
    for control in ("none", "shuffled"):
        codes = [model_codes(name, *named[name], stored[name], control, settings) for name in options.models]
        rows += between_rows(codes, settings, control)
    rows += without_seeds(rows)
    untrained = dict(zip(options.untrained_models, map(load_kernels, options.untrained), strict=True))
    codes = [model_codes(name, *named[name], found, "none", settings) for name, found in untrained.items()]
    rows += between_rows(codes, settings, "untrained")
    record = {**provenance, "seed": options.seed, "resamples": options.resamples}
    write_table(options.output, measurements(rows, EXTRA), record)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--models", nargs="+", required=True, help="names of the models")
    result.add_argument("--runs", nargs="+", required=True, help="the training run of each: that of a checkpoint too")
    result.add_argument(
        "--specifications", nargs="+", required=True, help="equal for models that differ in their training seed alone"
    )
    result.add_argument("--kernels", type=Path, nargs="+", required=True, help="what fit_halves wrote, in order")
    result.add_argument("--untrained-models", nargs="*", default=[], help="models that have an untrained control")
    result.add_argument("--untrained", type=Path, nargs="*", default=[], help="kernels of these controls, in order")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the numbers")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
