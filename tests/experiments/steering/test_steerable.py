"""Operands of several tokens: all their states changed at the input is another number written."""

import numpy as np
import pytest
import torch

from models.tiny import byte_tokenizer, tiny_model
from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import find_questions
from numprobe.experiments.steering.replacement import Replacement
from numprobe.experiments.steering.steerable import Steerable
from numprobe.interventions.operands import operand_tokens
from numprobe.interventions.reach import ALL, LAST
from numprobe.interventions.states import answers_and_states, earlier_tokens
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.table import prompt_table

PAIRS = [(12, 345, 678), (7, 12, 34), (5, 12345, 67890), (40, 8, 9)]


def questions(numbers, place):
    rows = []
    for prompt, pair in enumerate(PAIRS):
        a, b = pair[0], pair[place]
        text = f"{a} + {b} = {a + b}"
        start = len(text) - len(str(a + b))
        rows.append(
            {
                "prompt": prompt, "text": text, "number": a + b, "start": start, "end": len(text), "read_at": "before",
                "operation": "+", "a": a, "b": b, "template": "{a} + {b} = {c}", "text_split": "any",
            }
        )  # fmt: skip
    return find_questions(prompt_table(rows), numbers)


@pytest.fixture(scope="module")
def answer_model():
    numbers = NumberTokenizer(byte_tokenizer())
    return AnswerModel(tiny_model("llama", head=True, vocab_size=len(numbers.tokenizer)), numbers)


@pytest.fixture(scope="module")
def steerable(answer_model):
    written, other = (questions(answer_model.numbers, place) for place in (1, 2))
    assert written.table["prompt"].equals(other.table["prompt"])
    last, lengths = operand_tokens(written, "b")
    assert sorted(lengths.tolist()) == [1, 1, 2, 3]
    states, replaced = (answers_and_states(answer_model, one, ["0"], last)[1] for one in (written, other))
    earlier = [(p, answers_and_states(answer_model, other, ["0"], p.tokens)[1]) for p in earlier_tokens(last, lengths)]
    rows = np.arange(len(PAIRS))
    replacement = Replacement(written, other, rows, rows, rows)
    return Steerable(replacement, last, {"0": rows}, states, replaced, earlier, rows, rows >= 0)


def logits(answer_model, questions, edits):
    return torch.cat([answer_model.logits(questions, rows, edits) for rows in questions.batches(1000)])


def test_all_tokens_at_the_input_are_the_other_number_written(answer_model, steerable):
    both, change = steerable.replacement, steerable.replaced_states["0"] - steerable.states["0"]
    with torch.inference_mode():
        wanted, plain = (logits(answer_model, one, []) for one in (both.replaced, both.questions))
        everything = logits(answer_model, both.questions, steerable.edits("0", ALL, change, 1.0))
        last = logits(answer_model, both.questions, steerable.edits("0", LAST, change, 1.0))
    torch.testing.assert_close(everything, wanted, rtol=1e-4, atol=1e-5)
    several = np.concatenate([both.questions.table["tokens_b"].to_numpy()[r] for r in both.questions.batches(1000)]) > 1
    assert not torch.isclose(plain, wanted, atol=1e-4).all(dim=1).any()
    assert torch.isclose(last, wanted, atol=1e-4).all(dim=1).numpy().tolist() == (~several).tolist()
