import polars as pl
import pytest

from numprobe.draw.transfer import draw_transfer, transfer_rows
from numprobe.errors import NumprobeError
from numprobe.status import constant_state, not_applicable
from numprobe.tables import measurements

from .fake_tables import transfer_table
from .inspection import legend, texts

PAIR = {"model": "m", "layer": "0", "probe": "fourier", "metric": "accuracy"}


def _table(rows):
    return measurements([{**PAIR, **row} for row in rows], {"fit_context": pl.String})


def test_cells_are_placed_by_fit_and_test():
    rows = [("a", "a", 0.9), ("a", "b", 0.25), ("b", "a", 0.5), ("b", "b", 1.0)]
    figure = draw_transfer(transfer_rows(_table({"fit_context": f, "context": c, "value": v} for f, c, v in rows)))
    (image,) = figure.axes[0].images
    assert image.get_array().tolist() == [[0.9, 0.25], [0.5, 1.0]]
    assert {"90", "25", "50", "100", "layer 0", "fitted on", "tested on"} <= set(texts(figure))


def test_cells_without_a_value_say_why():
    rows = [
        {"fit_context": "a", "context": "a", "value": 0.9},
        {"fit_context": "b", "context": "a", **constant_state()},
        {"context": "c", "layer": None, "probe": None, **not_applicable("encoder")},
    ]
    found = texts(draw_transfer(transfer_rows(_table(rows))))
    assert found.count("–") == 1
    assert found.count("n/a") == 5  # the row and the column of one of three contexts


def test_models_of_different_depth_share_a_figure():
    table = transfer_table()
    assert {"llama", "minilm", "layer 4", "norm"} <= set(texts(draw_transfer(transfer_rows(table))))


def test_deep_models_are_drawn_as_curves_over_the_layers():
    figure = draw_transfer(transfer_rows(transfer_table(blocks=24)))
    assert legend(figure) == ["number", "operand", "result", "natural"]
    found = texts(figure)
    assert "not applicable: encoder" in found and "layer" in found and "fitted on" in found


CONTROLLED = ("none", "untrained", "untrained-2", "mixed")


def test_controls_are_matrices_behind_the_layers_the_best_layer_of_untrained_ones():
    table = transfer_table(controls=CONTROLLED)
    figure = draw_transfer(transfer_rows(table))
    found = texts(figure)
    assert found.count("untrained, best layer") == found.count("mixed") == 3
    (axes,) = [axes for axes in figure.axes if axes.get_title() == "untrained,\nbest layer"][:1]
    (image,) = axes.images
    llama = table.filter((pl.col("model") == "llama") & (pl.col("control") == "untrained"))
    best = llama.group_by("fit_context", "context").agg(pl.col("value").max()).filter(fit_context="natural")
    assert sorted(image.get_array()[3].tolist()) == sorted(best["value"])


def test_controls_are_lines_where_a_model_is_deep():
    figure = draw_transfer(transfer_rows(transfer_table(blocks=24, controls=CONTROLLED)))
    assert legend(figure) == ["number", "operand", "result", "natural", "untrained", "mixed"]


@pytest.mark.parametrize("blocks", [4, 24])
@pytest.mark.parametrize("models", [1, 3])
def test_nothing_is_cut_off(blocks, models):
    table = transfer_table(blocks, CONTROLLED)
    table = table.filter(pl.col("model").is_in(table["model"].unique(maintain_order=True)[:models].to_list()))
    figure = draw_transfer(transfer_rows(table))
    figure.draw_without_rendering()
    page = figure.bbox
    for text in [figure._supylabel, figure._supxlabel, *(axes.yaxis.label for axes in figure.axes)]:
        box = text.get_window_extent()
        assert text.get_text() == "" or (page.x0 <= box.x0 and box.y0 >= page.y0 and box.y1 <= page.y1)


def test_only_accuracies_are_drawn():
    table = transfer_table()
    more = table.head(5).with_columns(pl.lit("r2").alias("metric"))
    assert transfer_rows(pl.concat([table, more])).equals(transfer_rows(table))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns fit_context"):
        transfer_rows(transfer_table().drop("fit_context"))
    with pytest.raises(NumprobeError, match="no rows: nothing"):
        transfer_rows(transfer_table().clear())
    with pytest.raises(NumprobeError, match="no rows of metric accuracy"):
        transfer_rows(transfer_table().with_columns(pl.lit("r2").alias("metric")))
