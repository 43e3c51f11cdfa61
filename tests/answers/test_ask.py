import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from models.tiny import LAYERS, byte_tokenizer, tiny_model, word_tokenizer
from numprobe.activations.locate import locate_numbers
from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import find_questions
from numprobe.answers.spoken import NO_NUMBER, as_number
from numprobe.answers.table import ANSWER, answer_table
from numprobe.errors import NumprobeError
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import number_prompts, result_prompts


@pytest.fixture(scope="module")
def prompts():
    return result_prompts(0, 60, 0, "result", ["+", "-"], 1)


@pytest.fixture(scope="module")
def numbers():
    return NumberTokenizer(word_tokenizer())


@pytest.fixture(scope="module")
def questions(prompts, numbers):
    return find_questions(prompts, numbers)


@pytest.fixture(scope="module")
def answer_model(numbers):
    return AnswerModel(tiny_model("llama", head=True), numbers, batch_tokens=100)


def test_questions_end_where_activation_folders_read_the_answer(prompts, numbers, questions):
    located = locate_numbers(prompts, numbers, None)
    assert questions.table["prompt"].to_list() == located.positions["prompt"].to_list()
    assert_array_equal(questions.bounds, located.bounds)
    assert_array_equal(questions.ids, located.ids)
    assert_array_equal(questions.last, located.positions["token"].to_numpy())


def test_operands_stand_at_their_tokens(questions, numbers):
    for row, (a, b, token_a, token_b) in enumerate(questions.table.select("a", "b", "token_a", "token_b").rows()):
        ids = questions.sequences(np.array([row]))[0]
        assert [numbers.written(int(ids[token])) for token in (token_a, token_b)] == [str(a), str(b)]


def test_some_of_the_questions_are_the_same_questions(questions):
    rows = np.array([1, 5, 30])
    some = questions.take(rows)
    for place, row in enumerate(rows):
        assert_array_equal(some.sequences(np.array([place])), questions.sequences(np.array([row])))
    assert some.table.equals(questions.table[rows])
    assert len(questions.take(np.zeros(len(questions), dtype=bool))) == 0


def test_prompts_without_a_question_are_refused(numbers):
    with pytest.raises(NumprobeError, match="kind result"):
        find_questions(number_prompts(0, 9), numbers)


def test_answers_are_the_most_likely_tokens_whatever_the_batches(answer_model, questions, numbers):
    answers = answer_model.answers(questions)
    whole = AnswerModel(answer_model.model, numbers, batch_tokens=100000).answers(questions)
    assert_array_equal(answers.values, whole.values)
    assert_allclose(answers.probability, whole.probability, rtol=1e-4)
    for row in (0, 40, 90):
        logits = answer_model.logits(questions, np.array([row]))[0].detach()
        assert answers.texts[row] == numbers.tokenizer.decode([int(logits.argmax())])
        assert answers.probability[row] == pytest.approx(float(logits.softmax(-1).max()), rel=1e-4)


def test_results_of_several_tokens_are_answered_in_as_many(prompts):
    numbers = NumberTokenizer(byte_tokenizer())
    questions = find_questions(result_prompts(0, 400, 0, "result", ["+"], 1), numbers)
    answer_model = AnswerModel(tiny_model("gpt2", head=True, vocab_size=len(numbers.tokenizer)), numbers)
    (row, *_) = np.flatnonzero(questions.table["answer_tokens"].to_numpy() == 2)
    answers = answer_model.answers(questions)
    ids = torch.from_numpy(questions.sequences(np.array([row])))
    settings = {"max_new_tokens": 2, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    greedy = answer_model.model.generate(ids, attention_mask=torch.ones_like(ids), **settings)
    assert answers.texts[row] == numbers.tokenizer.decode(greedy[0, -2:])


@pytest.mark.parametrize("kind", ["llama", "phi3", "olmo2", "gpt2", "gpt_neox"])
@pytest.mark.parametrize("layer", ["0", "2", str(LAYERS), "final_norm"])
def test_an_edit_that_changes_nothing_changes_no_answer(kind, layer, questions, numbers):
    answer_model = AnswerModel(tiny_model(kind, head=True), numbers)
    edit = Edit(layer, questions.last, lambda states, rows: states)
    assert_array_equal(answer_model.answers(questions).values, answer_model.answers(questions, [edit]).values)


@pytest.mark.parametrize("kind", ["llama", "phi3", "olmo2", "gpt2", "gpt_neox"])
@pytest.mark.parametrize("layer", ["0", "2", str(LAYERS), "final_norm"])
def test_the_state_of_another_question_gives_its_answer(kind, layer, questions, numbers):
    """All that decides the answer is in the last state of layer 0 to the last, if the tokens before it are the same."""
    answer_model = AnswerModel(tiny_model(kind, head=True), numbers)
    last = questions.last
    rows = np.flatnonzero(last == last[0])[:6]
    some = questions.take(rows)
    kept = {}

    def store(states, index):
        kept.update(zip(index.tolist(), states.clone(), strict=True))
        return states

    answer_model.answers(some, [Edit(layer, some.last, store)])
    if layer in (str(LAYERS), "final_norm"):
        swapped = Edit(layer, some.last, lambda states, index: torch.stack([kept[5 - i] for i in index.tolist()]))
        assert_array_equal(answer_model.answers(some, [swapped]).values, answer_model.answers(some).values[::-1])
    restored = Edit(layer, some.last, lambda states, index: torch.stack([kept[i] for i in index.tolist()]))
    assert_array_equal(answer_model.answers(some, [restored]).values, answer_model.answers(some).values)


def test_gradients_reach_an_edit(answer_model, questions):
    shift = torch.zeros(answer_model.parts.input_matrix.shape[1], requires_grad=True)
    edit = Edit("1", questions.last, lambda states, rows: states + shift)
    answer_model.logits(questions, np.arange(2), [edit]).logsumexp(-1).sum().backward()
    assert shift.grad is not None and float(shift.grad.abs().max()) > 0


def test_no_hook_stays(answer_model, questions):
    edit = Edit("1", questions.last, lambda states, rows: states * 0)
    before = answer_model.answers(questions).values
    answer_model.answers(questions, [edit])
    assert_array_equal(answer_model.answers(questions).values, before)


def test_the_table_holds_truth_and_answer(answer_model, questions):
    table = answer_table(questions, answer_model.answers(questions))
    assert table.schema == ANSWER
    assert table["prompt"].is_sorted()
    assert table.filter(pl.col("right"))["answer"].to_list() == table.filter(pl.col("right"))["number"].to_list()


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), (" 7\n", 7), ("is", NO_NUMBER), ("", NO_NUMBER), ("1 2", NO_NUMBER), ("٣", NO_NUMBER)],
)
def test_only_a_numeral_is_a_number(text, value):
    assert as_number(text) == value
