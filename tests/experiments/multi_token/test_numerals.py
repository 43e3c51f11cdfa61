import numpy as np
import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.experiments.multi_token.numerals import FORMATS, NUMERALS, numeral_prompts


def test_the_numeral_stands_where_its_span_says():
    table = numeral_prompts(0, list(FORMATS), 3, 50)
    assert table.schema == NUMERALS
    for row in table.iter_rows(named=True):
        assert row["text"][row["start"] : row["end"]] == row["numeral"]
        assert not row["numeral"].startswith("0") or row["numeral"] == "0"


def test_lengths_cover_every_group_of_three():
    digits = numeral_prompts(0, ["bare"], 3, 1000)["numeral"].str.len_chars().value_counts().sort("numeral")
    assert digits["numeral"].to_list() == list(range(1, 10))
    assert digits["count"].to_list()[3:6] == digits["count"].to_list()[6:9] == [100, 200, 700]


def test_groups_are_balanced():
    numerals = numeral_prompts(1, ["bare"], 2, 1800).filter(pl.col("numeral").str.len_chars() > 3)["numeral"]
    first = numerals.str.slice(0, 3).cast(pl.Int64).to_numpy()
    assert np.bincount(first)[100:].tolist() == [2] * 900
    last = numerals.filter(numerals.str.len_chars() == 4).str.slice(3, 1)
    assert last.value_counts()["count"].max() - last.value_counts()["count"].min() <= 1


def test_the_paper_adds_numbers_of_equal_length():
    texts = numeral_prompts(0, ["second"], 3, 30)["text"].str.strip_suffix("=").str.split("+").to_list()
    assert {(len(a) + 2) // 3 - (len(b) + 2) // 3 for a, b in texts} == {0}


def test_the_seed_decides():
    assert numeral_prompts(0, ["bare"], 2, 20).equals(numeral_prompts(0, ["bare"], 2, 20))
    assert not numeral_prompts(0, ["bare"], 2, 20).equals(numeral_prompts(1, ["bare"], 2, 20))


def test_an_unknown_format_is_an_error():
    with pytest.raises(NumprobeError, match="no format third: choose from bare, first, second"):
        numeral_prompts(0, ["third"], 2, 20)
