"""The section holds the numbers of the tables."""

import polars as pl

from numprobe.experiments.embedding_probes.findings import section
from numprobe.tables import measurements


def row(value: float, **more: object) -> dict:
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 100, **more}


def test_embeddings_tell_accuracies_spread_ends_and_misread_numbers():
    place = {"context": "vocabulary", "layer": "embedding", "settings": "default"}
    rows = [
        row(0.98, **place),
        row(0.5, probe="digits", **place),
        row(0.4, probe="sinusoidal", **{**place, "n_values": 50}),
        row(0.1, probe="sinusoidal", **{**place, "settings": "published"}),
        row(0.02, control="shuffled", **place),
        row(0.9, subset="smallest=10", **place),
        row(0.8, subset="largest=10", **place),
        row(0.975, **{**place, "metric": "fold_mean", "note": "20 folds, point value"}),
        row(0.031, **{**place, "metric": "fold_sd", "note": "20 folds, point value"}),
        row(0.99, subset="values=0..9", **place),
    ]
    wrong = {"model": "m", "layer": "embedding", "probe": "fourier", "settings": "default", "number": 7, "decoded": 8}
    tables = {
        "embedding_probes": measurements(rows, {"settings": pl.String}),
        "non_decodable": pl.DataFrame([wrong, {**wrong, "number": 99}, {**wrong, "probe": "digits", "number": 55}]),
    }
    text = section(tables)
    assert "| model | layer | fourier | sinusoidal | sinusoidal, published settings | digits | shuffled |" in text
    assert "| m | embedding | 98 [97, 99] | 40 [39, 41] | 10 [9, 11] | 50 [49, 51] | 2 [1, 3] |" in text
    assert "m embedding 97.5 ± 3.1" in text and "over 20 folds" in text
    assert "2 of 100: 7, 99 (accuracy on the smallest 10 90 [89, 91], largest 10 80 [79, 81])" in text
    assert "in 1 of 1 matrices; its controls reach at most 2." in text and "m 0..9: 99 [98, 100]" in text
    assert "other models only" in text


def test_embeddings_of_a_model_of_the_paper_stand_beside_its_number():
    place = {"context": "vocabulary", "layer": "embedding", "settings": "default", "model": "llama-3.2-1b"}
    rows = [row(0.98, **place), row(0.97, probe="sinusoidal", **place)]
    empty = pl.DataFrame(
        schema={"model": pl.String, "layer": pl.String, "probe": pl.String, "settings": pl.String, "number": pl.Int32}
    )
    text = section({"embedding_probes": measurements(rows, {"settings": pl.String}), "non_decodable": empty})
    assert "llama-3.2-1b 100 (ours, default settings: 97)" in text
