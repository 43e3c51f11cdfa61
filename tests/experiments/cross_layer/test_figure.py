import polars as pl
import pytest

from draw.fake_tables import cross_layer_table
from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.cross_layer.figure import (
    cross_layer,
    cross_layer_rows,
    draw_cross_layer,
    left_out_layers,
    left_out_rows,
)


def test_matrices_are_placed_by_fit_and_test():
    table = cross_layer_table({"m": 2}, contexts=("number",))
    figure = draw_cross_layer(cross_layer_rows(table))
    as_fitted, own_scale = (axes.images[0].get_array() for axes in figure.axes[:2])
    cells = table.filter((pl.col("fit_layer") == "0") & (pl.col("layer") == "1") & (pl.col("control") == "none"))
    values = dict(zip(cells["normalisation"], cells["value"], strict=True))
    assert (as_fitted[0, 1], own_scale[0, 1]) == (values["none"], values["layer"])
    titles = ["number\nas fitted", "number\nown scale", "number\nown scale,\nuntrained"]
    assert [axes.get_title() for axes in figure.axes[:3]] == titles
    assert set(figure.axes[2].images[0].get_array().ravel().tolist()) == {0.1}
    assert {"layer of the fit", "layer that is read"} <= set(texts(figure))


def test_without_an_untrained_network_there_is_no_matrix_of_it():
    table = cross_layer_table({"m": 2}, contexts=("number",)).filter(pl.col("control") != "untrained")
    assert len(draw_cross_layer(cross_layer_rows(table)).axes) == 3  # two matrices and the scale


def test_constant_layers_are_empty_cells():
    table = cross_layer_table({"m": 2}, contexts=("result",))
    own_scale = draw_cross_layer(cross_layer_rows(table)).axes[1].images[0].get_array()
    assert own_scale.mask[0].all() and own_scale.mask[:, 0].all() and not own_scale.mask[1:, 1:].any()


def test_what_does_not_apply_is_said():
    found = texts(draw_cross_layer(cross_layer_rows(cross_layer_table())))
    assert any("encoder" in text for text in found)


def test_left_out_layers_beside_their_own_probes_and_controls():
    figure, _ = left_out_layers({"cross_layer": cross_layer_table()}, {})
    assert legend(figure) == [
        "the layer's own probe", "all other layers, each on its own scale", "all other layers, one common scale",
    ]  # fmt: skip
    assert {"shuffled", "constant"} <= set(texts(figure))
    assert "result" not in texts(figure)  # no layer was left out there


def test_numbers_of_the_paper_stand_beside_its_models():
    table = cross_layer_table({"llama-3.2-3b": 28})
    figure, rows = left_out_layers({"cross_layer": table}, {})
    published = rows.filter(pl.col("source") != "this study")
    assert published.height == 29 and set(published["context"]) == {"operand"}
    assert "published, sinusoidal" in legend(figure)


def test_deep_models_fit_on_the_page():
    table = cross_layer_table({"model-7b": 32, "model-13b": 40}, contexts=("operand",))
    for draw in (cross_layer, left_out_layers):
        figure, _ = draw({"cross_layer": table}, {})
        figure.draw_without_rendering()


def test_tables_that_cannot_be_drawn_are_refused():
    table = cross_layer_table({"m": 2})
    with pytest.raises(NumprobeError, match="lacks the columns fit_layer"):
        cross_layer_rows(table.drop("fit_layer"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy of pairs of layers"):
        cross_layer_rows(table.filter(pl.col("fit_layer") == "others"))
    with pytest.raises(NumprobeError, match="fitted on all other layers"):
        left_out_rows(table.filter(pl.col("fit_layer") != "others"))
