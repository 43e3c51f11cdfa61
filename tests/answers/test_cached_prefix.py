"""Asked again from the last token, a model answers as it does in full."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from models.constructed import ArithmeticModel
from models.tiny import LAYERS, byte_tokenizer, tiny_model, word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.answers.cached_prefix import CachedPrefixModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import find_questions
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts


def asked(kind):
    numbers = NumberTokenizer(word_tokenizer())
    questions = find_questions(result_prompts(0, 60, 0, "result", ["+", "-"], 1), numbers)
    return AnswerModel(tiny_model(kind, head=True), numbers, batch_tokens=100), questions


def moves(questions, layer, token=None):
    change = torch.from_numpy(np.random.default_rng(0).standard_normal((len(questions), 32))).float()
    return Edit(layer, questions.last if token is None else token, lambda states, rows: states + 3 * change[rows])


@pytest.mark.parametrize("kind", ["llama", "phi3", "olmo2", "gpt2", "gpt_neox"])
def test_answers_are_those_of_the_full_pass(kind):
    answer_model, questions = asked(kind)
    again = CachedPrefixModel(answer_model, questions)
    assert None not in again._prefixes.values()
    plain = answer_model.answers(questions)
    for layer in ("0", "1", str(LAYERS), "final_norm"):
        edits = [moves(questions, layer)]
        expected, found = answer_model.answers(questions, edits), again.answers(edits)
        assert_array_equal(found.values, expected.values)
        assert_allclose(found.probability, expected.probability, rtol=1e-3, atol=1e-6)
        assert (found.values != plain.values).any()
    assert_array_equal(again.answers().values, plain.values)


def test_long_answers_are_continued_with_the_changed_state():
    numbers = NumberTokenizer(byte_tokenizer())
    questions = find_questions(result_prompts(0, 400, 0, "result", ["+"], 1), numbers)
    assert set(questions.table["answer_tokens"]) == {1, 2}
    answer_model = AnswerModel(tiny_model("gpt2", head=True, vocab_size=len(numbers.tokenizer)), numbers)
    again, edits = CachedPrefixModel(answer_model, questions), [moves(questions, "1")]
    assert again.answers(edits).texts == answer_model.answers(questions, edits).texts


def test_a_model_without_a_cache_is_asked_in_full():
    model = ArithmeticModel()
    prompts = result_prompts(0, 99, 0, "result", ["+"], 1)
    numbers = NumberTokenizer(model.tokenizer)
    questions = find_questions(prompts.filter(prompts["template"] == "{a} + {b} = {c}"), numbers)
    again = CachedPrefixModel(AnswerModel(model, numbers), questions)
    assert_array_equal(again.answers().values, questions.table["number"].to_numpy())


def test_other_tokens_are_not_changed():
    answer_model, questions = asked("llama")
    with pytest.raises(ValueError, match="only states of the last token"):
        CachedPrefixModel(answer_model, questions).answers([moves(questions, "1", questions.last - 1)])
