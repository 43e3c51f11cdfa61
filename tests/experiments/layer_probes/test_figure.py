"""Every probe over the layers, with explained variance and selectivity."""

import polars as pl
import pytest

from draw.fake_tables import accuracy_table
from draw.inspection import legend, texts
from numprobe.errors import NumprobeError
from numprobe.experiments.layer_probes.figure import draw_layer_probes, layer_probes_rows
from numprobe.probes.codes import CODES
from numprobe.tables import measurements

SETTINGS = {"settings": pl.String}


def row(value, **more):
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 1000, **more}


def test_layers_show_accuracy_explained_variance_and_selectivity_of_each_context():
    accuracy = pl.concat([accuracy_table(), measurements([row(0.9, model="llama", probe="linear", metric="r2")])])
    selective = measurements([row(0.7, model="llama", metric="selectivity")])
    drawn = layer_probes_rows(accuracy, ["operand", "result"], None, selective)
    figure = draw_layer_probes(drawn, 1000)
    found = texts(figure)
    columns = ["main probes", "other probes", "controls", "R²", "selectivity"]
    assert {*columns, "llama operand", "llama result", "minilm operand"} <= set(found)
    assert "not applicable: encoder" in found and any("constant state: 0" in text for text in found)
    behind = dict(zip(columns, ([text.get_text() for text in axes.texts[:-1]] for axes in figure.axes), strict=False))
    assert set(behind["main probes"]) == {"fourier", "digits"}
    assert set(behind["other probes"]) == {"binary", "linear", "log"}
    assert set(behind["controls"]) == {"fourier", "shuffled", "gaussian", "untrained", "mixed", "constant"}


def test_a_panel_has_at_most_seven_series():
    probes = [row(0.5 + place / 100, probe=probe) for place, probe in enumerate((*CODES, "sinusoidal", "wave", "mlp"))]
    controls = ("shuffled", "gaussian", "untrained", "untrained-2", "mixed", "constant")
    rows = [*probes, *(row(0.1, control=control) for control in controls)]
    figure = draw_layer_probes(layer_probes_rows(measurements(rows), ["operand"]), 1000)
    series = [{(line.get_color(), line.get_linestyle()) for line in axes.lines} for axes in figure.axes]
    assert len(series) > 1 and all(len(found) <= 8 for found in series)  # with the line of chance


def test_own_probes_replace_those_of_the_accuracy_table_and_published_settings_are_told_apart():
    accuracy = measurements([row(0.9), row(0.1, probe="wave"), row(0.8, probe="wave", context="result")])
    trained = measurements(
        [row(0.6, probe="wave", settings="default"), row(0.2, probe="wave", settings="published")], SETTINGS
    )
    drawn = layer_probes_rows(accuracy, ["operand", "result"], trained)
    waves = drawn.filter((pl.col("probe") == "wave") & (pl.col("context") == "operand"))
    assert waves["value"].to_list() == [0.6, 0.2]
    assert drawn.filter((pl.col("probe") == "wave") & (pl.col("context") == "result"))["value"].to_list() == [0.8]
    assert "published settings" in legend(draw_layer_probes(drawn, 1000))


def test_probes_of_the_accuracy_table_may_have_the_published_settings():
    accuracy = measurements([row(0.9), row(0.1, probe="wave")])
    trained = measurements([row(0.6, probe="wave", settings="default")], SETTINGS)
    drawn = layer_probes_rows(accuracy, ["operand"], trained, refitted=["wave"])
    waves = drawn.filter(pl.col("probe") == "wave").select("settings", "value")
    assert set(waves.iter_rows()) == {("published", 0.1), ("default", 0.6)}


def test_published_numbers_are_drawn_for_the_papers_models():
    accuracy = measurements([row(0.9, model="llama-3.2-1b", layer=layer) for layer in ("0", "1", "final_norm")])
    drawn = layer_probes_rows(accuracy, ["operand"])
    assert set(drawn.filter(pl.col("source") != "this study")["settings"]) == {"published"}
    figure = draw_layer_probes(drawn, 1000)
    assert "published numbers" in legend(figure)


def test_contexts_without_accuracies_are_refused():
    with pytest.raises(NumprobeError, match="contexts poem"):
        layer_probes_rows(accuracy_table(), ["poem"])
