"""Answers of a model to the pairs."""

from numprobe.answers.table import write_answers
from numprobe.experiments.asked import load_asked
from numprobe.experiments.given import Given


def answer_pairs(given: Given) -> None:
    """Write the table of a model's answers."""
    write_answers(given.outputs["answers"], *load_asked(given), given.provenance)
