import polars as pl
import pytest

from draw.geometry_tables import rsa_table
from draw.inspection import texts
from numprobe.errors import NumprobeError
from numprobe.experiments.rsa.figure import draw_rsa, rsa_rows


def test_the_figure_names_models_controls_and_theories():
    found = set(texts(draw_rsa(rsa_rows(rsa_table()))))
    assert {"llama", "olmo2", "minilm", "with olmo2", "numbers", "other words", "edit distance", "norm"} <= found
    assert {f"{state} below: what remains" for state in ("input embeddings", "bare number, middle layer")} <= found
    assert "both untrained" in found
    assert {"remains", "re- labelled", "relabelled: 95 %"} <= found


def test_a_matrix_shows_correlations_above_what_remains():
    figure = draw_rsa(rsa_rows(rsa_table()))
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(cells) == sorted([".90", ".80", ".80", ".40", ".30", ".30"])


def test_every_model_has_its_curves():
    figure = draw_rsa(rsa_rows(rsa_table()))
    panel = next(axes for axes in figure.axes if axes.get_title() == "minilm")
    curves = [line for line in panel.lines if len(line.get_xdata()) == 5 and line.get_linestyle() != ":"]
    assert len(curves) == 2


def test_many_deep_models_fit_on_a_page():
    table = rsa_table({f"model-{i}-{40 - i}b": 40 - i for i in range(10)})
    figure = draw_rsa(rsa_rows(table))
    texts(figure)
    assert figure.get_size_inches()[0] == 7
    assert figure.get_size_inches()[1] < 9.5


def test_a_study_of_one_model_still_has_its_figure():
    table = (
        rsa_table()
        .head(1)
        .with_columns(
            pl.lit(None, pl.Float64).alias("value"),
            pl.lit("not applicable").alias("status"),
            pl.lit("fewer than two models").alias("note"),
        )
    )
    assert "not measured" in texts(draw_rsa(rsa_rows(table)))


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="lacks the columns other_model"):
        rsa_rows(rsa_table().drop("other_model"))
    with pytest.raises(NumprobeError, match="no rows of Spearman"):
        rsa_rows(rsa_table().filter(pl.col("status") == "measured").with_columns(pl.lit("kendall").alias("metric")))
