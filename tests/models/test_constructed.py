import numpy as np
import pytest
import torch

from models.constructed import NUMBERS, ArithmeticModel, decoy_frame, wave_frame
from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import Questions, find_questions
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES


def asked(model: ArithmeticModel) -> tuple[AnswerModel, Questions]:
    numbers = NumberTokenizer(model.tokenizer)
    prompts = result_prompts(0, NUMBERS - 1, 0, "result", ["+", "-"], 4)
    symbols = [templates[0] for templates in ARITHMETIC_TEMPLATES.values()]
    return AnswerModel(model, numbers), find_questions(prompts.filter(prompts["template"].is_in(symbols)), numbers)


@pytest.mark.parametrize("reads", ["code", "decoy"])
def test_both_models_answer_rightly(reads):
    answer_model, questions = asked(ArithmeticModel(reads))
    assert len(questions) > 50 and set(questions.table["operation"]) == {"+", "-"}
    assert answer_model.answers(questions).values.tolist() == questions.table["number"].to_list()


@pytest.mark.parametrize(
    ("reads", "own", "other"), [("code", wave_frame, decoy_frame), ("decoy", decoy_frame, wave_frame)]
)
def test_a_model_reads_its_own_code_alone(reads, own, other):
    answer_model, questions = asked(ArithmeticModel(reads))
    truth, tokens = questions.table["number"].to_numpy(), questions.table["token_b"].to_numpy().astype(int)

    def without(frame):
        basis = torch.from_numpy(frame()).float()
        return lambda states, rows: states - states @ basis @ basis.T

    for layer, place in (("0", tokens), ("1", tokens), ("2", questions.last), ("3", questions.last)):
        kept = answer_model.answers(questions, [Edit(layer, place, without(other))]).values
        lost = answer_model.answers(questions, [Edit(layer, place, without(own))]).values
        assert (kept == truth).all() and np.mean(lost == truth) < 0.1
