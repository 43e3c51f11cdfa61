"""Accuracy of the probes that are trained by gradient descent, beside the leading closed-form probe."""

from numprobe.experiments.given import Given
from numprobe.experiments.probed import load_probes
from numprobe.measure.accuracy import evaluate
from numprobe.measure.origin import read_card


def evaluate_trained_probes(given: Given) -> None:
    """Write the table of a model and context, and the decoded rows."""
    folder, effort = given.folder("states"), (given.values["resamples"], given.values["seed"])
    predictions, rows = evaluate(folder, load_probes(given), read_card(given.file("card"), folder), "none", *effort)
    given.write(predictions, "predictions")
    given.write_rows(rows)
