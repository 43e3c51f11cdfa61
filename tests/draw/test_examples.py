import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numprobe.draw.examples import AROUND, LISTED, draw_examples, examples_rows, snippet
from numprobe.errors import NumprobeError
from numprobe.status import not_applicable

from .fake_tables import examples_table
from .inspection import legend, texts


@given(st.text(max_size=80), st.integers(0, 999).map(str), st.text(max_size=80))
def test_a_snippet_is_one_line_with_the_number_in_brackets(before, number, after):
    found = snippet(before + number + after, len(before), len(before) + len(number))
    assert f"[{number}]" in found
    assert len(found) <= 2 * (AROUND + 1) + len(number) + 2
    assert "\n" not in found


def test_short_texts_are_whole():
    assert snippet("12 + 34", 5, 7) == "12 + [34]"


def test_the_middle_one_of_the_sampled_layers_is_shown():
    rows = examples_rows(examples_table())
    assert set(rows.filter(pl.col("model") == "llama")["layer"]) == {"2"}
    assert len(rows) == len(examples_table()) // 3


@given(st.integers(1, 15))
def test_the_list_has_equally_many_rows_of_every_panel_whatever_was_decoded(per_panel):
    rows = examples_rows(examples_table(per_panel))
    counts = rows.group_by("model", "context").agg(pl.col("listed").sum())["listed"].unique().to_list()
    assert counts == [min(2, per_panel)]
    others = rows.drop("listed").with_columns(~pl.col("correct"))
    assert examples_rows(others)["listed"].equals(rows["listed"])


def test_one_panel_fills_the_list():
    rows = examples_rows(examples_table().filter((pl.col("model") == "llama") & (pl.col("context") == "natural")))
    assert rows["listed"].sum() == LISTED


def test_the_figure_shows_shares_and_the_listed_rows():
    rows = examples_rows(examples_table())
    figure = draw_examples(rows)
    found = texts(figure)
    share = rows.filter((pl.col("model") == "llama") & (pl.col("context") == "number"))["correct"].mean()
    assert f"layer 2: {100 * share:.0f} % of 120" in found
    listed = rows.filter("listed")
    assert set(listed["snippet"]) <= set(found)
    assert sum(text.endswith(("✓", "✗")) for text in found) == len(listed)
    assert legend(figure) == ["exactly right", "wrong"]


def test_dollar_signs_in_texts_are_no_formulas():
    table = examples_table().with_columns(pl.lit("$x^ 12 $").alias("text"), start=4, end=6)
    assert "$x^ [12] $" in texts(draw_examples(examples_rows(table)))


def test_what_does_not_apply_says_why():
    skipped = {"model": "minilm", "context": "result", **not_applicable("encoder")}
    table = pl.concat([examples_table(), pl.DataFrame([skipped], schema=examples_table().schema)])
    rows = examples_rows(table)
    assert "not applicable: encoder" in texts(draw_examples(rows))
    assert not rows.filter(pl.col("status") != "measured")["listed"].any()


def test_a_model_without_a_context_is_visible():
    table = examples_table().filter(~((pl.col("model") == "minilm") & (pl.col("context") == "natural")))
    assert "no examples" in texts(draw_examples(examples_rows(table)))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns start"):
        examples_rows(examples_table().drop("start"))
    with pytest.raises(NumprobeError, match="no rows"):
        examples_rows(examples_table().clear())
    with pytest.raises(NumprobeError, match="no rows"):
        examples_rows(examples_table().with_columns(pl.lit("vocabulary").alias("context")))
