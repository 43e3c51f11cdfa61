"""The model of a job that asks for answers, and its questions."""

from typing import TYPE_CHECKING

from numprobe.experiments.given import Given

if TYPE_CHECKING:
    from numprobe.answers.ask import AnswerModel
    from numprobe.answers.questions import Questions


def load_answer_model(given: Given) -> "AnswerModel":
    """Return the model that is asked: the value `asking` of the job."""
    from numprobe.answers import load
    from numprobe.models.source import parse_source
    from numprobe.threads import prepare_torch

    prepare_torch()
    how = given.values["asking"]
    return load.load_answer_model(
        load.AnswerSettings(parse_source(how["source"]), how["dtype"], how["device"], how["batch_tokens"])
    )


def load_asked(given: Given) -> "tuple[AnswerModel, Questions]":
    """Return the model that is asked, and the questions of the input `prompts`."""
    from numprobe.answers.load import load_questions

    answer_model = load_answer_model(given)
    return answer_model, load_questions(answer_model, given.file("prompts"))
