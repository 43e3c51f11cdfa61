"""The section holds the numbers of the tables."""

import polars as pl
import pytest

from numprobe.experiments.layer_probes.findings import section
from numprobe.tables import measurements
from numprobe.tell.section import Share


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


def cells(grid) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in grid.rows]


def test_layers_show_the_leading_probe_all_probes_magnitudes_and_selectivity():
    by_layer, at_middle, magnitudes, selectivity, task = section(layers_tables()).grids
    assert cells(by_layer) == [["m", "operand", "80 [79, 81]", "90 [89, 91]", "70 [69, 71]"]]
    assert at_middle.heads[3:] == ["fourier", "wave", "wave, published settings", "linear", "shuffled"]
    middle = ["90 [89, 91]", "60 [59, 61]", "20 [19, 21]", "5 [4, 6]", "2 [1, 3]"]
    assert cells(at_middle) == [["m", "operand", "1", *middle]]
    assert (str(magnitudes.column("R² of linear")[0]), magnitudes.column("R² of log")) == ("0.93 [0.92, 0.94]", [None])
    assert cells(selectivity) == [["m", "operand", "1", "85 [84, 86]"]]
    assert cells(task) == [["m", "operand", "1", "10 [9, 11]"]]


def test_random_vectors_stand_beside_the_middle_block():
    tables = layers_tables()
    gaussian = measurements([{**row(0.001, control="gaussian"), "layer": None}])
    found = section({**tables, "accuracy": pl.concat([tables["accuracy"], gaussian])})
    assert found.grids[1].column("gaussian")[0].value == 0.001 and len(found.grids[1].rows) == 1
    assert "layer" not in found.statements[-1].numbers and found.statements[-1].comparison == "gaussian"


def test_the_extremes_and_the_controls_are_stated():
    *_, extremes, controls = section(layers_tables()).statements
    assert (extremes.subject, extremes.numbers["best_layer"], extremes.numbers["worst_layer"]) == (
        "m, `operand`",
        "1",
        "2",
    )
    assert controls.comparison == "shuffled" and controls.numbers["accuracy"].value == 0.02


@pytest.mark.parametrize("accuracy", [0.1, 0.7])
def test_the_highest_accuracy_on_random_labels_is_quoted(accuracy):
    tables = layers_tables()
    task = pl.when(pl.col("control") == "task").then(accuracy).otherwise("value")
    memorised = section({**tables, "selectivity": tables["selectivity"].with_columns(value=task)}).statements[0]
    assert memorised.numbers["highest"].numbers == {"`digits`": Share(accuracy)}


def test_layers_without_probes_of_their_own_show_the_accuracy_alone():
    by_layer, at_middle, _ = section({"accuracy": layers_tables()["accuracy"]}).grids
    assert by_layer.column("1") == at_middle.column("fourier")
    assert at_middle.heads[3:] == ["fourier", "linear", "shuffled"]
