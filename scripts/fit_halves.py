"""Fit one model's numbers on both halves of several draws, and compare the halves and the layers.

Run by the rule `fit_halves`.
"""

import argparse
from pathlib import Path
from typing import Any

from _run import parser, run
from numprobe.errors import NumprobeError
from numprobe.evaluation.consistency import EXTRA, Settings, fit_places, shown_places, within_rows
from numprobe.probes.half_fits import save_kernels
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States of one model -> its rows of the table, and the kernels that other models are compared with."""
    if len(options.contexts) != len(options.activations):
        raise NumprobeError("--contexts and --activations must name equally many, in the same order")
    draws = tuple(range(options.draws))
    settings = Settings(options.minimum, options.maximum, draws, options.resamples, options.seed)
    folders = dict(zip(options.contexts, options.activations, strict=True))
    trained = options.control == "none"
    fitted = fit_places(folders, settings, shuffled=trained, everywhere=trained)
    rows = [{"model": options.model, **row} for row in within_rows(fitted, settings)]
    if not trained:
        rows = [row | {"control": options.control} for row in rows if row.get("control") != "random"]
    record = {**provenance, "model": options.model, "seed": options.seed, "resamples": options.resamples}
    write_table(options.output, measurements(rows, EXTRA), record)
    shown = shown_places(list(fitted.fits)) if fitted.fits else []
    save_kernels(options.kernels, {place: fitted.fits[place] for place in shown}, record)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name")
    result.add_argument("--control", choices=["none", "untrained"], default="none", help="what the states are")
    result.add_argument("--contexts", nargs="+", required=True, help="names of the contexts")
    result.add_argument("--activations", type=Path, nargs="+", required=True, help="their folders of states, in order")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--draws", type=int, default=3, help="how often the numbers are divided into halves")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the numbers")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--kernels", type=Path, required=True, help="kernels to write (safetensors)")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
