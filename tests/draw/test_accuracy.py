import polars as pl
import pytest

from numprobe.draw.accuracy import accuracy, accuracy_rows, controls, draw_accuracy, other_probes
from numprobe.draw.panels import spread
from numprobe.errors import NumprobeError
from numprobe.tables import measurements

from .fake_tables import LEVELS, accuracy_table, large_accuracy_table
from .inspection import legend, texts


def test_all_probes_are_drawn_on_all_values_and_the_leading_one_on_subsets():
    drawn = accuracy_rows(accuracy_table(), "probes")
    plain = drawn.filter(pl.col("control") == "none")
    assert set(plain["probe"].drop_nulls()) == {"fourier", "digits", "binary", "linear", "log", "sinusoidal", "wave"}
    assert set(drawn["control"]) == {"none", "untrained", "untrained-2", "mixed", "constant"}
    assert set(drawn.filter(pl.col("control").is_in(["untrained", "mixed"]))["probe"]) == {"fourier"}
    parts = drawn.filter(pl.col("subset") != "all")
    assert set(parts["subset"]) == {"values=0..341", "values=342..999"}
    assert set(parts["probe"]) == {"fourier"}


def test_controls_are_those_of_the_leading_probe():
    drawn = accuracy_rows(accuracy_table(), "controls")
    assert set(drawn["control"]) == {"none", "shuffled", "gaussian", "untrained", "untrained-2", "mixed", "constant"}
    assert set(drawn["probe"].drop_nulls()) == {"fourier", "constant"}
    assert set(drawn["subset"]) == {"all"}


def test_other_metrics_sites_and_single_folds_are_not_drawn():
    table = accuracy_table()
    others = table.filter(pl.col("value").is_not_null()).head(3)
    more = [
        others.with_columns(pl.lit("mae").alias("metric")),
        others.with_columns(pl.lit("attention").alias("site")),
        others.with_columns(pl.lit("0").alias("fold")),
        others.with_columns(pl.lit("operation=+").alias("subset")),
    ]
    for what in ("probes", "controls"):
        assert accuracy_rows(pl.concat([table, *more]), what).equals(accuracy_rows(table, what))


@pytest.mark.parametrize("what", ["probes", "controls"])
def test_the_figure_names_models_contexts_layers_and_what_does_not_apply(what):
    found = texts(draw_accuracy(accuracy_rows(accuracy_table(), what), what))
    for word in ("llama", "olmo2", "minilm", "vocabulary", "number", "operand", "result", "natural"):
        assert word in found
    assert {"emb", "unemb", "0", "norm", "layer", "accuracy"} <= set(found)
    assert found.count("not applicable: encoder") == 1


def test_panels_say_how_many_values_were_tested_and_what_is_missing():
    found = " | ".join(texts(draw_accuracy(accuracy_rows(accuracy_table(), "probes"), "probes")))
    assert "1000 values sinusoidal, wave: 100 values" in found
    assert "1000 values without sinusoidal, wave" in found
    assert "constant state: 0" in found


def test_a_combination_without_rows_is_visible():
    table = accuracy_table().filter(~((pl.col("model") == "olmo2") & (pl.col("context") == "natural")))
    assert "not measured" in texts(draw_accuracy(accuracy_rows(table, "probes"), "probes"))


def test_every_series_is_named_behind_its_curve_and_the_legend_names_chance_only_when_it_is_known():
    drawn = accuracy_rows(accuracy_table(), "controls")
    names = ["fourier", "shuffled", "gaussian", "untrained", "mixed", "constant"]
    found = texts(draw_accuracy(drawn, "controls"))
    assert [found.count(name) for name in names] == [drawn["model"].n_unique()] * len(names)
    assert legend(draw_accuracy(drawn, "controls", candidates=1000)) == ["chance (1/1000)"]


def test_the_legend_names_series_that_the_last_panel_of_a_row_lacks():
    drawn = accuracy_rows(accuracy_table(), "probes")
    assert legend(draw_accuracy(drawn, "probes")) == ["sinusoidal", "wave", "fourier, some of the values"]


@pytest.mark.parametrize("models", [1, 10])
def test_a_panel_holds_at_most_seven_series_and_nothing_is_cut_off(models):
    # A name for each series, in a study with every probe.
    probes = ("fourier", "digits", "circular", "binary", "linear", "log", "helix", "sinusoidal", "wave", "mlp")
    large = large_accuracy_table(models, 32, 5)
    plain = large.filter(probe="fourier", control="none", subset="all")
    others = [plain.with_columns(probe=pl.lit(probe)) for probe in probes if probe not in LEVELS]
    table = pl.concat([large, *others])
    drawn = {}
    for draw in (accuracy, other_probes, controls):
        figure, drawn[draw] = draw({"accuracy": table}, {"candidates": 1000})
        shown = drawn[draw].drop_nulls("value")
        kinds = shown.select("probe", pl.col("control").str.replace(r"-\d+$", "")).unique()
        assert kinds.height <= 7
        figure.draw_without_rendering()
        width, height = figure.get_size_inches() * figure.dpi
        edges = figure.get_tightbbox().extents * figure.dpi
        assert min(edges[:2]) >= 0 and edges[2] <= width and edges[3] <= height
    main, rest = (set(drawn[draw].filter(control="none")["probe"].drop_nulls()) for draw in (accuracy, other_probes))
    assert (main, rest) == ({"fourier", "digits", "circular"}, set(probes) - main)


