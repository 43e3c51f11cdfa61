import numpy as np
import polars as pl
import pytest

from activations.prompts import prompt_table
from models.tiny import (
    byte_tokenizer,
    separate_space_tokenizer,
    tiny_config,
    word_tokenizer,
    wordpiece_tokenizer,
)
from numprobe.activations.locate import locate_numbers, longest_sequence
from numprobe.errors import NumprobeError
from numprobe.models.tokens import NumberTokenizer

WORDS = NumberTokenizer(word_tokenizer())


def pieces(located, numbers, row):
    """The tokens that are fed for a row."""
    sequence = located.sequence[row]
    ids = located.ids[located.bounds[sequence] : located.bounds[sequence + 1]]
    return numbers.tokenizer.convert_ids_to_tokens(ids.tolist())


def test_rows_are_sorted_by_length_and_texts_are_fed_once():
    located = locate_numbers(prompt_table(["1 and 2 and 3", "7", "5 is 6", "8"]), WORDS, None)
    positions = located.positions
    assert positions["row"].to_list() == list(range(7))
    assert positions["number"].to_list() == [7, 8, 5, 6, 1, 2, 3]
    assert positions["n_tokens"].to_list() == [2, 2, 4, 4, 6, 6, 6]
    assert positions["token"].to_list() == [1, 1, 1, 3, 1, 3, 5]
    assert located.sequence.tolist() == [0, 1, 2, 2, 3, 3, 3]
    assert np.diff(located.bounds).tolist() == [2, 2, 4, 6]
    assert sum(located.dropped.values()) == 0
    for row in positions.iter_rows(named=True):
        fed = pieces(located, WORDS, row["row"])
        assert fed[0] == "<s>"
        assert fed[row["token"]] == str(row["number"])
        assert WORDS.tokenizer.convert_tokens_to_ids(fed[row["token"]]) == row["token_id"]


def test_the_position_table_keeps_the_prompts_columns_but_the_text():
    table = prompt_table(["7 is 8"]).with_columns(pl.lit("t").alias("template"))
    positions = locate_numbers(table, WORDS, None).positions
    found = ["row", "token", "token_id", "n_tokens", "first_token", "number_tokens"]
    assert positions.columns == [*found, *(set_without_text(table))]
    assert positions.schema["row"] == positions.schema["token"] == positions.schema["n_tokens"] == pl.UInt32
    assert positions["template"].to_list() == ["t", "t"]


def set_without_text(table):
    return [name for name in table.columns if name != "text"]


def test_dropped_rows_are_counted_by_reason():
    table = prompt_table(["12 is 77", "the 12th", "is 1 and 2 and 3 and 4 and 5"])
    located = locate_numbers(table, NumberTokenizer(wordpiece_tokenizer(), single_tokens=True), 9)
    assert located.dropped == {"multi_token": 1, "glued": 1, "unknown": 0, "too_long": 5}
    assert located.positions["number"].to_list() == [12]
    assert located.positions.height + sum(located.dropped.values()) == table.height


@pytest.mark.parametrize(
    ("make", "text", "last"),
    [
        (word_tokenizer, "is 1234 and 5", "4"),
        (byte_tokenizer, "is 1234 and 5", "34"),
        (separate_space_tokenizer, "is 123 and 5", "3"),
        (wordpiece_tokenizer, "is 4512 and 5", "##12"),
    ],
)
def test_a_number_of_several_tokens_is_read_at_its_last(make, text, last):
    numbers = NumberTokenizer(make())
    located = locate_numbers(prompt_table([text]), numbers, None)
    whole, single = located.positions.rows(named=True)
    assert pieces(located, numbers, 0)[whole["token"]] == last
    assert (whole["number_tokens"], whole["token"] - whole["first_token"]) == (2, 1)
    assert (single["number_tokens"], single["token"]) == (1, single["first_token"])
    assert located.dropped == {"glued": 0, "unknown": 0, "too_long": 0}


def test_without_numbers_of_several_tokens_none_may_be_left():
    with pytest.raises(NumprobeError, match=r"no number of the prompts can be read .*'multi_token': 1"):
        locate_numbers(prompt_table(["1234"]), NumberTokenizer(word_tokenizer(), single_tokens=True), None)


@pytest.mark.parametrize(
    ("numbers", "fed"),
    [
        (WORDS, ["<s>", "1", "+", "2", "="]),
        (NumberTokenizer(byte_tokenizer()), ["<|endoftext|>", "1", "Ġ", "+", "Ġ2", "Ġ", "="]),
        (NumberTokenizer(separate_space_tokenizer()), ["<|endoftext|>", "1", "Ġ", "+", "Ġ", "2", "Ġ", "=", "Ġ"]),
    ],
)
def test_before_reads_the_last_token_before_the_answer_and_feeds_nothing_of_it(numbers, fed):
    located = locate_numbers(prompt_table(["1 + 2 = 3"], "before"), numbers, None)
    assert pieces(located, numbers, 0) == fed
    row = located.positions.row(0, named=True)
    assert (row["token"], row["n_tokens"], row["number"]) == (len(fed) - 1, len(fed), 3)
    assert row["token_id"] == numbers.tokenizer.convert_tokens_to_ids(fed[-1])


def test_before_takes_answers_of_several_tokens():
    located = locate_numbers(prompt_table(["1 + 2 = 3", "1 + 2 = 1234"], "before"), WORDS, None)
    assert located.positions["number"].to_list() == [3, 1234]
    assert located.positions["number_tokens"].to_list() == [1, 2]
    assert located.positions["token"].to_list() == [4, 4]
    assert located.positions["first_token"].to_list() == [5, 5]
    single = locate_numbers(
        prompt_table(["1 + 2 = 3", "1 + 2 = 1234"], "before"), NumberTokenizer(word_tokenizer(), None, True), None
    )
    assert (single.dropped["multi_token"], single.positions["number"].to_list()) == (1, [3])


def test_before_does_not_count_the_answer_as_fed():
    table = prompt_table(["1 + 2 = 3"], "before")
    assert locate_numbers(table, WORDS, 5).positions.height == 1
    with pytest.raises(NumprobeError, match="too_long"):
        locate_numbers(table, WORDS, 4)


def test_a_text_that_is_read_in_both_ways_is_fed_in_both_ways():
    texts = ["1 + 2 = 3"]
    located = locate_numbers(pl.concat([prompt_table(texts), prompt_table(texts, "before")]), WORDS, None)
    assert np.diff(located.bounds).tolist() == [5, 6]
    assert located.positions["number"].to_list() == [3, 1, 2, 3]


def test_many_texts_are_found_as_few_are():
    texts = [f"{n % 200} is {n % 190}" for n in range(2500)]
    positions = locate_numbers(prompt_table(texts), WORDS, None).positions
    order = sorted(range(2500), key=lambda n: (n % 200, n % 190, n))
    assert positions["prompt"].to_list() == [n for n in order for _ in range(2)]
    assert positions["number"].to_list() == [value for n in order for value in (n % 200, n % 190)]


@pytest.mark.parametrize(("kind", "limit"), [("llama", 64), ("gpt2", 64), ("roberta", 63), ("bloom", None)])
def test_the_longest_sequence(kind, limit):
    tokenizer = word_tokenizer()
    assert longest_sequence(tiny_config(kind), tokenizer) == limit
    tokenizer.model_max_length = 10
    assert longest_sequence(tiny_config(kind), tokenizer) == 10
