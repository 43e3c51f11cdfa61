import polars as pl
import pytest

from numprobe.draw.summary import COMPOSITION, READING, draw_summary, summary_rows
from numprobe.errors import NumprobeError
from numprobe.tables import measurements

from .fake_tables import accuracy_table
from .inspection import legend, texts


def reading(control="none", probe="fourier", value=0.9, layer="1", context="natural", model="real"):
    names = {"model": model, "context": context, "layer": layer, "probe": probe, "control": control}
    bounds = {"ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 1000}
    return {**names, "metric": "accuracy", "value": value, **bounds}


def accuracies():
    rows = [reading(layer=layer, probe=probe) for layer in "01" for probe in ("fourier", "digits", "linear")]
    rows += [
        reading("untrained", "fourier", 0.1),
        reading("untrained", "digits", 0.3),
        reading("untrained-2", value=0.2),
    ]
    rows += [reading("untrained", "linear", 0.8), reading("mixed", "digits", 0.99), reading("shuffled", value=0.0)]
    rows += [reading("last_token", "last_token", 0.01), reading(model="other"), reading(context="vocabulary")]
    return measurements(rows)


def composed():
    names = {
        "model": "real",
        "context": "natural",
        "metric": "additive",
        "ci_low": 0.5,
        "ci_high": 0.6,
        "n_values": 900,
    }
    rows = [{**names, "layer": layer, "subset": f"digits={d}", "value": 0.55} for layer in "01" for d in "23"]
    rows += [{**names, "layer": "1", "subset": "digits=3", "value": 0.98, "control": "untrained"}]
    return measurements(rows, {"over": pl.String})


def test_the_first_model_is_shown_with_the_best_of_its_controls():
    rows = summary_rows(accuracies(), composed())
    assert set(rows["model"]) == {"real"} and "vocabulary" not in set(rows["context"])
    read = rows.filter(pl.col("panel") == READING)
    assert set(read.filter(pl.col("control") == "none")["probe"]) == {"fourier", "digits"}
    controls = {c: (p, v) for c, p, v in read.select("control", "probe", "value").iter_rows() if c != "none"}
    assert controls == {
        "untrained": ("digits", 0.3), "mixed": ("digits", 0.99), "last_token": ("last_token", 0.01),
    }  # fmt: skip


def test_the_longest_numbers_are_shown():
    rows = summary_rows(accuracies(), composed()).filter(pl.col("panel") == COMPOSITION)
    assert set(rows["subset"]) == {"digits=3"} and rows.height == 3


def test_the_figure_says_whose_layers_it_shows():
    figure = draw_summary(summary_rows(accuracies(), composed()))
    assert {"layer of real", "natural", "900 numbers of 3 digits"} <= set(texts(figure))
    assert legend(figure) == [
        "fourier", "digits", "additive in the digits", "untrained", "mixed embeddings", "last token alone",
    ]  # fmt: skip


def test_a_control_may_have_a_layer_that_the_model_lacks():
    rows = pl.concat([accuracies(), measurements([reading("mixed", "digits", 0.99, layer="2")])])
    assert "2" in texts(draw_summary(summary_rows(rows)))


def test_a_study_without_composition_has_one_row():
    rows = summary_rows(accuracy_table())
    assert set(rows["panel"]) == {READING}
    draw_summary(rows)


def test_an_empty_table_is_refused():
    with pytest.raises(NumprobeError, match="no rows"):
        summary_rows(measurements([]))
