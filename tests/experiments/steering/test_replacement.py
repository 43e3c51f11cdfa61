from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from interventions.operand_model import SPLIT, operand_model
from numprobe.errors import NumprobeError
from numprobe.experiments.steering.replacement import replace_operands, results_with
from numprobe.interventions.operands import operand_questions
from numprobe.prompts.examples import Example


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return operand_model(tmp_path_factory.mktemp("operands") / "states", "code")


@pytest.fixture(scope="module", params=["a", "b"])
def both(request, model):
    asked = operand_questions(model.questions, request.param, model.patterns, SPLIT)
    return request.param, replace_operands(asked, request.param, model.answer_model.numbers, model.patterns, SPLIT, 0)


def test_only_the_operand_is_replaced(both):
    operand, found = both
    other = "b" if operand == "a" else "a"
    assert len(found.questions) > 100
    before, after = found.questions.table, found.replaced.table
    for name in ("prompt", "operation", other, "token_a", "token_b"):
        assert_array_equal(before[name].to_numpy(), after[name].to_numpy())
    assert_array_equal(before[operand].to_numpy(), found.operands)
    assert_array_equal(after[operand].to_numpy(), found.numbers)
    for row in range(0, len(found.questions), 10):
        one, two = (questions.sequences(np.array([row]))[0] for questions in (found.questions, found.replaced))
        assert np.flatnonzero(one != two).tolist() == [before[f"token_{operand}"][row]]


def test_numbers_of_worked_examples_are_neither_changed_nor_written(model):
    examples = (Example("+", 3, 4, 7), Example("-", 50, 20, 30))
    shown = replace(model.questions, examples=examples)
    asked = operand_questions(shown, "b", model.patterns, SPLIT)
    found = replace_operands(asked, "b", model.answer_model.numbers, model.patterns, SPLIT, 0)
    every = operand_questions(model.questions, "b", model.patterns, SPLIT)
    gone = every.table.filter(pl.col("b").is_in([3, 4, 7, 50, 20, 30])).height
    assert len(asked) == len(every) - gone < len(every)
    written = [found.numbers, found.wrong, *(found.replaced.table["number"].to_numpy(),)]
    assert not any(np.isin(numbers, [3, 4, 7, 50, 20, 30]).any() for numbers in written)
    assert found.replaced.examples == examples


def test_the_true_results_are_those_of_the_numbers_written(both):
    operand, found = both
    assert_array_equal(found.replaced.table["number"], results_with(found.questions.table, operand, found.numbers))
    assert_array_equal(found.questions.table["number"], results_with(found.questions.table, operand, found.operands))


def test_one_fold_has_seen_none_of_the_numbers(both):
    operand, found = both
    blocks = [SPLIT.block_of(numbers) for numbers in (found.operands, found.numbers, found.wrong)]
    assert_array_equal(blocks[0], blocks[1])
    assert_array_equal(blocks[0], blocks[2])
    results = [results_with(found.questions.table, operand, n) for n in (found.operands, found.numbers, found.wrong)]
    assert all(((result >= 0) & (result <= 99)).all() for result in results)
    # Three different numbers have three different results.
    assert (np.diff(np.sort(results, axis=0), axis=0) > 0).all()


def test_draws_depend_on_the_prompt_and_the_seed_alone(model, both):
    operand, found = both
    some = found.questions.take(np.arange(len(found.questions)) % 3 == 0)
    drawn = [
        replace_operands(questions, operand, model.answer_model.numbers, model.patterns, SPLIT, seed)
        for questions, seed in ((some, 0), (some, 1))
    ]
    kept = pl.Series(found.questions.table["prompt"]).is_in(some.table["prompt"].implode()).to_numpy()
    assert_array_equal(drawn[0].numbers, found.numbers[kept])
    assert (drawn[1].numbers != drawn[0].numbers).any()


def test_an_operand_without_two_others_is_left_out(model):
    table = model.questions.table
    small = model.questions.take(((table["operation"] == "-") & (table["a"] < 3)).to_numpy())
    with pytest.raises(NumprobeError, match="no operand b has two other test numbers"):
        replace_operands(small, "b", model.answer_model.numbers, model.patterns, SPLIT, 0)
