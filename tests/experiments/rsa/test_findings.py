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
    ]  # fmt: skip
    assert [row[2] for row in pairs.rows if row[0] == "llama – olmo2"] == ["embedding", "layer 2 / 2"]


def test_controls_are_summarised_over_all_pairs():
    words, *others = (said for said in found().statements if "mean" in said.numbers)
    assert words.subject == "Other words"
    assert words.numbers["pairs"] == 3
    assert words.numbers["mean"] == Estimate(pytest.approx(0.3))
    assert words.numbers["highest"] == Estimate(pytest.approx(0.32))
    assert [said.numbers["mean"].value for said in others] == [0, 0, 0]


def test_theories_are_columns():
    theories = found().grids[1]
    assert theories.heads[1:] == ["edit distance", "|a - b|", "log distance"]
    assert [cell.value for cell in theories.column("|a - b|")] == [0.4, 0.4, 0.4]


@pytest.mark.parametrize(("highest", "above"), [(0.5, 3), (0.79, 1), (0.9, 0)])
def test_the_pairs_above_all_their_controls_are_counted(highest, above):
    is_control = (pl.col("control") == "gaussian") & pl.col("value").is_not_null()
    raised = pl.when(is_control).then(highest).otherwise(pl.col("ci_high")).alias("ci_high")
    said = found(rsa_table().with_columns(raised)).statements[-1]
    assert (said.numbers["above"], said.numbers["pairs"]) == (above, 3)
    assert said.numbers["words"] == Estimate(pytest.approx(0.3))


def test_pairs_that_cannot_be_compared_are_given_a_reason():
    reason = Reason("llama – minilm", "vocabulary", "fewer than 20 words are single tokens in both")
    assert reason in found().parts


def test_the_page_says_how_far_the_likeness_goes():
    page = markdown(found())
    assert "- In 3 of 3 pairs, the correlation of the input embeddings lies above the intervals of all controls" in page
    assert "beyond what other words reach (0.30 on average)" in page
