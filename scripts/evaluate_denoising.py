"""Move the last state before the answer towards the number that the probe reads in it; measure what it gains and harms.

Run by the rule `evaluate_denoising`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import intervention_arguments, load_asked, split_of_options
from _run import run
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Prompts, a model, states, a probe and patterns -> a table of measurements."""
    from numprobe.interventions.denoising import denoising_rows
    from numprobe.interventions.measure import MOVEMENT
    from numprobe.probes.dataset import training_rows
    from numprobe.probes.patterns import load_patterns
    from numprobe.probes.probe import load_probe
    from numprobe.probes.ranks import readout_ranks

    asked, seed, split = load_asked(options), options.seed, split_of_options(options)
    patterns = load_patterns(options.patterns)
    layers = [layer for layer in options.layers if layer in patterns.layers]
    if options.rank is None:
        ranks = readout_ranks(training_rows(options.activations, split), split, layers, patterns.folds, seed)
    else:
        ranks = {(layer, fold): options.rank for layer in layers for fold in patterns.folds}
    grid = (layers, options.strengths, options.shares, options.per_operation)
    rows = denoising_rows(*asked, load_probe(options.probe), patterns, ranks, split, *grid, options.resamples, seed)
    names = {key: patterns.metadata[key] for key in ("model", "context")}
    write_table(options.output, measurements([{**names, **row} for row in rows], extra=MOVEMENT), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = intervention_arguments(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states: chooses the rank")
    result.add_argument("--probe", type=Path, required=True, help="fourier probe that reads these states")
    result.add_argument(
        "--shares",
        type=float,
        nargs="+",
        default=[1.0],
        help="shares of the prompts to change, the surest readings first",
    )
    result.add_argument("--rank", type=int, help="directions of the patterns; without it, as many as the probe needs")
    return result


if __name__ == "__main__":
    run(main, arguments())
