import pytest

from models.tiny import word_tokenizer
from numprobe.answers.questions import find_questions
from numprobe.answers.sample import sample_questions
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts


@pytest.fixture(scope="module")
def questions():
    return find_questions(result_prompts(0, 60, 0, "result", ["+", "-"], 2), NumberTokenizer(word_tokenizer()))


def prompts(sample):
    return set(sample.table["prompt"].to_list())


def test_operations_and_results_take_turns(questions):
    some = sample_questions(questions, 80, 0).table
    assert set(some["operation"].value_counts()["count"]) == {80}
    times = some.group_by("operation", "number").len()
    assert times.height == 2 * 61 and set(times["len"]) == {1, 2}


def test_a_smaller_sample_is_part_of_a_larger_one(questions):
    assert prompts(sample_questions(questions, 10, 0)) < prompts(sample_questions(questions, 30, 0))
    assert prompts(sample_questions(questions, 10, 0)) != prompts(sample_questions(questions, 10, 1))


def test_few_questions_are_all_kept(questions):
    assert prompts(sample_questions(questions, 1000, 0)) == prompts(questions)
