from contextlib import ExitStack

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from models.planted_writes import writing_answer_model
from models.tiny import LAYERS, tiny_model, word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import find_questions
from numprobe.errors import NumprobeError
from numprobe.experiments.layer_removal.removal import PARTS, Removal, all_removals, removal_answers, removed
from numprobe.models.blocks import locate_inside
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts

KINDS = ["llama", "phi3", "olmo2", "gpt2", "gpt_neox", "gemma2"]


@pytest.fixture(scope="module")
def numbers():
    return NumberTokenizer(word_tokenizer())


@pytest.fixture(scope="module")
def questions(numbers):
    return find_questions(result_prompts(0, 60, 0, "result", ["+", "-"], 1), numbers)


def logits(answer_model, questions, *removals):
    with torch.inference_mode(), ExitStack() as stack:
        for removal in removals:
            stack.enter_context(removed(answer_model.parts, locate_inside(answer_model.parts), removal))
        return answer_model.logits(questions, np.array([0, 1])).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_without_attention_and_mlp_is_no_block(kind, questions, numbers):
    answer_model = AnswerModel(tiny_model(kind, head=True), numbers)
    whole = logits(answer_model, questions, Removal(2, "block"))
    assert_allclose(
        logits(answer_model, questions, Removal(2, "attention"), Removal(2, "mlp")), whole, rtol=1e-4, atol=1e-5
    )
    assert np.abs(whole - logits(answer_model, questions)).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_its_first_block_goes_on_from_the_embeddings(kind, questions, numbers):
    answer_model, kept = AnswerModel(tiny_model(kind, head=True), numbers), {}

    def keep(layer):
        return Edit(layer, questions.last, lambda states, rows: kept.setdefault(layer, states))

    with removed(answer_model.parts, locate_inside(answer_model.parts), Removal(1, "block")), torch.inference_mode():
        answer_model.logits(questions, np.array([0]), [keep("0"), keep("1")])
    assert_array_equal(kept["0"], kept["1"])


@pytest.mark.parametrize("kind", ["llama", "olmo2"])
@pytest.mark.parametrize("part", PARTS)
def test_without_a_part_nothing_else_changes_and_no_hook_stays(kind, part, questions, numbers):
    answer_model = AnswerModel(tiny_model(kind, head=True), numbers)
    before = logits(answer_model, questions)
    one = logits(answer_model, questions, Removal(3, part))
    assert np.abs(one - before).max() > 1e-3
    assert_array_equal(logits(answer_model, questions), before)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in answer_model.model.modules())


def test_every_part_of_every_block_is_removed_once(questions, numbers):
    answers = removal_answers(AnswerModel(tiny_model("llama", head=True), numbers), questions)
    assert list(answers) == all_removals(LAYERS) and len(answers) == 3 * LAYERS
    assert {values.shape for values in answers.values()} == {(len(questions),)}


@pytest.mark.parametrize("kind", ["llama", "phi3", "olmo2"])
def test_what_a_part_wrote_is_gone_without_it_and_stays_without_others(kind, questions):
    truth = dict(questions.table.select("prompt", "number").iter_rows())
    answer_model = writing_answer_model(
        kind, questions, {(2, "mlp"): {prompt: {value: 1} for prompt, value in truth.items()}}
    )
    values = questions.table["number"].to_numpy()
    for removal, answers in removal_answers(answer_model, questions).items():
        gone = removal in (Removal(2, "block"), Removal(2, "mlp"))
        assert (answers == values).mean() == (0 if gone else 1), removal


def test_a_block_that_does_more_than_to_add_is_refused(questions, numbers):
    answer_model = AnswerModel(tiny_model("llama", head=True), numbers)
    answer_model.parts.blocks[1].register_forward_hook(lambda module, args, output: 0.5 * output)
    with pytest.raises(NumprobeError, match="block 2 without its attention and MLP still changes the states"):
        removal_answers(answer_model, questions)
