"""Move the embedding rows of the numbers to the fitted code, by steps, and ask a model the same questions again.

Run by the rule `align_embeddings`.
"""

import argparse
from pathlib import Path
from typing import Any

from _ask import ask_arguments, load_asked
from _run import run
from numprobe.evaluation.embedding_alignment import alignment_rows
from numprobe.evaluation.outcomes import INTERVENTION
from numprobe.probes.patterns import load_patterns
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Model, prompts, patterns and probe -> a table of measurements."""
    patterns, probe = load_patterns(options.patterns), load_probe(options.probe)
    asker, questions = load_asked(options)
    rows = alignment_rows(
        asker,
        questions,
        patterns,
        probe,
        options.strengths,
        options.questions,
        options.resamples,
        options.seed,
    )
    names = {"model": options.model, "context": options.context}
    write_table(options.output, measurements([{**names, **row} for row in rows], INTERVENTION), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = ask_arguments(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--context", required=True, help="the name of the prompts' context in the table")
    result.add_argument(
        "--patterns", type=Path, required=True, help="patterns of this model's vocabulary (safetensors)"
    )
    result.add_argument("--probe", type=Path, required=True, help="fourier probe of this model's vocabulary")
    result.add_argument("--strengths", nargs="+", type=float, required=True, help="how far rows move, up to 1")
    result.add_argument("--questions", type=int, default=500, help="questions of each operation at the most")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the true results")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
