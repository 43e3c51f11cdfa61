"""The model of a job that asks for answers, and its questions."""

from typing import TYPE_CHECKING

from numprobe.experiments.given import Given

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
