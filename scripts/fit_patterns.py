"""Fit where the states of a context lie for each number, and measure how well unseen numbers' states are predicted.

Run by the rule `fit_patterns`.
"""

from _run import parser, run, split_option  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.measure.patterns import EXTRA, pattern_rows
from numprobe.probes.dataset import training_rows
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.probes.probe import load_probe
from numprobe.splits import load_split
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States and a probe -> patterns, and a table of measurements."""
    split = load_split(options.split)
    rows, probe = training_rows(options.activations, split), load_probe(options.probe)
    found = []
    for control in ("none", "shuffled"):
        patterns = fit_patterns(rows, probe, split, control, split.seed, {"provenance": provenance})
        if control == "none":
            patterns.save(options.output)
        found += pattern_rows(options.activations, patterns, split, options.resamples, split.seed)
    names = {"model": rows.described["model"], "context": rows.described["context"]}
    write_table(options.table, measurements([{**names, **row} for row in found], EXTRA), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument("--probe", type=Path, required=True, help="fourier probe that reads these states")
    split_option(result)
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the values")
    result.add_argument("--output", type=Path, required=True, help="patterns to write (safetensors)")
    result.add_argument("--table", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
