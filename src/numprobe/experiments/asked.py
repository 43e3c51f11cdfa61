"""The model of a job that asks for answers, its questions, and its answers."""

from typing import TYPE_CHECKING

from numprobe.experiments.given import Given
from numprobe.tables import write_table

if TYPE_CHECKING:
    from numprobe.answers.ask import Asker
    from numprobe.answers.questions import Questions


def load_asker(given: Given) -> "Asker":
    """Return the model that is asked: the value `asking` of the job."""
    from numprobe.answers import load
    from numprobe.models.source import parse_source
    from numprobe.threads import prepare_torch

    prepare_torch()
    how = given.values["asking"]
    return load.load_asker(load.Asking(parse_source(how["source"]), how["dtype"], how["device"], how["batch_tokens"]))


def load_asked(given: Given) -> "tuple[Asker, Questions]":
    """Return the model that is asked, and the questions of the input `prompts`."""
    from numprobe.answers.load import load_questions

    asker = load_asker(given)
    return asker, load_questions(asker, given.file("prompts"))


def write_answers(given: Given) -> None:
    """Write the answers to the input `prompts`, with the worked examples in front of them: the output `answers`."""
    from numprobe.answers.table import answer_table
    from numprobe.prompts.examples import describe_examples

    asker, questions = load_asked(given)
    shown = {"examples": describe_examples(questions.examples)} if questions.examples else {}
    write_table(given.outputs["answers"], answer_table(questions, asker.answers(questions)), given.provenance | shown)
