"""The section on composition: numbers of the table, and sentences that follow from them."""

import polars as pl
import pytest

from draw.composition_table import composition_table
from numprobe.experiments.composition.findings import section


def test_shares_and_controls_stand_under_their_layers():
    page = section({"composition": composition_table(("smol",), ("operand",), blocks=2)})
    assert "### Numbers of 3 digits" in page and "### Numbers of 2 digits" in page
    heads = "| model | context | share | 0 | 1 | 2 | final_norm |"
    assert heads in page
    assert "| smol | operand | additive | 100 [99, 101] | 85 [84, 86] | 70 [69, 71] | 55 [54, 56] |" in page
    assert "| smol | operand | additive, mixed | 100 [99, 101] | 100 [99, 101] |" in page
    assert "- smol, `vocabulary`: not applicable: 10 numbers of 3 digits, too few" in page


def test_composition_is_claimed_below_the_controls_alone():
    page = section({"composition": composition_table(("smol",), ("operand",), blocks=2)})
    line = "- smol, `operand`: additive 100 [99, 101] at layer 0, then 55 [54, 56] at layer final_norm."
    assert f"{line} Below untrained and mixed at layers 1, 2, final_norm: there the state is more than" in page


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (pl.col("control") == "none", "There is no control to compare it with."),
        (pl.col("layer") == "0", "At no layer apart from untrained and mixed: no more than they do is shown."),
        (pl.col("layer").is_in(["0", "2"]), "Below untrained and mixed at layer 2: there the state is more than"),
    ],
)
def test_the_sentence_follows_from_the_controls(kept, sentence):
    table = composition_table(("smol",), ("operand",), blocks=2)
    lines = section({"composition": table.filter(kept | pl.col("value").is_null())}).splitlines()
    assert any(line.startswith("- smol, `operand`") and sentence in line for line in lines)


def test_digits_that_a_model_has_learned_stand_above_its_control():
    """Of single tokens the embeddings hold anything: untrained they are as permuted numbers."""
    table = composition_table(("smol",), ("operand",), blocks=2, mixed=False)
    low = [
        pl.when(pl.col("control") == "untrained").then(pl.col(name) - 0.8).otherwise(pl.col(name)).alias(name)
        for name in ("value", "ci_low", "ci_high")
    ]
    page = section({"composition": table.with_columns(low)})
    assert "Above untrained at layers 0, 1, 2, final_norm: more of the state is a sum of digits than there" in page


def test_what_magnitude_and_waves_add_stands_beside_chance():
    page = section({"composition": composition_table(("smol",), ("operand",), blocks=2)})
    told = "Beyond the digits of 3-digit numbers, in points: `log` at most 0.3 (layer 0 of smol, `operand`"
    assert f"{told}, as many random directions 0.1); `waves` at most 5.0 (" in page


def test_a_study_in_which_nothing_applies_tells_why():
    notes = composition_table(("smol",)).filter(pl.col("status") != "measured")
    assert section({"composition": notes}).rstrip().endswith("10 numbers of 3 digits, too few")
