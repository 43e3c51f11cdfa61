"""The sections on embeddings, layers and running text hold the numbers of the tables."""

import polars as pl

from numprobe.findings import embedding_probes, layer_probes, natural_contexts
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
    text = embedding_probes.section(tables)
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
    text = embedding_probes.section(
        {"embedding_probes": measurements(rows, {"settings": pl.String}), "non_decodable": empty}
    )
    assert "llama-3.2-1b 100 (ours, default settings: 97)" in text


def layers_tables() -> dict[str, pl.DataFrame]:
    accuracy = [row(0.9, layer="1"), row(0.8, layer="0"), row(0.7, layer="2"), row(0.02, control="shuffled")]
    accuracy += [row(0.05, probe="linear"), row(0.93, probe="linear", metric="r2")]
    trained = [row(0.6, probe="wave", settings="default"), row(0.2, probe="wave", settings="published")]
    task = {"probe": "digits"}
    selective = [row(0.85, metric="selectivity", **task), row(0.1, control="task", **task)]
    return {
        "accuracy": measurements(accuracy),
        "layer_probes": measurements(trained, {"settings": pl.String}),
        "selectivity": measurements(selective),
    }


def test_layers_tell_the_course_all_probes_magnitude_and_selectivity():
    text = layer_probes.section(layers_tables())
    assert "| m | operand | 80 [79, 81] | 90 [89, 91] | 70 [69, 71] |" in text
    assert "| model | context | layer | fourier | wave | wave, published settings | linear | shuffled |" in text
    assert "| m | operand | 1 | 90 [89, 91] | 60 [59, 61] | 20 [19, 21] | 5 [4, 6] | 2 [1, 3] |" in text
    assert "| m | operand | 0.93 [0.92, 0.94] |" in text
    assert "| m | operand | 1 | 85 [84, 86] |" in text and "| m | operand | 1 | 10 [9, 11] |" in text
    assert "No probe learns half of the random labels" in text
    assert "best in layer 1, 90 [89, 91]; worst in 2, 70 [69, 71]" in text


def test_layers_without_probes_of_their_own_are_told_of_the_accuracy_alone():
    text = layer_probes.section({"accuracy": layers_tables()["accuracy"]})
    assert "Selectivity" not in text and "| m | operand | 1 | 90 [89, 91] |" in text


def test_text_tells_domains_and_both_directions():
    natural = {"context": "natural"}
    accuracy = [
        row(0.9, **natural),
        row(0.01, control="shuffled", **natural),
        row(0.8, subset="domain=recipes", **natural),
    ]
    transfer = [
        row(0.95, fit_context="operand"),
        row(0.9, fit_context="natural", **natural),
        row(0.85, fit_context="natural"),
        row(0.3, fit_context="operand", **natural),
    ]
    tables = {"accuracy": measurements(accuracy), "transfer": measurements(transfer, {"fit_context": pl.String})}
    text = natural_contexts.section(tables)
    assert "| m | natural | fourier | 90 [89, 91] |" in text and "| m | natural | shuffled | 1 [0, 2] |" in text
    assert "| m | natural | 1 | 80 [79, 81] |" in text
    assert "| m | natural → operand | 85 [84, 86] |" in text
    assert "In 1 of 1 models probes of text keep more of arithmetic" in text
    assert "probes of text lose 10 points in arithmetic and probes of arithmetic 60 in text" in text
    assert "Llama-3.2-1B lose 4 and 18 points" in text


def test_a_study_without_domains_says_so():
    tables = {"accuracy": measurements([row(0.9)]), "transfer": measurements([], {"fit_context": pl.String})}
    assert "No context has domains" in natural_contexts.section(tables)
