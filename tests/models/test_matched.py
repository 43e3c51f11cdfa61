"""Tokens that are no numbers, nearest to the numbers' ids."""

import pytest

from numprobe.models.matched import Vocabulary, choose_matched, read_vocabulary
from numprobe.models.tokens import NumberTokenizer

from .tiny import byte_tokenizer, word_tokenizer, wordpiece_tokenizer


def vocabulary(tokenizer):
    return read_vocabulary(NumberTokenizer(tokenizer), range(30))


def test_plain_tokens_hold_no_digits_and_are_one_token_alone():
    found = vocabulary(word_tokenizer())
    assert {"is", "and", "+"} <= set(found.plain)
    assert not any(sign.isdigit() for text in found.plain for sign in text)
    assert "[UNK]" not in found.plain
    assert found.numbers == {n: n + 3 for n in range(30)}


@pytest.mark.parametrize("make", [word_tokenizer, wordpiece_tokenizer, byte_tokenizer])
def test_plain_tokens_are_what_the_tokenizer_says(make):
    tokenizer = make()
    for text, id in vocabulary(tokenizer).plain.items():
        assert id in tokenizer(text)["input_ids"]


def test_the_same_texts_nearest_to_the_numbers_are_chosen_in_both():
    numbers = {1: 10, 2: 11, 3: 12}
    first = Vocabulary({"near": 9, "close": 13, "next": 14, "far": 500, "own": 8}, numbers)
    second = Vocabulary({"near": 13, "close": 9, "next": 15, "far": 400, "other": 8}, numbers)
    assert choose_matched(first, second) == ["near", "close", "next"]
    assert choose_matched(first, first) == ["near", "close", "next"]


def test_vocabularies_without_common_words_have_nothing_to_compare():
    numbers = {1: 10}
    assert choose_matched(Vocabulary({"a": 1}, numbers), Vocabulary({"b": 1}, numbers)) == []
