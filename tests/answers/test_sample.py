import pytest

from models.tiny import word_tokenizer
from numprobe.answers.questions import Questions, find_questions
from numprobe.answers.sample import sample_questions
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts


@pytest.fixture(scope="module")
def questions():
    return find_questions(result_prompts(0, 60, 0, "result", ["+", "-"], 3), NumberTokenizer(word_tokenizer()))


def drawn(questions, prompts, seed=0):
    return sample_questions(questions, prompts, seed).table


@pytest.mark.parametrize("prompts", [1, 40, 61, 100])
def test_no_result_is_asked_twice_before_all_are_asked_once(questions, prompts):
    table = drawn(questions, prompts)
    assert table.group_by("operation").len()["len"].to_list() == [prompts, prompts]
    counts = table.group_by("operation", "value").len()["len"]
    assert counts.max() == -(-prompts // 61)
    assert prompts < 61 or counts.min() == prompts // 61


def test_a_smaller_sample_is_part_of_a_larger_one(questions):
    small, large = (set(drawn(questions, prompts)["prompt"]) for prompts in (20, 70))
    assert small < large


def test_all_are_asked_where_there_are_no_more(questions):
    assert drawn(questions, 1000).equals(questions.table)


def test_the_seed_draws_and_the_order_of_the_questions_does_not_matter(questions):
    assert set(drawn(questions, 20)["prompt"]) != set(drawn(questions, 20, seed=1)["prompt"])
    turned = Questions(questions.table[::-1], questions.ids, questions.bounds)
    assert set(drawn(turned, 20)["prompt"]) == set(drawn(questions, 20)["prompt"])
