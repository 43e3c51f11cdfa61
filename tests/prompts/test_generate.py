"""Prompts of the four kinds: true arithmetic, exact spans, balanced values."""

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numprobe.errors import NumprobeError
from numprobe.prompts.generate import natural_prompts, number_prompts, operand_prompts, result_prompts
from numprobe.prompts.natural import Passage, load_passages
from numprobe.prompts.table import check_prompts, prompt_texts
from numprobe.prompts.templates import ARITHMETIC_TEMPLATES, RESULTS

RANGES = st.tuples(st.integers(0, 120), st.integers(1, 150)).map(lambda pair: (pair[0], pair[0] + pair[1]))
OPERATIONS = list(ARITHMETIC_TEMPLATES)


def passages(*texts: str) -> list[Passage]:
    """Passages that alternate between training and test."""
    return [Passage(f"p{place}", "d", ("train", "test")[place % 2], text) for place, text in enumerate(texts)]


def counts(table: pl.DataFrame, *columns: str) -> list[int]:
    return table.group_by(*columns).len()["len"].to_list()


@given(RANGES)
@settings(max_examples=20)
def test_numbers_are_the_bare_values_in_order(numbers: tuple[int, int]) -> None:
    table = number_prompts(*numbers)
    check_prompts(table, "numbers")
    assert table["number"].to_list() == list(range(numbers[0], numbers[1] + 1))
    assert table["text"].to_list() == [str(value) for value in table["number"]]
    assert table["read_at"].unique().to_list() == ["token"]


@given(RANGES, st.integers(1, 5), st.integers(0, 9))
@settings(max_examples=20)
def test_operands_are_balanced_in_b_and_read_at_its_token(numbers: tuple[int, int], per_value: int, seed: int) -> None:
    table = operand_prompts(*numbers, seed, "operand", per_value)
    check_prompts(table, "operand")
    assert counts(table, "number") == [per_value] * (numbers[1] - numbers[0] + 1)
    assert table["number"].to_list() == table["b"].to_list()
    assert table["a"].is_between(*numbers).all()
    assert table["end"].to_list() == table["text"].str.len_chars().to_list()
    assert (table["text"] == pl.select(pl.format("{} + {}", table["a"], table["b"])).to_series()).all()
    assert table["read_at"].unique().to_list() == ["token"]


def test_a_is_uniform_over_the_range() -> None:
    tens = operand_prompts(0, 99, 0, "operand", 100)["a"] // 10
    assert all(count == pytest.approx(1000, abs=150) for count in tens.value_counts()["count"])


@given(st.tuples(st.integers(0, 1), st.integers(2, 150)), st.integers(1, 3), st.integers(0, 9))
@settings(max_examples=20)
def test_the_arithmetic_of_every_result_row_holds(numbers: tuple[int, int], per_value: int, seed: int) -> None:
    table = result_prompts(*numbers, seed, "result", OPERATIONS, per_value)
    check_prompts(table, "result")
    for row in table.iter_rows(named=True):
        assert RESULTS[row["operation"]](row["a"], row["b"]) == row["number"]
        assert row["text"] == row["template"].format(a=row["a"], b=row["b"], c=row["number"])
        assert row["template"] in ARITHMETIC_TEMPLATES[row["operation"]]
        assert numbers[0] <= min(row["a"], row["b"]) and max(row["a"], row["b"]) <= numbers[1]
    assert (table["end"] == table["text"].str.len_chars()).all()
    assert table["read_at"].unique().to_list() == ["before"]
    assert set(counts(table, "operation", "number")) == {per_value}


def test_with_zero_in_the_range_every_operation_reaches_every_value() -> None:
    table = result_prompts(0, 999, 1, "result", OPERATIONS, 2)
    assert counts(table, "operation", "number") == [2] * 4000


