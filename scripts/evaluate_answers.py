"""Put truth, a model's answer and the probes' readings side by side, and measure where they part.

Run by the rule `evaluate_answers`.
"""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.evaluation.answer_scores import answer_surprise
from numprobe.evaluation.answers import (
    ANSWERED,
    beside_answers,
    confidence_rows,
    error_rows,
    model_rows,
    reading_rows,
)
from numprobe.evaluation.predict import control_of
from numprobe.probes.probe import load_probe
from numprobe.prompts.examples import read_examples, results_shown
from numprobe.splits import make_split
from numprobe.tables import measurements, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """Answers, readings, states and probes -> a table of measurements."""
    split = make_split(options.minimum, options.maximum, options.scheme, options.folds, options.inner, options.seed)
    answers, drawn = read_table(options.answers), (options.resamples, options.seed)
    shown = results_shown(read_examples(options.answers))
    rows = model_rows(answers, *drawn, shown) + confidence_rows(answers, split, *drawn)
    rows += reading_rows(beside_answers(read_table(options.predictions), answers), split, *drawn)
    for probe in map(load_probe, options.probes):
        names = {"probe": probe.kind, "control": control_of(probe)}
        for layer, scored in answer_surprise(options.activations, probe, answers, options.seed):
            rows += [{**names, "layer": layer, **row} for row in error_rows(scored, *drawn)]
    names = {"model": options.model, "context": options.context}
    write_table(options.output, measurements([{**names, **row} for row in rows], ANSWERED), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--context", required=True, help="the context's name in the table")
    result.add_argument("--answers", type=Path, required=True, help="table of the model's answers (Parquet)")
    result.add_argument("--predictions", type=Path, required=True, help="out-of-fold readings (Parquet)")
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument(
        "--probes", type=Path, nargs="*", default=[], help="probes with likelihoods, whose belief in the answer is used"
    )
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--minimum", type=int, default=0, help="smallest candidate number")
    result.add_argument("--maximum", type=int, default=999, help="largest candidate number")
    result.add_argument("--scheme", choices=["folds", "paper"], default="folds", help="how values are divided")
    result.add_argument("--folds", type=int, default=10, help="number of folds (scheme folds)")
    result.add_argument("--inner", type=int, default=3, help="inner groups of values that choose hyper-parameters")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the true results")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
