"""Probe of what a model answers: its labels are the model's answers in place of the true results."""

from numprobe.experiments.given import Given
from numprobe.probes import fit_answers
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.prompts.examples import numbers_written, read_examples
from numprobe.tables import read_table


def fit_answer_probe(given: Given) -> None:
    """Fit the probe on states and answers, and save it."""
    split = given.split
    described = describe_split(split, [whole_fold(split), *split.folds])
    metadata = {"split": described, "provenance": given.provenance}
    rows, answers = training_rows(given.folder("states"), split), read_table(given.file("answers"), ["number"])
    left_out = numbers_written(read_examples(given.file("answers")))
    fitted = fit_answers.fit_answer_probe(rows, answers, split, "fourier", metadata, left_out)
    fitted.save(given.outputs["probe"])
