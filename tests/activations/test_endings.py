"""Which numbers end in a number's last token: by hand, and by brute force over whole texts."""

import re

import polars as pl
import pytest

from activations.prompts import prompt_table
from models.tiny import (
    byte_tokenizer,
    digit_tokenizer,
    merging_tokenizer,
    separate_space_tokenizer,
    word_tokenizer,
    wordpiece_tokenizer,
)
from numprobe.activations import endings
from numprobe.activations.endings import with_endings
from numprobe.activations.locate import locate_numbers
from numprobe.models.tokens import NumberTokenizer

TEXTS = ["is 45 and 7", "45", "245 is 1045", "(345) and -12, 3.75", "1\n345", "the sum is 312 and 5", "0 is 9999"]


def located(make, texts=TEXTS, read_at="token", values=range(1000), **options):
    """The position table with endings as sets of numbers, and the list of them."""
    numbers, prompts = NumberTokenizer(make(), **options), prompt_table(texts, read_at)
    return with_endings(locate_numbers(prompts, numbers, None).positions, prompts, numbers, values)


def by_value(positions, found, value):
    (ending,) = positions.filter(pl.col("number") == value)["ending"].unique().to_list()
    return found[ending]


def brute_force(make, text, start, end, id, values):
    """The numbers that end in a token when the whole text is written with them."""
    numbers = NumberTokenizer(make())
    written = [f"{text[:start]}{value}{text[end:]}" for value in values]
    found = []
    for value, whole, encoded in zip(values, written, numbers.encode(written), strict=True):
        span = numbers.find_numeral(whole, encoded, start, start + len(str(value)))
        if not isinstance(span, str) and encoded.ids[span.last] == id:
            found.append(value)
    return found


MAKERS = [byte_tokenizer, digit_tokenizer, merging_tokenizer, separate_space_tokenizer, wordpiece_tokenizer]


@pytest.mark.parametrize("make", MAKERS)
def test_endings_are_those_of_the_whole_text(make):
    values = range(40, 460)
    prompts = prompt_table(TEXTS)
    positions, found = located(make, values=values)
    assert found == [sorted(set(ending)) for ending in found]
    for row in positions.iter_rows(named=True):
        text = prompts.filter(prompt=row["prompt"])["text"][0]
        if row["number"] not in values:
            assert row["ending"] is None
        else:
            assert row["number"] in found[row["ending"]]
            expected = brute_force(make, text, row["start"], row["end"], row["token_id"], values)
            assert found[row["ending"]] == expected


def test_numbers_written_digit_by_digit_end_in_their_units():
    positions, found = located(digit_tokenizer)
    assert by_value(positions, found, 345) == list(range(5, 1000, 10))
    assert by_value(positions, found, 7) == list(range(7, 1000, 10))
    positions, found = located(digit_tokenizer, values=range(50, 1235))
    assert by_value(positions, found, 345) == list(range(55, 1235, 10))
    assert by_value(positions, found, 1045) == list(range(55, 1235, 10))
    # 7 and 45 are no numbers of the study.
    assert (
        positions.filter(pl.col("number") < 50)["ending"].null_count() == positions.filter(pl.col("number") < 50).height
    )


def test_a_first_piece_and_a_later_one_are_different_tokens():
    positions, found = located(wordpiece_tokenizer, ["is 45 and 845 and 99"])
    assert by_value(positions, found, 45) == [45]
    # Pieces reach 59: 845 is 8 and ##45, but 345 is 34 and ##5.
    assert by_value(positions, found, 845) == [645, 745, 845, 945]
    assert {69, 99, 169, 699} <= set(by_value(positions, found, 99))
    assert not {9, 59, 659} & set(by_value(positions, found, 99))


def test_the_space_before_a_number_decides_which_token_it_is():
    # "Ġ45" is a token, and so is "45", in which 545 ends: 54 is merged later.
    positions, found = located(byte_tokenizer, ["is 45 and 545", "(45"])
    ends = dict(zip(positions["start"], positions["ending"], strict=True))
    assert found[ends[3]] == [45]
    assert found[ends[10]] == [545, 645, 745, 845, 945]
    assert found[ends[1]] == [45, 545, 645, 745, 845, 945]


def test_single_tokens_throughout_need_no_endings():
    for positions, found in (located(word_tokenizer, ["1 is 2"]), located(digit_tokenizer, ["1 is 2"])):
        assert found == []
        assert positions["ending"].dtype == pl.UInt32
        assert positions["ending"].null_count() == positions.height
    positions, found = located(digit_tokenizer, single_tokens=True)
    assert (found, positions["ending"].null_count()) == ([], positions.height)


def test_a_state_before_the_number_has_no_ending():
    positions, found = located(digit_tokenizer, ["1 is 234"], "before")
    assert (found, positions["ending"].to_list()) == ([], [None])


def test_numbers_are_written_behind_one_character_unless_that_cuts_them_otherwise(monkeypatch):
    """A tokenizer that cuts numbers behind "sum is" into digits, and others into pairs of digits."""
    written = []
    spell = endings.Endings._spell
    monkeypatch.setattr(endings.Endings, "_spell", lambda self, *text: (written.append(text), spell(self, *text))[1])
    texts = ["the sum is 545 and 12", "and 545", "and 45"]
    located(merging_tokenizer, texts)
    assert set(written) == {(" ", "")}
    written.clear()
    positions, found = located(sum_tokenizer, texts)
    assert set(written) == {(" ", ""), ("the sum is ", ""), (" sum is 545 and ", "")}
    by_place = dict(zip(positions.select("prompt", "start").rows(), positions["ending"], strict=True))
    assert found[by_place[0, 11]] == list(range(5, 1000, 10))
    assert found[by_place[1, 4]] == found[by_place[2, 4]] == [45, *range(445, 1000, 100)]


class _Cut:
    """A tokenizer of digits within some text, of another kind elsewhere: what is cut how depends on the text before."""

    def __init__(self):
        self.digits, self.pairs = digit_tokenizer(), merging_tokenizer()

    def __getattr__(self, name):
        return getattr(self.pairs, name)

    def __call__(self, texts, **options):
        if isinstance(texts, str):
            return self.pairs(texts, **options)
        rows = [(self.digits if re.search("sum is", text) else self.pairs)([text], **options) for text in texts]
        return {name: [row[name][0] for row in rows] for name in rows[0]}


def sum_tokenizer():
    return _Cut()