def test_every_wording_is_used_about_equally_often() -> None:
    table = result_prompts(0, 999, 1, "result", OPERATIONS, 2)
    for (operation,), rows in table.group_by("operation"):
        expected = rows.height / len(ARITHMETIC_TEMPLATES[str(operation)])
        assert all(count == pytest.approx(expected, rel=0.2) for count in rows["template"].value_counts()["count"])
        assert rows["template"].n_unique() == len(ARITHMETIC_TEMPLATES[str(operation)])


def test_one_operation_does_not_depend_on_the_others() -> None:
    alone = result_prompts(0, 99, 1, "result", ["*"], 2)
    among = result_prompts(0, 99, 1, "result", OPERATIONS, 2).filter(operation="*")
    assert alone.drop("prompt").equals(among.drop("prompt"))


def test_an_operation_without_results_in_the_range_is_refused() -> None:
    with pytest.raises(NumprobeError, match=r"operation '\*' has no result within 50\.\.99: widen"):
        result_prompts(50, 99, 1, "result", ["*"], 2)


def test_every_digit_run_of_a_passage_is_a_slot_also_when_glued() -> None:
    table = natural_prompts(7, 7 + 90, 3, "natural", passages("E11.9 12mg $3", "no. AX312²"), 2)
    shapes = [re.sub(r"\d+", "#", text) for text in prompt_texts(table)["text"]]
    assert sorted(shapes) == ["E#.# #mg $#", "no. AX#²"]
    assert sorted(table["template"]) == ["p0"] * 4 + ["p1"]


_PART = st.text(alphabet="aZ .,$€-²\n{}", min_size=1, max_size=6)
_TEXTS = st.lists(st.lists(_PART, min_size=2, max_size=6).map("05".join), min_size=2, max_size=6)


@given(_TEXTS, RANGES, st.integers(0, 9))
@settings(max_examples=60)
def test_only_the_digits_of_a_text_change_and_every_number_has_a_row(
    texts: list[str], numbers: tuple[int, int], seed: int
) -> None:
    chosen = passages(*texts)
    table = natural_prompts(*numbers, seed, "natural", chosen, 3 * len(chosen))
    check_prompts(table, "natural")
    origin = {passage.id: passage for passage in chosen}
    for rows in table.partition_by("prompt"):
        text, source = rows["text"][0], origin[rows["template"][0]]
        assert re.sub(r"\d+", "#", text) == re.sub(r"\d+", "#", source.text)
        assert [int(run) for run in re.findall(r"\d+", text)] == rows["number"].to_list()
        assert set(rows["text_split"]) == {source.text_split}
    assert table["number"].is_between(*numbers).all()


def test_passages_are_used_equally_often_and_values_are_balanced_in_each_split() -> None:
    table = natural_prompts(0, 999, 5, "natural", load_passages(), 3000)
    assert set(counts(table.unique("prompt"), "template")) == {25}
    for (split,), rows in table.group_by("text_split"):
        used = counts(rows, "number")
        assert len(used) == 1000, split
        assert max(used) - min(used) <= 1


def test_more_passages_than_texts_are_drawn_without_repetition() -> None:
    table = natural_prompts(0, 99, 5, "natural", load_passages(), 50)
    assert table["template"].n_unique() == 50 == table["prompt"].n_unique()


def test_a_context_without_test_texts_is_refused() -> None:
    only_train = [Passage("a", "d", "train", "1 apple")]
    with pytest.raises(NumprobeError, match="context 'mine': 4 prompts from 1 passages hold no test text"):
        natural_prompts(0, 9, 0, "mine", only_train, 4)


@pytest.mark.parametrize(
    "make",
    [
        lambda seed, name: operand_prompts(0, 99, seed, name, 2),
        lambda seed, name: result_prompts(0, 99, seed, name, OPERATIONS, 2),
        lambda seed, name: natural_prompts(0, 99, seed, name, load_passages(), 200),
    ],
    ids=["operand", "result", "natural"],
)
def test_draws_depend_on_the_seed_and_on_the_name_and_on_nothing_else(make) -> None:
    table = make(1, "one")
    assert table.equals(make(1, "one"))
    assert not table.equals(make(2, "one"))
    assert not table.equals(make(1, "two"))
