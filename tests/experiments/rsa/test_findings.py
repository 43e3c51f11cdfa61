"""The section on the likeness of number spaces."""

import polars as pl
import pytest

from draw.geometry_tables import rsa_table
from numprobe.experiments.rsa.findings import section
from numprobe.tell.section import Estimate, PValue, Reason, markdown


def found(table=None):
    return section({"rsa": rsa_table() if table is None else table})


def test_pairs_stand_with_interval_and_p():
    pairs = found().grids[0]
    assert pairs.rows[0] == [
        "llama – minilm", 1000, "embedding", Estimate(0.8, pytest.approx(0.78), pytest.approx(0.82)), PValue(0.001),
        Estimate(pytest.approx(0.3), pytest.approx(0.28), pytest.approx(0.32)), PValue(0.001),
    ]  # fmt: skip
    assert [row[2] for row in pairs.rows if row[0] == "llama – olmo2"] == ["embedding", "layer 2 / 2"]


def test_controls_are_summarised_over_all_pairs():
    words, *others = (said for said in found().statements if "mean" in said.numbers and said.comparison)
    assert words.subject == "Other words"
    assert words.numbers["pairs"] == 3
    assert words.numbers["mean"] == Estimate(pytest.approx(0.3))
    assert words.numbers["highest"] == Estimate(pytest.approx(0.32))
    assert [said.numbers["mean"].value for said in others] == [0, 0, 0]


def test_theories_are_columns():
    theories = found().grids[1]
    assert theories.heads[1:] == ["edit distance", "|a - b|", "log distance"]
    assert [cell.value for cell in theories.column("|a - b|")] == [0.4, 0.4, 0.4]


def alike(table):
    """Subject -> pairs alike beyond chance, and pairs tested."""
    said = [said.numbers | {"subject": said.subject} for said in found(table).statements if "alike" in said.numbers]
    return {numbers["subject"]: (numbers["alike"], numbers["tested"]) for numbers in said}


def changed(control, column, value, metric="partial_spearman"):
    """The table with a column of what remains replaced."""
    row = (pl.col("metric") == metric) & (pl.col("control") == control) & pl.col(column).is_not_null()
    return rsa_table().with_columns(pl.when(row).then(value).otherwise(pl.col(column)).alias(column))


def test_models_are_alike_beyond_chance_where_what_remains_is():
    embedded, bare = "at the input embeddings", "at bare numbers"
    assert alike(rsa_table()) == {embedded: (3, 3), bare: (3, 3)}
    # However high the correlation: only what remains is claimed.
    assert alike(changed("none", "p_value", 0.3)) == {embedded: (0, 3), bare: (0, 3)}
    # p = .03 alone is below .05, but not among six comparisons in which no other is.
    assert alike(changed("none", "p_value", 0.03)) == {embedded: (0, 3), bare: (0, 3)}
    # Where untrained models reach as much, training has not made them alike.
    assert alike(changed("untrained", "ci_low", -0.1, "partial_spearman_difference")) == {
        embedded: (0, 3),
        bare: (0, 3),
    }


def test_an_undecided_likeness_says_how_much_could_have_been_seen():
    table = changed("none", "p_value", 0.3)
    wide = (pl.col("control") == "relabelled") & pl.col("ci_high").is_not_null()
    table = table.with_columns(pl.when(wide).then(0.12).otherwise(pl.col("ci_high")).alias("ci_high"))
    said = next(said for said in found(table).statements if "alike" in said.numbers)
    assert said.numbers["unseen"] == Estimate(0.12)


def test_pairs_that_cannot_be_compared_are_given_a_reason():
    reason = Reason("llama – minilm", "vocabulary", "fewer than 20 words are single tokens in both")
    assert reason in found().parts


def test_the_page_claims_what_remains():
    page = markdown(found())
    assert "- In 3 of 3 pairs of models, at the input embeddings, what remains is alike beyond chance" in page
    assert "undecided" not in page
    assert "- Both models untrained, at bare numbers: the mean of what remains is 0.01" in page
