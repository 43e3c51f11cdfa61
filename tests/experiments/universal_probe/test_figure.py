import polars as pl
import pytest

from draw.fake_tables import cross_layer_table, universal_table
from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.universal_probe.figure import universal_probe, universal_probe_rows


def test_all_probes_and_controls_are_drawn():
    figure, _ = universal_probe({"universal_probe": universal_table(), "cross_layer": cross_layer_table()}, {})
    assert legend(figure) == [
        "the layer's own probe", "universal: all layers and contexts", "all layers of this context",
        "all other layers of this context",
    ]  # fmt: skip
    assert {"shuffled", "mixed", "constant"} <= set(texts(figure))
    assert {"number", "operand", "natural", "layer that is read", "norm"} <= set(texts(figure))


def test_a_study_without_left_out_layers_has_no_such_curve():
    figure, _ = universal_probe({"universal_probe": universal_table()}, {})
    assert "all other layers of this context" not in legend(figure)


def test_curves_show_the_chosen_normalisation():
    table = universal_table()
    rows = universal_probe_rows(table)
    universal = rows.filter((pl.col("fitted_on") == "all layers and contexts") & (pl.col("control") == "none"))
    assert set(universal["normalisation"]) == {"chosen"}


def test_numbers_of_the_paper_stand_beside_its_models():
    rows = universal_probe_rows(universal_table({"llama-3.2-1b": 16}))
    assert rows.filter(pl.col("source") != "this study").height == 17


def test_numbers_of_the_paper_are_drawn_in_layers_that_the_study_leaves_out():
    table = universal_table({"llama-3.2-1b": 16}).filter(pl.col("layer").is_in(["0", "8"]) | pl.col("layer").is_null())
    figure, drawn = universal_probe({"universal_probe": table}, {})
    (context,) = drawn.filter(pl.col("source") != "this study")["context"].unique()
    axes = figure.axes[["number", "operand", "natural"].index(context)]
    assert max(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None") == 17


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns fitted_on"):
        universal_probe_rows(universal_table().drop("fitted_on"))
    with pytest.raises(NumprobeError, match="no rows of metric accuracy"):
        universal_probe_rows(universal_table().with_columns(value=pl.lit(None, pl.Float64)))
