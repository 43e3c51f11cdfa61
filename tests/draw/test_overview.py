import polars as pl
import pytest

from numprobe.draw.overview import draw_overview, overview_rows
from numprobe.errors import NumprobeError
from numprobe.tables import measurements

from .fake_tables import accuracy_table
from .inspection import legend, texts


def test_the_layer_depends_on_the_depth_alone():
    """Another layer may be better on the test numbers: it is not shown."""
    best_last = pl.when(pl.col("layer") == "4").then(1.0).otherwise(0.1)
    table = accuracy_table().with_columns(pl.when(pl.col("value").is_not_null()).then(best_last).alias("value"))
    for rows in (overview_rows(accuracy_table()), overview_rows(table)):
        inner = rows.filter((pl.col("context") != "vocabulary") & pl.col("layer").is_not_null())
        assert dict(inner.select("model", "layer").unique().iter_rows()) == {"llama": "2", "olmo2": "2", "minilm": "3"}
        assert set(rows.filter(pl.col("context") == "vocabulary")["layer"].drop_nulls()) == {"embedding"}


def test_all_probes_and_the_controls_of_the_leading_one_are_shown_once():
    rows = overview_rows(accuracy_table()).filter((pl.col("model") == "llama") & (pl.col("context") == "number"))
    shown = rows.select("probe", "control").rows()
    assert len(shown) == len(set(shown))
    assert {probe for probe, control in shown if control == "none"} == {
        "fourier", "digits", "binary", "linear", "log", "sinusoidal", "wave",
    }  # fmt: skip
    assert {control for _, control in shown} == {
        "none", "shuffled", "gaussian", "untrained", "untrained-2", "mixed", "constant",
    }  # fmt: skip


def test_the_figure_says_which_layer_it_shows_and_what_does_not_apply():
    figure = draw_overview(overview_rows(accuracy_table()), candidates=1000)
    found = texts(figure)
    assert {"llama layer 2", "olmo2 layer 2", "minilm layer 3", "vocabulary (embedding)"} <= set(found)
    assert found.count("not applicable: encoder") == 1
    assert "99 %" in found


def test_every_line_is_named_beside_it():
    rows = overview_rows(accuracy_table())
    figure = draw_overview(rows)
    names = {"fourier", "sinusoidal", "wave", "digits", "binary", "linear", "log"}
    names |= {"shuffled", "gaussian", "untrained", "mixed", "constant"}
    found = texts(figure)
    assert {name: found.count(name) for name in names} == dict.fromkeys(names, rows["model"].n_unique())
    assert legend(figure) == []


def test_combinations_without_rows_are_visible():
    table = accuracy_table().filter(~((pl.col("model") == "llama") & (pl.col("context") == "number")))
    assert "not measured" in texts(draw_overview(overview_rows(table)))


def test_an_empty_table_is_refused():
    with pytest.raises(NumprobeError, match="no rows"):
        overview_rows(measurements([]))
