"""Pairs of operands and answers of several tokens, asked as the prompts of a context are."""

import numpy as np
import polars as pl
import pytest
import torch

from models.adder import Adder
from models.tiny import digit_tokenizer, tiny_model, word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.errors import NumprobeError
from numprobe.experiments.causal_subspace.learn import known_pairs, train_subspaces
from numprobe.experiments.causal_subspace.subspaces import load_subspaces
from numprobe.experiments.causal_subspace.train_basis import Training, answer_loss, learn_basis
from numprobe.interventions.asked_pairs import ask_pairs
from numprobe.interventions.interchange import find_interchange
from numprobe.interventions.own_answers import with_own_answers
from numprobe.interventions.pair_settings import ANSWER, PairSettings, pairs_of_context
from numprobe.interventions.pairs import (
    TEST,
    TRAIN,
    VALIDATION,
    PairPrompts,
    draw_pairs,
    interchange_split,
    read_pair_prompts,
)
from numprobe.interventions.reach import ALL, LAST
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.contexts import make_prompts
from numprobe.prompts.examples import examples_text, numbers_written
from numprobe.splits import make_split

STUDY = make_split(0, 999, "folds", 5, 3, 0)
SPLIT = interchange_split(STUDY, 0)
OPTIONS = {"operations": ["+", "-"], "operands": {"a": [5, 40], "b": [0, 400]}, "shots": 2, "per_value": 1}


def metadata(**changes):
    return make_prompts("result", "result", 0, 0, 999, {**OPTIONS, **changes})[1]


@pytest.fixture(scope="module")
def answer_model():
    numbers = NumberTokenizer(digit_tokenizer())
    model = tiny_model("llama", head=True, vocab_size=len(numbers.tokenizer), max_position_embeddings=200)
    return AnswerModel(model, numbers)


@pytest.fixture(scope="module")
def pairs(answer_model):
    return pairs_of_context(["+"], 40, 60, metadata()).draw(TEST, SPLIT, 0, answer_model)


def all_logits(answer_model, pairs, interchange, reach, begin):
    """The logits of the counterfactual answers, teacher-forced, as one vector."""
    edits = interchange.edits(None, reach)
    beginning = answer_model.begin(pairs.base, edits) if begin else None
    assert (beginning is not None) == begin
    parts = {}
    with torch.inference_mode():
        for rows in pairs.batches(1000):
            said = np.stack([pairs.answers[row] for row in rows])
            logits = answer_model.answer_logits(pairs.base, rows, said, edits, beginning)
            parts |= {int(row): one.flatten() for row, one in zip(rows, logits, strict=True)}
    return [parts[row] for row in range(len(pairs))]


def counterfactual_logits(answer_model, pairs):
    questions, order = pairs.questions["counterfactual"], pairs.order["counterfactual"]
    with torch.inference_mode():
        return [
            answer_model.answer_logits(questions, np.array([row]), said[None]).flatten()
            for row, said in zip(order, pairs.answers, strict=True)
        ]


