"""Shares of the variance between numbers against depth."""

import polars as pl
import pytest

from draw.composition_table import SHORT, composition_table
from draw.inspection import legend, texts
from numprobe.draw.composition_rows import composition_rows
from numprobe.errors import NumprobeError
from numprobe.experiments.composition.figure import draw_composition
from numprobe.status import undefined


def test_shares_stand_beside_the_controls():
    figure = draw_composition(composition_rows(composition_table()))
    assert legend(figure) == [
        "additive in digits",
        "pairs of digits",
        "whole number",
        "additive, shorter numbers",
        "additive, untrained",
        "additive, mixed",
        "permuted numbers",
    ]
    found = texts(figure)
    assert {"smol", "llama", "operand", "natural", "vocabulary", "layer"} <= set(found)
    assert "900 numbers of 3 digits; signal 90 to 90 %" in found
    assert any("10 numbers of 3" in text for text in found)
    # The matrices have no axis, so the first context has its numbers.
    labels = [any(tick.label1.get_visible() for tick in axes.yaxis.get_major_ticks()) for axes in figure.axes[:3]]
    assert labels == [False, True, False]
    curves = [line for line in figure.axes[1].lines if len(line.get_xdata()) == 8]
    # Three shares and two controls of three digits, the additive share of two.
    assert len(curves) == 6
    assert curves[-1].get_ydata()[0] == pytest.approx(1) and curves[-1].get_ydata()[-1] == pytest.approx(0.55)


@pytest.mark.parametrize("models", [("one",), tuple("abcde")])
def test_one_model_and_five(models):
    figure = draw_composition(composition_rows(composition_table(models, blocks=30, mixed=False)))
    figure.canvas.draw()
    assert len(figure.axes) == 3 * len(models)
    assert "additive, mixed" not in legend(figure)
    # The labels of both axes are whole.
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.y0 >= 0 and box.y1 <= figure.bbox.y1 and box.x0 >= 0


def test_a_panel_without_common_variance_says_so():
    """The signal is measured, but there is nothing to divide."""
    reason = undefined("the halves of the prompts share no variance between numbers")
    table = composition_table(("smol",), ("result",)).filter(pl.col("metric").is_in(["signal", "additive"]))
    shares = (pl.col("metric") == "additive") & (pl.col("context") == "result")
    empty = [pl.when(shares).then(None).otherwise(pl.col(name)).alias(name) for name in ("value", "ci_low", "ci_high")]
    told = [pl.when(shares).then(pl.lit(text)).otherwise(pl.col(name)).alias(name) for name, text in reason.items()]
    found = texts(draw_composition(composition_rows(table.filter(control="none").with_columns(*empty, *told))))
    assert reason["note"] in found


def test_a_study_in_which_nothing_applies_says_so():
    notes = composition_table(("smol",)).filter(pl.col("status") != "measured")
    assert SHORT in notes["note"].to_list()
    assert any("10 numbers" in text for text in texts(draw_composition(composition_rows(notes))))


def test_a_table_without_the_columns_of_the_experiment_is_refused():
    with pytest.raises(NumprobeError, match="lacks the columns over"):
        composition_rows(composition_table().drop("over"))
