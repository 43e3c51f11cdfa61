"""Accuracies on the embedding matrices, and every misread number."""

import polars as pl

from draw.inspection import legend, texts
from draw.test_not_applicable import LINE, REASON, SKIPPED
from numprobe.experiments.embedding_probes.figure import draw_embedding_probes, embedding_probes_rows
from numprobe.measure.collect import collect
from numprobe.tables import measurements

SETTINGS = {"settings": pl.String}
MISREAD = {"model": pl.String, "layer": pl.String, "probe": pl.String, "settings": pl.String, "number": pl.Int32}


def row(value, **more):
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 1000, **more}


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
    assert drawn.filter(pl.col("kind") == "misread")["number"].to_list() == [0, 999]


def test_random_vectors_are_drawn_beside_both_matrices():
    place = {"context": "vocabulary", "settings": "default"}
    rows = [row(0.9, **place, layer=layer) for layer in ("embedding", "unembedding")]
    rows.append(row(0.25, **place, layer=None, control="gaussian"))
    drawn = embedding_probes_rows(measurements(rows, SETTINGS), pl.DataFrame(schema=MISREAD))
    figure = draw_embedding_probes(drawn, 1000, (0, 999))
    points = [
        [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "+"] for axes in figure.axes[::2]
    ]
    assert points == [[0.25], [0.25]]


def test_embeddings_of_the_papers_models_have_its_number():
    place = {"context": "vocabulary", "layer": "embedding", "settings": "default", "model": "llama-3.2-1b"}
    table = measurements([row(0.9, **place), row(0.97, probe="sinusoidal", **place)], SETTINGS)
    figure = draw_embedding_probes(embedding_probes_rows(table, pl.DataFrame(schema=MISREAD)), 1000, (0, 999))
    assert "published number" in legend(figure)


def test_models_that_are_left_out_are_told_below():
    scores = [row(0.5, context="vocabulary", layer="embedding", settings="default", n_values=100)]
    table = measurements(scores, SETTINGS)
    drawn = embedding_probes_rows(collect([table], SKIPPED), pl.DataFrame(schema=MISREAD))
    assert drawn.filter(pl.col("model") == "digits")["note"].to_list() == [REASON]
    assert LINE in texts(draw_embedding_probes(drawn, 1000, (0, 999)))
