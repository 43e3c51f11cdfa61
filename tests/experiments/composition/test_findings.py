"""The section on composition: numbers of the table, and statements that follow from them."""

import polars as pl
import pytest

from draw.composition_table import composition_table
from numprobe.experiments.composition.findings import section
from numprobe.tell.section import Estimate, Layers, Reason, Share, markdown


def table(**options):
    return composition_table(("smol",), ("operand",), blocks=2, **options)


def found(rows=None):
    return section({"composition": table() if rows is None else rows})


def course(rows=None):
    """Return what is said of the longest numbers."""
    return next(said for said in found(rows).statements if "below" in said.numbers)


def share(value):
    return Share(*(pytest.approx(end) for end in (value, value - 0.01, value + 0.01)))


def test_shares_and_controls_stand_under_their_layers():
    three, two = found().grids
    assert three.heads == ["model", "context", "share", "0", "1", "2", "final_norm"]
    assert three.rows[0] == ["smol", "operand", "additive", share(1), share(0.85), share(0.7), share(0.55)]
    assert [row[2] for row in three.rows[1:3]] == ["additive, untrained", "additive, mixed"]
    assert three.rows[2][3:] == [share(1)] * 4
    assert two.rows[0][6] == share(0.55**0.5)
    assert Reason("smol", "vocabulary", "10 numbers of 3 digits, too few") in found().parts


def test_composition_is_claimed_below_the_controls_alone():
    said = course()
    assert (said.subject, said.comparison) == ("smol, `operand`", "untrained and mixed")
    assert said.numbers == {
        "digits": 3,
        "first": share(1),
        "first_layer": Layers(("0",)),
        "last": share(0.55),
        "last_layer": Layers(("final_norm",)),
        "below": Layers(("1", "2", "final_norm")),
        "above": Layers(()),
    }


@pytest.mark.parametrize(
    ("kept", "comparison", "below", "words"),
    [
        (pl.col("control") == "none", "", (), "There is no control to compare it with."),
        (
            pl.col("layer") == "0",
            "untrained and mixed",
            (),
            "At no layer a difference of more than five points from untrained and mixed is shown",
        ),
        (
            pl.col("layer").is_in(["0", "2"]),
            "untrained and mixed",
            ("2",),
            "Shown to be below untrained and mixed at layer 2:",
        ),
    ],
)
def test_the_claim_follows_from_the_controls(kept, comparison, below, words):
    said = course(table().filter(kept | pl.col("value").is_null()))
    assert (said.comparison, said.numbers["below"]) == (comparison, Layers(below))
    assert words in str(said)


def test_digits_that_a_model_has_learned_stand_above_its_control():
    """Of single tokens the embeddings hold anything: untrained they are as permuted numbers."""
    low = [
        pl.when(pl.col("control") == "untrained").then(pl.col(name) - 0.8).otherwise(pl.col(name)).alias(name)
        for name in ("value", "ci_low", "ci_high")
    ]
    said = course(table(mixed=False).with_columns(low))
    assert (said.comparison, said.numbers["above"]) == ("untrained", Layers(("0", "1", "2", "final_norm")))


def test_what_magnitude_and_waves_add_stands_beside_chance():
    log, waves = (said for said in found().statements if "points" in said.numbers)
    assert log.subject == "smol, `operand`, layer 0"
    assert log.numbers == {
        "digits": 3, "columns": "log", "points": Estimate(pytest.approx(0.3)), "chance": Estimate(pytest.approx(0.1)),
    }  # fmt: skip
    assert (waves.numbers["columns"], waves.numbers["points"]) == ("waves", Estimate(pytest.approx(5)))


def test_a_study_in_which_nothing_applies_tells_why():
    without = composition_table(("smol",)).filter(pl.col("status") != "measured")
    assert markdown(found(without)).rstrip().endswith("10 numbers of 3 digits, too few")
