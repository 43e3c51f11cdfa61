"""Digits by place against depth."""

import polars as pl
import pytest

from numprobe.draw.digit_accuracy import digit_accuracy_rows, draw_digit_accuracy
from numprobe.errors import NumprobeError

from .fake_tables import accuracy_table, digit_accuracy_table
from .inspection import legend, texts


def test_places_stand_beside_their_rivals():
    drawn = digit_accuracy_rows(digit_accuracy_table())
    assert set(drawn["control"]) == {"none", "untrained", "untrained-2", "mixed", "constant", "last_token"}
    figure = draw_digit_accuracy(drawn)
    places = ["units", "tens", "hundreds"]
    assert legend(figure) == [*places, "untrained", "mixed", "last token alone", "most frequent digit"]
    found = texts(figure)
    assert {"smol", "llama", "minilm", "number", "natural", "result", "layer", "1000, 990, 900 values"} <= set(found)
    assert found.count("not applicable: encoder") == 1
    # Per place: the probe, two untrained models, the mix, chance; and the floor where numbers are several tokens.
    assert [len(axes.lines) for axes in figure.axes[:6]] == [18, 18, 15, 15, 15, 15]


def test_only_the_leading_probe_and_whole_measurements_are_drawn():
    table = digit_accuracy_table()
    others = table.filter(metric="digit_accuracy").head(3)
    more = [
        others.with_columns(pl.lit("attention").alias("site")),
        others.with_columns(pl.lit("0").alias("fold")),
        others.with_columns(pl.lit("linear").alias("probe")),
        others.with_columns(pl.lit("shuffled").alias("control"), pl.lit("place=10^3").alias("subset")),
    ]
    assert digit_accuracy_rows(pl.concat([table, *more])).equals(digit_accuracy_rows(table))


@pytest.mark.parametrize("models", [("one",), tuple("abcde")])
def test_one_model_and_five(models):
    drawn = digit_accuracy_rows(digit_accuracy_table(models, blocks=30)).filter(pl.col("model") != "minilm")
    figure = draw_digit_accuracy(drawn)
    figure.canvas.draw()
    assert len(figure.axes) == 3 * len(models)
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.y0 >= 0 and box.y1 <= figure.bbox.y1 and box.x0 >= 0


def test_a_table_without_digits_has_empty_panels():
    found = texts(draw_digit_accuracy(digit_accuracy_rows(accuracy_table())))
    assert "not applicable: encoder" in found
    with pytest.raises(NumprobeError, match="nothing was measured"):
        digit_accuracy_rows(accuracy_table().clear())
