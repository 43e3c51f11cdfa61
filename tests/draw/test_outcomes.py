import polars as pl
import pytest

from numprobe.draw.outcomes import chosen_rows, draw_outcomes
from numprobe.draw.strengths import draw_strengths, strength_rows
from numprobe.errors import NumprobeError

from .inspection import legend, texts
from .outcome_tables import outcome_table


def test_the_chosen_setting_is_shown_by_operation():
    drawn = chosen_rows(outcome_table())
    measured = drawn.filter(pl.col("value").is_not_null())
    assert set(measured["layer"]) == {"2"} and set(measured["strength"]) == {0.5} and set(measured["part"]) == {"test"}
    figure = draw_outcomes(drawn, "true result (oracle)")
    assert len(figure.axes) == 9
    first = figure.axes[0]
    zero, repaired, *controls = (list(line.get_ydata()) for line in first.lines)
    assert zero == [0, 0] and repaired == [0.6] * 3 and len(controls) == 2
    assert [label.get_text() for label in first.get_xticklabels()] == ["all", "+", "/"]
    assert legend(figure) == ["true result (oracle)", "wrong number", "random direction"]
    found = texts(figure)
    assert {"wrong answers repaired", "right answers harmed", "change of accuracy", "not applicable: encoder"} <= set(
        found
    )
    assert any("layer 2, strength 0.5 size 0.40 norms" in text and "40 wrong answers" in text for text in found)


def test_what_the_probe_reads_stands_beside_what_is_repaired():
    figure = draw_outcomes(chosen_rows(outcome_table(readable=True)), "number that is read")
    assert [0.8] in [list(line.get_ydata()) for line in figure.axes[0].lines]
    assert legend(figure)[-1] == "true result read by the probe"


def test_every_layer_is_a_curve_over_the_size_of_the_change():
    drawn = strength_rows(outcome_table())
    assert set(drawn["part"].drop_nulls()) == {"validation"}
    figure = draw_strengths(drawn, "true result (oracle)")
    assert len(figure.axes) == 3 * 6
    repaired = figure.axes[0]
    assert [line.get_xdata().tolist() for line in repaired.lines[:3]] == [[0.2, 0.4, 0.8]] * 3
    assert repaired.lines[3].get_xdata().tolist() == [0.4]
    assert legend(figure) == ["layer 1", "layer 2", "layer 3", "chosen"]
    assert "repaired: true result (oracle)" in texts(figure)


def test_deep_models_name_the_first_the_middle_and_the_last_layer():
    layers = [str(layer) for layer in range(1, 33)]
    figure = draw_strengths(strength_rows(outcome_table(layers=layers)), "number that is read")
    assert legend(figure) == ["first layer", "middle layer", "last layer", "chosen"]


def test_published_settings_have_rows_of_their_own():
    table = pl.concat([outcome_table(("llama",), settings=name) for name in ("default", "published")])
    figure = draw_outcomes(chosen_rows(table), "true result (oracle)")
    assert {"llama default", "llama published", "minilm"} <= set(texts(figure))


def test_tables_without_outcomes_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns chosen"):
        chosen_rows(outcome_table().drop("chosen"))
    with pytest.raises(NumprobeError, match="no rows of metric repaired or harmed"):
        strength_rows(outcome_table().with_columns(metric=pl.lit("accuracy_after")))
