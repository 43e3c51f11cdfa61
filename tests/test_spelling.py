"""The numerals of texts: which are whole numbers in plain digits, and what the others are."""

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numprobe.prompts.natural import load_passages
from numprobe.spelling import SPELLINGS, find_numerals, plain_numbers


def told(text: str) -> list[tuple[str, str | None]]:
    """The numerals as they are written, each with its reason."""
    return [(text[numeral.start : numeral.end], numeral.reason) for numeral in find_numerals(text)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("42", ["42"]),
        ("I paid 42.", ["42"]),
        ("0 and 10%, $5; (7) #8", ["0", "10", "5", "7", "8"]),
        ("12+345=357 in 1998, 1999", ["12", "345", "357", "1998", "1999"]),
        ("12-7=5, 12*3, 12/4, 2^10", ["12", "7", "5", "12", "3", "12", "4", "2", "10"]),
        ("x - 7 and 5 - 7", ["7", "5", "7"]),
        # Between two numbers, or behind a letter, a hyphen is no sign.
        ("pages 3-7 and 3–7, 2020-11", ["3", "7", "3", "7", "2020", "11"]),
        ("E-7, COVID-19, x−7, (2)-7, 5%-7%", ["7", "19", "7", "2", "7", "5", "7"]),
        ("so many--7 in all", ["7"]),
        ("1..5", ["1", "5"]),
        ("3rd, 42km, A4, No.5, file_12", ["3", "42", "4", "5", "12"]),
        ("score 3:1, room 123:456", ["3", "1", "123", "456"]),
        ("1998 300 people", ["1998", "300"]),
        ("有42个，2024年", ["42", "2024"]),
        ("one 1\n234 lines", ["1", "234"]),
        ("no digits", []),
        ("", []),
    ],
)
def test_whole_numbers_in_plain_digits(text, numbers):
    assert told(text) == [(number, None) for number in numbers]


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        ("grouped", ["1,234", "12,345,678", "1 234 567", "1\u202f234", "1\u00a0234", "1'234", "1’234", "1.234.567"]),
        ("grouped", ["1_000", "-1,234"]),
        ("decimal", ["3.5", "3,5", "1,234.56", "1.234,56", "1 234,56", "1.234", "0.5", "-3.5", "10.25"]),
        ("negative", ["-7", "−7", "–7", "±7"]),
        ("leading_zeros", ["007", "00", "-007"]),
        ("scientific", ["1e5", "1E-7", "6.02e23", "2e+3"]),
        ("date", ["2024-05-06", "06/05/2024", "6.5.2024", "6-5-2024", "5/6/24"]),
        ("time", ["12:30", "9:05", "12:30:45", "12:30:45.5", "12:30.5"]),
        ("compound", ["1.2.3", "192.168.0.1", "192.168.100.1", "1,2,3", "1⁄2", "1,00,000"]),
        ("identifier", ["0x1F", "0b11"]),
    ],
)
def test_other_numerals_are_one_thing_and_named(reason, written):
    assert reason in SPELLINGS
    assert [told(text) for text in written] == [[(text, reason)] for text in written]
    # The same within a sentence, and at its end.
    for text in written:
        assert told(f"There are {text} of 8. It was {text}.") == [(text, reason), ("8", None), (text, reason)]


def test_a_leading_point_makes_a_decimal():
    assert told(".5 or $.50") == [("5", "decimal"), ("50", "decimal")]
    assert told("see fig.5") == [("5", None)]


@pytest.mark.parametrize(
    ("text", "digits"), [("H2O", ["2"]), ("x1y22", ["1", "22"]), ("12h30", ["12", "30"]), ("3f8a", ["3", "8"])]
)
def test_digits_inside_a_name_are_no_number(text, digits):
    assert told(text) == [(part, "identifier") for part in digits]


@pytest.mark.parametrize(
    "written", ["٤٢", "３", "²", "½", "Ⅷ", "①", "१२३", "12３", "１,234", "1,２34", "٣٫١٤", "١٬٢٣٤"]
)
def test_digits_of_other_kinds_are_listed_and_never_whole_numbers(written):
    assert told(f"There are {written} of 8.") == [(written, "other_digits"), ("8", None)]


def test_digits_of_other_kinds_spoil_those_beside_them():
    assert told("5², 3½ and −３") == [("5", "other_digits"), ("3", "other_digits"), ("−３", "other_digits")]
    assert told("① 300 g, 3 ½") == [("①", "other_digits"), ("300", None), ("3", None), ("½", "other_digits")]


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        ("grouped", ["1，234", "1٬234", "1\u2008234", "1\u200a234\u200a567", "1ʼ234", "1＿000"]),
        ("decimal", ["3．5", "3٫14", "3·14", "1,234٫5", "3،5"]),
        ("negative", ["－7", "‑7", "‐7", "﹣7", "‒7", "∓7", "-\u200b7", "−\u200e7"]),
        ("date", ["2024‑05‑06", "06／05／2024"]),
        ("time", ["12：30"]),
        ("compound", ["1\u200b2", "1\u00ad234", "1,\u200b234", "1\ufe0f\u20e32\ufe0f\u20e33", "1\u03012"]),
    ],
)
def test_signs_of_other_scripts_and_widths_are_read_as_their_likes(reason, written):
    for text in written:
        assert told(f"There are {text} of 8. It was {text}.") == [(text, reason), ("8", None), (text, reason)]


def test_signs_between_two_things_are_none_in_any_width():
    assert told("3‑7, COVID‐19, （2）－7, 5％－7％") == [(n, None) for n in ("3", "7", "19", "2", "7", "5", "7")]


def test_no_whole_number_is_a_part_of_more():
    """A mark that takes no room does not end a number; behind it, none begins."""
    assert told("5\u0301 and 7\u200b.") == [("5", None), ("7", None)]
    assert told("price１２34 and ٣4") == [("１２34", "other_digits"), ("٣4", "other_digits")]


@given(st.text("0123456789 ,.-−，·：\u200b\u0301²½３٤eEx%)", max_size=20))
def test_whole_numbers_are_maximal_runs_of_plain_digits(text):
    numerals = find_numerals(text)
    assert all(one.end <= other.start for one, other in pairwise(numerals))
    covered = {place for numeral in numerals for place in range(numeral.start, numeral.end)}
    assert {place for place, sign in enumerate(text) if sign.isdecimal()} <= covered
    for start, end in plain_numbers(text):
        assert re.fullmatch("0|[1-9][0-9]*", text[start:end])
        around = text[max(start - 1, 0) : start] + text[end : end + 1]
        assert not any(unicodedata.category(sign).startswith("N") for sign in around)


def test_signs_are_told_by_what_stands_before_them():
    assert told('at -7 °C, (-7), x=-7, "-7", 5 -7')[:-2] == [("-7", "negative")] * 4
    assert told("5 -7 --7") == [("5", None), ("-7", "negative"), ("-7", "negative")]


def test_all_digits_are_part_of_one_numeral():
    for passage in load_passages():
        covered = {place for numeral in find_numerals(passage.text) for place in range(numeral.start, numeral.end)}
        assert {place for place, sign in enumerate(passage.text) if sign.isdigit()} <= covered
