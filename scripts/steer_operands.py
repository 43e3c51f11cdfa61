"""Move the states of operands to other numbers, and measure how often a model's answers follow.

Run by the rule `steer_operands`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import ask_arguments, load_asked
from _run import run
from numprobe.probes.patterns import load_patterns
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """A model, its prompts, its probe and its patterns -> a table of measurements."""
    from numprobe.evaluation.steering import COLUMNS, Grid, steering_rows

    asker, questions = load_asked(options)
    patterns = load_patterns(options.patterns)
    probe = load_probe(options.probe).in_context(patterns.metadata["context"])
    grid = Grid(tuple(options.layers), tuple(options.strengths), options.per_operation)
    rows = steering_rows(asker, questions, options.operand, probe, patterns, grid, options.resamples, options.seed)
    names = {"model": options.model, "context": options.context}
    write_table(options.output, measurements([{**names, **row} for row in rows], COLUMNS), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = ask_arguments(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--context", required=True, help="name of the context of the prompts")
    result.add_argument("--probe", type=Path, required=True, help="fourier probe that reads operands (safetensors)")
    result.add_argument("--patterns", type=Path, required=True, help="patterns of operands (safetensors)")
    result.add_argument("--operand", choices=["a", "b"], default="b", help="whose state is moved")
    result.add_argument("--layers", nargs="+", required=True, help="states that are moved, one at a time")
    result.add_argument("--strengths", nargs="+", type=float, required=True, help="how far, in units of the patterns")
    result.add_argument("--per-operation", type=int, default=400, help="prompts of each operation at the most")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the operands")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