@pytest.mark.parametrize("begin", [False, True])
def test_all_tokens_at_the_input_are_the_counterfactual_prompt(answer_model, pairs, begin):
    interchange = find_interchange(answer_model, pairs, "0")
    assert pairs.reaches == (LAST, ALL) and len(interchange.earlier) == 2
    wanted = counterfactual_logits(answer_model, pairs)
    for one, other in zip(all_logits(answer_model, pairs, interchange, ALL, begin), wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    last = all_logits(answer_model, pairs, interchange, LAST, begin)
    alike = [torch.allclose(one, other, atol=1e-4) for one, other in zip(last, wanted, strict=True)]
    # Numbers that differ in their last digit alone are told by it.
    assert alike == (pairs.table["b"] // 10 == pairs.table["source_b"] // 10).to_list() and not all(alike)


def test_either_operand_can_be_interchanged(answer_model):
    asked = metadata(operands={"a": [0, 999], "b": [0, 2]})
    pairs = pairs_of_context(["+", "-"], 40, 60, asked, operand="a").draw(TEST, SPLIT, 0, answer_model)
    assert set(pairs.table["b"]) | set(pairs.table["source_b"]) <= {0, 1, 2}
    interchange = find_interchange(answer_model, pairs, "0")
    whole = all_logits(answer_model, pairs, interchange, ALL, begin=False)
    for one, other in zip(whole, counterfactual_logits(answer_model, pairs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    # Nothing before the first operand differs between prompts: the base's state is its own already.
    same = find_interchange(answer_model, pairs, "1", "same")
    assert list(answer_model.answers(pairs.base, same.edits(None, ALL)).texts) == list(
        answer_model.answers(pairs.base).texts
    )


def test_answers_with_all_tokens_changed_are_those_to_the_counterfactual_prompt(answer_model, pairs):
    interchange = find_interchange(answer_model, pairs, "0")
    asked = answer_model.answers(pairs.questions["counterfactual"])
    texts = np.array(asked.texts)[pairs.order["counterfactual"]].tolist()
    assert list(answer_model.answers(pairs.base, interchange.edits(None, ALL)).texts) == texts


def test_own_answers_are_followed_where_true_results_are_not(answer_model):
    drawn = pairs_of_context(["+"], 40, 60, metadata())
    true = drawn.draw(TEST, SPLIT, 0, answer_model)
    with pytest.raises(
        NumprobeError, match="the model does not answer any two of them with different numbers; show it"
    ):
        with_own_answers(answer_model, true, 999)
    adder = AnswerModel(Adder(), NumberTokenizer(word_tokenizer()))
    split = interchange_split(make_split(0, 99, "folds", 5, 3, 0), 0)
    right = PairSettings(("+", "-"), 40, 40).draw(TEST, split, 0, adder)
    own = with_own_answers(adder, right, 99)
    assert own.table.equals(right.table) and own.base.table.equals(right.base.table)
    assert [said.tolist() for said in own.answers] == [said.tolist() for said in right.answers]
    wrong = Adder()
    # Every answer becomes the next number.
    wrong.lm_head.ids = wrong.lm_head.ids[1:] + wrong.lm_head.ids[:1]
    asked = AnswerModel(wrong, adder.numbers)
    own = PairSettings(("+",), 40, 40, target=ANSWER).draw(TEST, split, 0, asked)
    assert own.table["number"].to_list() == [
        (a + b + 1) % 100 for a, b in own.table.select("a", "source_b").iter_rows()
    ]
    interchange = find_interchange(asked, own, "0")
    found = asked.answers(own.base, interchange.edits(None, LAST)).values
    assert found.tolist() == own.table["number"].to_list()
    assert asked.answers(own.base).values.tolist() == own.base.table["number"].to_list()


def test_a_source_with_the_same_operand_changes_no_state_at_the_input(answer_model, pairs):
    interchange = find_interchange(answer_model, pairs, "0", "same")
    assert (
        answer_model.answers(pairs.base, interchange.edits(None, ALL)).texts == answer_model.answers(pairs.base).texts
    )


def test_the_loss_of_an_answer_is_the_sum_of_its_tokens(answer_model, pairs):
    interchange = find_interchange(answer_model, pairs, "1")
    basis = torch.linalg.qr(torch.randn(32, 3, generator=torch.manual_seed(0))).Q
    edits = interchange.edits(basis, ALL)
    rows = next(rows for rows in pairs.batches(1000) if len(pairs.answers[rows[0]]) == 2)[:1]
    first, second = map(int, pairs.answers[rows[0]])
    with torch.inference_mode():
        found = answer_loss(answer_model, interchange, rows, basis)
        begun = answer_loss(answer_model, interchange, rows, basis, answer_model.begin(pairs.base, edits))
        question = pairs.base.take(rows)
        own = [type(edit)(edit.layer, edit.tokens[rows], lambda s, _, e=edit: e.change(s, rows)) for edit in edits]
        longer = type(question)(question.table, np.append(question.ids, first), question.bounds + np.array([0, 1]))
        parts = [answer_model.logits(one, np.array([0]), own)[0].log_softmax(-1) for one in (question, longer)]
    torch.testing.assert_close(found[0], -parts[0][first] - parts[1][second], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(begun, found, rtol=1e-4, atol=1e-4)


def test_training_lowers_the_loss_of_answers_of_several_tokens(answer_model):
    drawn = pairs_of_context(["+"], 60, 40, metadata())
    train, validation = (
        find_interchange(answer_model, drawn.draw(part, SPLIT, 0, answer_model), "1") for part in (TRAIN, VALIDATION)
    )
    losses = [
        learn_basis(answer_model, train, train, 8, Training(steps=steps, batch=16, every=5), 0).loss
        for steps in (1, 25)
    ]
    assert losses[1] < losses[0]
    assert learn_basis(answer_model, train, validation, 8, Training(steps=1, batch=4), 0).basis.shape == (32, 8)


@pytest.mark.parametrize("part", [TRAIN, VALIDATION, TEST])
def test_pairs_keep_to_ranges_and_leave_examples_out(part):
    prompts = read_pair_prompts(metadata())
    table = draw_pairs(["+", "-"], SPLIT, part, 80, 0, prompts)
    assert table.height == 80 and len(prompts.examples) == 2
    shown = numbers_written(prompts.examples)
    for name in ("a", "source_a", "other"):
        assert table[name].is_between(5, 40).all()
    for name in ("b", "source_b"):
        assert table[name].is_between(0, 400).all() and not set(table[name]) & shown
    for row in table.iter_rows(named=True):
        sign = 1 if row["operation"] == "+" else -1
        pairs = [(row[a], row[b]) for a, b in (("a", "b"), ("source_a", "source_b"), ("other", "b"))]
        results = {row["number"], *(a + sign * b for a, b in pairs)}
        assert row["number"] == row["a"] + sign * row["source_b"] and not results & shown
        assert min(results) >= 0 and max(results) <= 999


def test_prompts_begin_with_the_examples_and_operands_are_equally_long(answer_model, pairs):
    before = examples_text(read_pair_prompts(metadata()).examples)
    for name, questions in pairs.questions.items():
        texts = [answer_model.numbers.tokenizer.decode(questions.sequences(np.array([row]))[0][1:]) for row in range(3)]
        assert all(text.startswith(before) and text.endswith("= ") for text in texts), name
    lengths = [pairs.lengths(name)[pairs.order[name]] for name in ("base", "source", "same")]
    assert set(lengths[0]) == {1, 2, 3} or set(lengths[0]) == {2, 3}
    assert all(np.array_equal(lengths[0], other) for other in lengths[1:])
    wanted = [str(value) for value in pairs.table["number"]]
    assert [answer_model.numbers.tokenizer.decode(said) for said in pairs.answers] == wanted


def test_chats_are_written_in_the_models_template():
    tokenizer = digit_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
    numbers, prompts = NumberTokenizer(tokenizer), read_pair_prompts(metadata(chat=True))
    asked = ask_pairs(draw_pairs(["+"], SPLIT, TEST, 5, 0, prompts), numbers, prompts)
    text = tokenizer.decode(asked.base.sequences(np.array([0]))[0][1:])
    assert text.count("[user]") == text.count("[assistant]") == 3 and text.endswith("[assistant]")
    with pytest.raises(NumprobeError, match="has no chat template"):
        ask_pairs(draw_pairs(["+"], SPLIT, TEST, 5, 0, prompts), NumberTokenizer(digit_tokenizer()), prompts)


def test_the_file_of_bases_knows_how_its_pairs_are_asked(answer_model, tmp_path):
    drawn = pairs_of_context(["+", "*"], 20, 20, metadata(), operand="a")
    assert drawn.operations == ("+",)
    learned = train_subspaces(answer_model, STUDY, ["1"], False, [], 1, 2, drawn, Training(steps=1, batch=4), 0, {})
    learned.save(tmp_path / "file")
    assert known_pairs(load_subspaces(tmp_path / "file").metadata) == drawn
    bare = PairSettings(("+",), 2, 2)
    assert known_pairs({"pairs": {"operations": ["+"], "train": 2, "test": 2, "prompts": vars(bare.prompts)}}) == bare


def test_single_tokens_can_be_changed_in_one_way():
    split = interchange_split(make_split(0, 99, "folds", 5, 3, 0), 0)
    pairs = PairSettings(("+",), 20, 20).draw(TEST, split, 0, AnswerModel(Adder(), NumberTokenizer(word_tokenizer())))
    assert pairs.reaches == (LAST,) and {len(said) for said in pairs.answers} == {1}


@pytest.mark.parametrize(
    ("operations", "prompts", "message"),
    [
        (["+"], PairPrompts(((0, 9), (7, 7))), r"with \+, a in 0..9, b in 7..7, no two numbers of the test part have"),
        (["*"], PairPrompts(((990, 999), (50, 90))), "results within 0..999: widen `operands` of the context, or name"),
    ],
)
def test_ranges_that_leave_no_pair_are_refused(operations, prompts, message):
    with pytest.raises(NumprobeError, match=message):
        draw_pairs(operations, SPLIT, TEST, 100, 0, prompts)


def test_operations_that_a_context_lacks_are_refused():
    with pytest.raises(NumprobeError, match=r"'result' has none of the operations \* /: name some of \+ - under"):
        pairs_of_context(["*", "/"], 10, 10, metadata())


def test_operands_of_different_lengths_leave_no_pair():
    numbers = NumberTokenizer(digit_tokenizer())
    digits = (pl.col(name).cast(pl.String).str.len_chars() for name in ("b", "source_b"))
    rows = draw_pairs(["+"], SPLIT, TEST, 50, 0).filter(next(digits) != next(digits))
    with pytest.raises(NumprobeError, match="does not write the operands of any pair as equally many tokens"):
        ask_pairs(rows, numbers)