def test_a_study_without_other_probes_has_no_figure_of_them():
    table = accuracy_table().filter(pl.col("probe").is_in(["fourier", "digits"]) | (pl.col("control") != "none"))
    with pytest.raises(NumprobeError, match="no rows of probes other than the main ones"):
        other_probes({"accuracy": table}, {"candidates": 1000})


def test_names_lie_apart_and_within_the_panel():
    assert spread([0.1, 0.5], 0.1) == [0.1, 0.5]
    assert spread([0.0, 0.0, 0.05], 0.1) == pytest.approx([0, 0.1, 0.2])
    assert spread([0.95, 0.97, 0.98], 0.1) == pytest.approx([0.8, 0.9, 1])
    assert spread([], 0.1) == []


def test_accuracies_are_in_per_cent():
    assert {"0 %", "50 %", "100 %"} <= set(texts(accuracy({"accuracy": accuracy_table()}, {"candidates": None})[0]))
    assert {"1 %", "10 %"} <= set(texts(controls({"accuracy": accuracy_table()}, {"candidates": None})[0]))


def test_the_points_are_the_values_of_the_table():
    row = {"model": "m", "context": "number", "probe": "fourier", "metric": "accuracy", "n_values": 9}
    values = {"10": 0.5, "2": 0.25, "0": 0.0, "final_norm": 1.0}
    table = measurements([{**row, "layer": layer, "value": value} for layer, value in values.items()])
    (axes,) = draw_accuracy(accuracy_rows(table, "probes"), "probes").axes
    curves = [line.get_ydata().tolist() for line in axes.lines if len(line.get_xdata()) == 4]
    assert curves == [[0.0, 0.25, 0.5, 1.0]]


def test_a_control_without_layers_is_a_level_line_without_a_marker():
    row = {"model": "m", "context": "number", "probe": "fourier", "metric": "accuracy", "n_values": 9}
    rows = [{**row, "layer": layer, "value": 0.9} for layer in ("0", "1", "2")]
    rows += [{**row, "layer": layer, "value": 0.25, "control": "shuffled"} for layer in ("0", "1", "2")]
    rows.append({**row, "value": 0.125, "ci_low": 0.1, "ci_high": 0.2, "control": "gaussian"})
    for context in ("number", "vocabulary"):
        table = measurements(rows).with_columns(context=pl.lit(context))
        figure = draw_accuracy(accuracy_rows(table, "controls"), "controls")
        levels = [line for line in figure.axes[0].lines if list(line.get_ydata()) == [0.125, 0.125]]
        assert [list(line.get_xdata()) for line in levels] == [[0, 1]]
        assert [line.get_marker() for line in levels] == ["None"]
    # Points have no names beside them, so the legend has.
    markers = {line.get_label(): line.get_marker() for line in figure.legends[0].get_lines()}
    assert markers["gaussian"] in ("", "None") and markers["shuffled"] == "x"


@pytest.mark.parametrize(("models", "blocks", "contexts"), [(1, 1, 1), (5, 80, 6)])
def test_studies_of_any_size_can_be_drawn(models, blocks, contexts):
    figure = draw_accuracy(accuracy_rows(large_accuracy_table(models, blocks, contexts), "probes"), "probes")
    assert len(figure.axes) == models * contexts


def test_without_fourier_another_probe_leads():
    drawn = accuracy_rows(accuracy_table().filter(pl.col("probe") != "fourier"), "controls")
    assert set(drawn.filter(pl.col("control") == "none")["probe"].drop_nulls()) == {"sinusoidal"}


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(NumprobeError, match="no rows: nothing was measured"):
        accuracy_rows(measurements([]), "probes")
    with pytest.raises(NumprobeError, match="lacks the columns subset"):
        accuracy_rows(accuracy_table().drop("subset"), "probes")
    with pytest.raises(NumprobeError, match="no rows of metric accuracy"):
        accuracy_rows(accuracy_table().with_columns(pl.lit("mae").alias("metric")), "controls")


@pytest.mark.parametrize("what", ["probes", "controls"])
def test_the_floor_of_the_last_token_is_drawn_where_there_is_one(what):
    floor = accuracy_table().filter(model="llama", context="number", control="constant")
    names = {"probe": "last_token", "control": "last_token"}
    table = pl.concat([accuracy_table(), floor.with_columns(pl.lit(text).alias(name) for name, text in names.items())])
    drawn = accuracy_rows(table, what)
    assert drawn.filter(control="last_token").height == floor.height
    figure = draw_accuracy(drawn, what)
    # Not behind every curve, so in the legend.
    assert legend(figure).count("last_token") == 1
    assert not any("without last_token" in text for text in texts(figure))
    assert "last_token" not in legend(draw_accuracy(accuracy_rows(accuracy_table(), what), what))
