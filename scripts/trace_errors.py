"""Trace a model's wrong answers to layers, with probes of true results and of its own answers, and nulls.

Run by the rule `trace_errors`.
"""

from _run import parser, run  # isort: skip

import argparse
from pathlib import Path
from typing import Any

from numprobe.evaluation.answers import beside_answers
from numprobe.evaluation.error_tracing import ANSWER, TRACING, TRUTH, tracing_rows
from numprobe.evaluation.predict import predict
from numprobe.evaluation.tracing import through_layers
from numprobe.probes.probe import load_probe
from numprobe.prompts.examples import read_examples, results_shown
from numprobe.tables import measurements, read_table, write_table


def main(options: argparse.Namespace, provenance: dict[str, Any]) -> None:
    """States, answers and two probes -> a table of measurements."""
    answers, rows = read_table(options.answers), []
    shown = results_shown(read_examples(options.answers))
    for labels, path in ((TRUTH, options.probe), (ANSWER, options.answer_probe)):
        probe = load_probe(path)
        names = {"model": options.model, "context": options.context, "probe": probe.kind, "labels": labels}
        if not probe.layers:
            rows.append({**names, "metric": "traced", "note": "too few different answers to fit a probe"})
            continue
        readings = through_layers(beside_answers(predict(options.activations, [probe]), answers))
        span = int(probe.numbers[0]), int(probe.numbers[-1])
        traced = tracing_rows(readings, *span, options.permutations, options.resamples, options.seed, shown)
        rows += [{**names, **row} for row in traced]
    write_table(options.output, measurements(rows, TRACING), provenance)


def arguments() -> argparse.ArgumentParser:
    """Options."""
    result = parser(__doc__)
    result.add_argument("--model", required=True, help="the model's name in the table")
    result.add_argument("--context", required=True, help="the context's name in the table")
    result.add_argument("--activations", type=Path, required=True, help="folder of hidden states")
    result.add_argument("--answers", type=Path, required=True, help="table of the model's answers (Parquet)")
    result.add_argument("--probe", type=Path, required=True, help="probe fitted on true results (safetensors)")
    result.add_argument("--answer-probe", type=Path, required=True, help="probe fitted on answers (safetensors)")
    result.add_argument("--permutations", type=int, default=20, help="permutations of the truths of wrong prompts")
    result.add_argument("--resamples", type=int, default=1000, help="bootstrap samples of the true results")
    result.add_argument("--seed", type=int, default=0, help="the study's seed")
    result.add_argument("--output", type=Path, required=True, help="table of measurements to write (Parquet)")
    return result


if __name__ == "__main__":
    run(main, arguments())
