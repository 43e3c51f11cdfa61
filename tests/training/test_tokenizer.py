import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from numprobe.training.tokenizer import BOS_ID, FIRST_NUMBER, UNKNOWN, build_tokenizer, words_of

TOKENIZER = build_tokenizer(["apples", "code", "e", "mg"], 64)


def tokens(text):
    return TOKENIZER.convert_ids_to_tokens(TOKENIZER.encode(text, add_special_tokens=False))


@pytest.mark.parametrize("n", [0, 5, 10, 99, 100, 999])
def test_a_number_is_one_token_whose_id_is_known(n):
    assert TOKENIZER.encode(str(n)) == [BOS_ID, FIRST_NUMBER + n]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12045", ["120", "45"]),
        ("1234", ["123", "4"]),
        ("1000000", ["100", "000", "0"]),
        ("120005", ["120", "005"]),
        ("E11.9", ["e", "11", ".", "9"]),
        ("$12", ["$", "12"]),
        ("12mg", ["12", "mg"]),
        ("(12+7)=19", ["(", "12", "+", "7", ")", "=", "19"]),
        ("Apples and 3 apples", ["apples", UNKNOWN, "3", "apples"]),
    ],
)
def test_how_texts_are_cut(text, expected):
    assert tokens(text) == expected


@given(st.integers(0, 10**12).map(str) | st.from_regex(r"\A[0-9]{1,9}\Z"))
def test_every_numeral_is_written_without_loss(numeral):
    assert "".join(tokens(numeral)) == numeral


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30), st.integers(0, 999), st.text(max_size=10))
def test_offsets_point_into_the_original_text(before, number, after):
    text = f"{before} {number} {after}"
    encoded = TOKENIZER(text, return_offsets_mapping=True)
    spans = dict(zip(encoded["offset_mapping"], encoded["input_ids"], strict=True))
    start = len(before) + 1
    assert spans[start, start + len(str(number))] == FIRST_NUMBER + number


@given(st.text(max_size=40))
def test_every_digit_is_in_a_token(text):
    read = "".join(re.sub("[^0-9]", "", token) for token in tokens(text) if token != UNKNOWN)
    assert read == re.sub("[^0-9]", "", text)


def test_every_text_starts_with_bos():
    assert TOKENIZER("")["input_ids"] == [BOS_ID]
    assert TOKENIZER("apples")["input_ids"][0] == BOS_ID


def test_a_saved_tokenizer_reads_the_same(tmp_path):
    TOKENIZER.save_pretrained(tmp_path)
    text = "Code E11.9: 12045 apples, $007"
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(text, return_offsets_mapping=True) == TOKENIZER(text, return_offsets_mapping=True)
    assert loaded.pad_token_id == TOKENIZER.pad_token_id


def test_words_are_runs_of_letters_in_lower_case():
    assert words_of(["The 12mg dose, the", "E11.9 don't"]) == ["don", "dose", "e", "mg", "t", "the"]
