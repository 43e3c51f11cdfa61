import polars as pl
import pytest
from numpy.testing import assert_array_equal

from models.tiny import word_tokenizer
from numprobe.answers.draw import draw_questions
from numprobe.answers.questions import find_questions
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts


@pytest.fixture(scope="module")
def questions():
    return find_questions(result_prompts(0, 60, 0, "result", ["+", "-"], 3), NumberTokenizer(word_tokenizer()))


def test_each_operation_has_as_many_and_each_result_one_before_another_has_two(questions):
    few = draw_questions(questions, 20, 0).table
    assert few.group_by("operation").len()["len"].to_list() == [20, 20]
    assert not few.select(pl.struct("operation", "value").is_duplicated()).to_series().any()
    more = draw_questions(questions, 100, 0).table.group_by("operation", "value").len()["len"]
    assert (more.min(), more.max()) == (1, 2)


def test_the_draw_is_the_same_whatever_else_was_there(questions):
    sums = questions.take((questions.table["operation"] == "+").to_numpy())
    expected = draw_questions(questions, 15, 0).table.filter(pl.col("operation") == "+")
    assert draw_questions(sums, 15, 0).table.equals(expected)
    assert not draw_questions(sums, 15, 1).table.equals(expected)


def test_fewer_questions_than_allowed_are_all_kept(questions):
    all_of_them = draw_questions(questions, 10**6, 0)
    assert_array_equal(all_of_them.ids, questions.ids)
