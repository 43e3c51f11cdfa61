"""Worked examples: true, the same in front of every prompt, and within the ranges."""

import re
from typing import Any

import pytest

from numprobe.errors import NumprobeError
from numprobe.prompts.contexts import make_prompts
from numprobe.prompts.examples import Example, draw_examples, examples_text, numbers_written, read_examples
from numprobe.prompts.table import check_prompts, write_prompts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS

NUMBERS = (0, 999)
RANGES = (NUMBERS, (0, 9))
SHOTS: dict[str, Any] = {"shots": 3, "operations": ["+", "-"], "operands": {"a": [0, 999], "b": [0, 9]}}


def test_examples_are_true_and_have_different_results_within_the_ranges() -> None:
    for seed in range(20):
        examples = draw_examples(["+", "-", "*", "/"], 8, NUMBERS, RANGES, seed, "c")
        assert [one.operation for one in examples] == ["+", "-", "*", "/"] * 2
        assert len({one.result for one in examples}) == 8
        for one in examples:
            assert RESULTS[one.operation](one.a, one.b) == one.result and one.result not in (one.a, one.b)
            assert 0 <= one.a <= 999 and 0 <= one.b <= 9 and 0 <= one.result <= 999


def test_fewer_examples_are_the_first_of_more() -> None:
    many = draw_examples(["+", "-"], 6, NUMBERS, RANGES, 0, "c")
    assert draw_examples(["+", "-"], 2, NUMBERS, RANGES, 0, "c") == many[:2]


def test_examples_are_written_in_symbols_one_per_line() -> None:
    examples = [Example("+", 12, 7, 19), Example("-", 30, 4, 26)]
    assert examples_text(examples) == "12 + 7 = 19\n30 - 4 = 26\n"
    assert numbers_written(examples) == {12, 7, 19, 30, 4, 26}


def test_every_prompt_begins_with_the_same_examples_and_its_spans_stay_right() -> None:
    table, metadata = make_prompts("c", "result", 3, 0, 999, SHOTS)
    check_prompts(table, "result")
    examples = [Example(**entry) for entry in metadata["examples"]]
    assert len(examples) == 3
    plain, _ = make_prompts("c", "result", 3, 0, 999, {**SHOTS, "shots": 0})
    assert table["text"].to_list() == [examples_text(examples) + text for text in plain["text"]]
    for row in table.iter_rows(named=True):
        assert row["text"] == row["template"].format(a=row["a"], b=row["b"], c=row["number"])
        assert row["text"][row["start"] : row["end"]] == str(row["number"])
        assert row["template"].splitlines()[-1] in ARITHMETIC_TEMPLATES[row["operation"]]
    assert table["b"].is_between(0, 9).all() and table["b"].n_unique() == 10


def test_a_table_knows_its_examples(tmp_path) -> None:
    table, metadata = make_prompts("c", "result", 3, 0, 999, SHOTS)
    write_prompts(tmp_path / "c.parquet", table, metadata)
    assert [one.text for one in read_examples(tmp_path / "c.parquet")] == table["text"][0].splitlines()[:3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operands": {"a": [5, 2]}}, r"operands: a is \[5, 2\], it must be a range \[first, last\] within 0..99"),
        ({"operands": {"b": [0, 100]}}, r"operands: b is \[0, 100\], it must be a range"),
        (
            {"operations": ["*", "/"], "operands": {"a": [0, 9], "b": [7, 9]}},
            r"the operations \* / with a in 0..9 and b in 7..9 have 26 different result\(s\) within 0..99 and 50 are",
        ),
        (
            {"operations": ["+"], "operands": {"a": [0, 44], "b": [0, 9]}, "shots": 4},
            r"the operations \+ with a in 0..44 and b in 0..9 have 44 different result\(s\) within 0..99, the "
            r"numbers of 4 worked example\(s\) left out, and 50 are",
        ),
        (
            {"operations": ["+"], "operands": {"a": [1, 1], "b": [2, 4]}, "shots": 4},
            r"shots is 4, but there are only 3 worked examples with different results: '\+' gives no other result",
        ),
        ({"shots": -1}, "shots is -1, it must be at least 0"),
    ],
)
def test_too_few_results_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NumprobeError, match=re.compile("context 'c': " + message)):
        make_prompts("c", "result", 0, 0, 99, options)
