"""Answers of several tokens: the whole number counts, and only once it has ended."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose

from models.tiny import digit_tokenizer, tiny_model
from numprobe.answers.ask import AnswerModel
from numprobe.answers.cached_prefix import CachedPrefixModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import find_questions
from numprobe.answers.spoken import NO_NUMBER, goes_on, read_answer
from numprobe.answers.table import answer_table
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.contexts import make_prompts
from numprobe.prompts.examples import examples_in, examples_text
from numprobe.prompts.generate import result_prompts


def says(*parts):
    """Tokens and a decoder for a text that is said in these parts."""
    return np.arange(len(parts)), lambda tokens: "".join(parts[token] for token in tokens)


@pytest.mark.parametrize(
    ("parts", "value", "text", "count"),
    [
        (["1", "9", "\n"], 19, "19", 2),
        (["1", "9", "6", "\n"], 196, "196", 3),
        ([" 1", "9", "."], 19, " 19", 2),
        (["1", "9", ".", "\n"], 19, "19", 2),
        (["3", ".", "5"], NO_NUMBER, "3.5", 3),
        (["1", ",", "2"], NO_NUMBER, "1,2", 3),
        (["1", ", 2"], 1, "1", 1),
        (["1", "9", "9", "9", "9"], 19999, "19999", 5),
        (["-", "7"], NO_NUMBER, "-", 1),
        ([" ", "7"], NO_NUMBER, " ", 1),
        (["x", "7"], NO_NUMBER, "x", 1),
        (["7"], 7, "7", 1),
        (["12th"], NO_NUMBER, "12th", 1),
    ],
)
def test_a_number_is_read_until_it_ends(parts, value, text, count):
    said, decode = says(*parts)
    assert read_answer(said, decode) == (value, text, count)


@pytest.mark.parametrize(
    ("text", "open_"), [("1", True), (" 19", True), ("19.", True), ("19,", True), ("19\n", False), ("", False)]
)
def test_only_a_numeral_at_the_end_goes_on(text, open_):
    assert goes_on(text) is open_


@pytest.fixture(scope="module")
def numbers():
    return NumberTokenizer(digit_tokenizer())


class Speaker(torch.nn.Module):
    """A model whose greedy continuation of some token sequences is known; it keeps no cache."""

    def __init__(self, numbers, questions, texts):
        super().__init__()
        self._model = tiny_model("llama", head=True, vocab_size=len(numbers.tokenizer))
        self._next = {}
        for row, text in enumerate(texts):
            before = questions.sequences(np.array([row]))[0].tolist()
            for token in numbers.tokenizer(text, add_special_tokens=False)["input_ids"]:
                self._next[tuple(before)] = token
                before.append(token)

    def __getattr__(self, name):
        return super().__getattr__(name) if name == "_model" else getattr(self._model, name)

    def forward(self, ids, **_):
        wanted = torch.tensor([self._next.get(tuple(sequence), 0) for sequence in ids.tolist()])
        return SimpleNamespace(logits=5 * F.one_hot(wanted, self.config.vocab_size)[:, None].float())


SAID = {"19\n": 19, "196\n": 196, "19": 19, "19.5\n": None, "1\n": 1, "x": None}


def test_196_is_not_19(numbers):
    prompts = result_prompts(19, 19, 0, "r", ["+"], 40, ((0, 19), (0, 19)))
    questions = find_questions(prompts.unique("text", maintain_order=True)[: len(SAID)], numbers)
    assert questions.answer_length == 4 and set(questions.table["answer_tokens"]) == {2}
    answer_model = AnswerModel(Speaker(numbers, questions, SAID), numbers, batch_tokens=200)
    answers = answer_model.answers(questions)
    table = answer_table(questions, answers)
    for text, prompt, spoken in zip(SAID, questions.table["prompt"], answers.texts, strict=True):
        (row,) = table.filter(prompt=prompt).iter_rows(named=True)
        assert row["answer"] == SAID[text] and row["right"] == (SAID[text] == 19)
        assert text.startswith(spoken)


def test_the_probability_is_that_of_the_numbers_tokens(numbers):
    questions = find_questions(result_prompts(10, 60, 0, "r", ["+"], 1, ((0, 60), (0, 60))), numbers)
    answer_model = AnswerModel(tiny_model("llama", head=True, vocab_size=len(numbers.tokenizer)), numbers)
    answers = answer_model.answers(questions)
    for row in range(0, len(questions), 7):
        ids, expected = torch.from_numpy(questions.sequences(np.array([row]))), 1.0
        for _ in answers.texts[row]:
            likely = answer_model.model(ids).logits[0, -1].softmax(-1)
            expected *= float(likely.detach().max())
            ids = torch.column_stack([ids, likely.argmax()[None]])
        assert answers.probability[row] == pytest.approx(expected, rel=1e-3)
        assert answers.texts[row] == numbers.tokenizer.decode(ids[0, questions.last[row] + 1 :])


@pytest.mark.parametrize("kind", ["llama", "phi3", "gpt2"])
def test_what_all_questions_begin_with_is_run_once_with_the_same_answers(kind, numbers):
    table, metadata = make_prompts("r", "result", 0, 0, 99, {"operations": ["+"], "shots": 3, "per_value": 1})
    examples = tuple(examples_in(metadata))
    model = tiny_model(kind, head=True, vocab_size=len(numbers.tokenizer), max_position_embeddings=256)
    answer_model = AnswerModel(model, numbers, batch_tokens=1000)
    questions = find_questions(table[:40], numbers, examples=examples)
    shared = questions.shared_tokens()
    assert shared >= len(numbers.encode([examples_text(examples)])[0])
    assert questions.shared_tokens([np.full(len(questions), 3)]) == 0
    moved = torch.from_numpy(np.random.default_rng(0).standard_normal((len(questions), 32))).float()
    edit = Edit("1", questions.last, lambda states, rows: states + 3 * moved[rows])
    again = CachedPrefixModel(answer_model, questions)
    for edits in ([], [edit]):
        found, apart = answer_model.answers(questions, edits), again.answers(edits)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(questions), "shared_tokens", lambda self, changed=(): 0)
            whole = answer_model.answers(questions, edits)
        assert found.texts == whole.texts == apart.texts
        assert_allclose(found.probability, whole.probability, rtol=1e-3)


def test_a_question_too_long_with_its_answer_is_left_out(numbers):
    prompts = result_prompts(10, 60, 0, "r", ["+"], 1, ((0, 60), (0, 60)))
    longest = int(find_questions(prompts, numbers).table["n_tokens"].max())
    assert len(find_questions(prompts, numbers, longest + 4)) == prompts.height
    assert len(find_questions(prompts, numbers, longest + 3)) < prompts.height
