"""The figures of embeddings, layers and running text."""

import polars as pl
import pytest

from numprobe.errors import NumprobeError
from numprobe.figures.embedding_probes import draw_embedding_probes, embedding_probes_rows
from numprobe.figures.layer_probes import draw_layer_probes, layer_probes_rows
from numprobe.figures.natural_contexts import draw_natural_contexts, natural_contexts_rows
from numprobe.figures.style import use_style
from numprobe.tables import measurements

from .fake_tables import accuracy_table, transfer_table
from .inspection import legend, texts

SETTINGS = {"settings": pl.String}
MISREAD = {"model": pl.String, "layer": pl.String, "probe": pl.String, "settings": pl.String, "number": pl.Int32}


@pytest.fixture(autouse=True)
def _style():
    use_style()


def row(value, **more):
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 1000, **more}


def accuracies():
    table = accuracy_table()
    plain = (pl.col("probe") == "fourier") & (pl.col("control") == "none") & (pl.col("subset") == "all")
    domains = table.filter(plain & (pl.col("context") == "natural"))
    names = [domains.with_columns(pl.lit(f"domain={name}").alias("subset")) for name in ("recipes", "sport")]
    return pl.concat([table, *names])


def test_layers_show_accuracy_explained_variance_and_selectivity_of_each_context():
    accuracy = pl.concat([accuracies(), measurements([row(0.9, model="llama", probe="linear", metric="r2")])])
    selective = measurements([row(0.7, model="llama", metric="selectivity")])
    drawn = layer_probes_rows(accuracy, ["operand", "result"], None, selective)
    figure = draw_layer_probes(drawn, 1000)
    found = texts(figure)
    assert {"operand", "operand: R²", "operand: selectivity", "result", "llama", "minilm"} <= set(found)
    assert "not applicable: encoder" in found and any("constant state: 0" in text for text in found)
    assert {"fourier", "digits", "shuffled", "untrained"} <= set(legend(figure))


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
    drawn = layer_probes_rows(accuracy, ["operand"], trained, faithful=["wave"])
    waves = drawn.filter(pl.col("probe") == "wave").select("settings", "value")
    assert set(waves.iter_rows()) == {("published", 0.1), ("default", 0.6)}


def test_published_numbers_are_drawn_for_the_papers_models():
    accuracy = measurements([row(0.9, model="llama-3.2-1b", layer=layer) for layer in ("0", "1", "final_norm")])
    figure = draw_layer_probes(layer_probes_rows(accuracy, ["operand"]), 1000)
    assert "the paper's numbers" in legend(figure)


def test_contexts_without_accuracies_are_refused():
    with pytest.raises(NumprobeError, match="contexts poem"):
        layer_probes_rows(accuracies(), ["poem"])


def test_embeddings_show_scores_folds_and_every_misread_number():
    place = {"context": "vocabulary", "layer": "embedding", "settings": "default"}
    rows = [
        row(0.9, **place),
        row(0.8, subset="values=0..341", **place),
        row(0.1, subset="values=342..999", **place),
        row(0.5, probe="wave", **{**place, "n_values": 50}),
        row(0.01, control="shuffled", **place),
        {**row(0.9, **place), "metric": "fold_mean"},
        {**row(0.03, **place), "metric": "fold_sd"},
    ]
    misread = pl.DataFrame([("m", "embedding", "fourier", "default", n) for n in (0, 999)], MISREAD, orient="row")
    drawn = embedding_probes_rows(measurements(rows, SETTINGS), misread)
    figure = draw_embedding_probes(drawn, 1000, (0, 999))
    found = texts(figure)
    assert {"m, input matrix", "fourier", "wave (50)", "shuffled"} <= set(found)
    assert "1000 numbers tested, shaded: only some are single tokens" in found
    ticks = [line for axes in figure.axes[1::2] for line in axes.collections if len(line.get_paths()) == 2]
    assert [path.vertices[0, 0] for path in ticks[0].get_paths()] == [0, 999]
    assert drawn.filter(pl.col("kind") == "misread")["value"].to_list() == [0, 999]


def test_embeddings_of_the_papers_models_have_its_number():
    place = {"context": "vocabulary", "layer": "embedding", "settings": "default", "model": "llama-3.2-1b"}
    table = measurements([row(0.9, **place), row(0.97, probe="sinusoidal", **place)], SETTINGS)
    figure = draw_embedding_probes(embedding_probes_rows(table, pl.DataFrame(schema=MISREAD)), 1000, (0, 999))
    assert "the paper's number" in legend(figure)


def test_running_text_shows_probes_domains_and_both_directions():
    drawn = natural_contexts_rows(accuracies(), transfer_table(), ["natural"], ["operand"])
    figure = draw_natural_contexts(drawn, 1000)
    titles = {"natural: all probes", "natural: domains", "transfer into operand", "transfer into natural"}
    assert titles <= set(texts(figure))
    assert {"recipes", "sport", "fitted on natural", "fitted on operand"} <= set(legend(figure))
    pairs = drawn.filter(pl.col("panel") == "transfer").select("fit_context", "context").unique()
    assert set(pairs.iter_rows()) == {(a, b) for a in ("natural", "operand") for b in ("natural", "operand")}


def test_the_papers_transfer_is_drawn_for_its_model():
    accuracy = measurements([row(0.9, context="natural", model="llama-3.2-1b")])
    transfer = measurements([row(0.9, model="llama-3.2-1b", fit_context="natural")], {"fit_context": pl.String})
    drawn = natural_contexts_rows(accuracy, transfer, ["natural"], ["operand"])
    paper = drawn.filter(pl.col("source") != "this study")
    assert set(paper["fit_context"].drop_nulls()) == {"natural", "operand"}
    assert "the paper's numbers" in legend(draw_natural_contexts(drawn, 1000))


def test_a_study_without_running_text_is_refused():
    with pytest.raises(NumprobeError, match="contexts letters"):
        natural_contexts_rows(accuracies(), transfer_table(), ["letters"], ["operand"])
