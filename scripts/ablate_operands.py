"""Take directions away from the states of operands, and measure how a model's answers suffer.

Run by the rule `ablate_operands`.
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
    from numprobe.evaluation.ablation import COLUMNS, Ablations, ablation_rows

    asker, questions = load_asked(options)
    patterns = load_patterns(options.patterns)
    probe = load_probe(options.probe).in_context(patterns.metadata["context"])
    ablations = Ablations(tuple(options.layers), tuple(options.ranks), options.draws, options.per_operation)
    rows = ablation_rows(asker, questions, options.operand, probe, patterns, ablations, options.resamples, options.seed)
    names = {"model": options.model, "context": options.context}
    write_table(options.output, measurements([{**names, **row} for row in rows], COLUMNS), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = ask_arguments(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--context", required=True, help="name of the context of the prompts")
    result.add_argument("--probe", type=Path, required=True, help="fourier probe that reads operands (safetensors)")
    result.add_argument("--patterns", type=Path, required=True, help="patterns of operands (safetensors)")
    result.add_argument("--operand", choices=["a", "b"], default="b", help="whose state is changed")
    result.add_argument("--layers", nargs="+", required=True, help="states that are changed, one at a time")
    result.add_argument("--ranks", nargs="+", type=int, required=True, help="how many directions are taken away")
    result.add_argument("--draws", type=int, default=3, help="random subspaces of every rank")
    result.add_argument("--per-operation", type=int, default=200, help="prompts of each operation at the most")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the true results")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
