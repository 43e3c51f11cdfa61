"""The section holds the numbers of the tables."""

import polars as pl

from numprobe.experiments.layer_probes.findings import section
from numprobe.tables import measurements


def row(value: float, **more: object) -> dict:
    names = {"model": "m", "context": "operand", "layer": "1", "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "n_values": 100, **more}


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
    text = section(layers_tables())
    assert "| m | operand | 80 [79, 81] | 90 [89, 91] | 70 [69, 71] |" in text
    assert "| model | context | layer | fourier | wave | wave, published settings | linear | shuffled |" in text
    assert "| m | operand | 1 | 90 [89, 91] | 60 [59, 61] | 20 [19, 21] | 5 [4, 6] | 2 [1, 3] |" in text
    assert "| m | operand | 0.93 [0.92, 0.94] |" in text
    assert "| m | operand | 1 | 85 [84, 86] |" in text and "| m | operand | 1 | 10 [9, 11] |" in text
    assert "No probe learns half of the random labels" in text
    assert "best in layer 1, 90 [89, 91]; worst in 2, 70 [69, 71]" in text


def test_layers_without_probes_of_their_own_are_told_of_the_accuracy_alone():
    text = section({"accuracy": layers_tables()["accuracy"]})
    assert "Selectivity" not in text and "| m | operand | 1 | 90 [89, 91] |" in text
