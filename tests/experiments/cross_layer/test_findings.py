"""The section on probes that read layers which they have never seen."""

import polars as pl

from numprobe.experiments.cross_layer.findings import section
from numprobe.tables import measurements

EXTRA = {"fit_layer": pl.String, "normalisation": pl.String}
OWN = {"0": 0.99, "1": 1.0, "2": 0.99, "final_norm": 0.98}
OTHERS = {"0": 0.41, "1": 0.97, "2": 0.86, "final_norm": 0.9}


def row(layer: str, value: float, fit: str, normalisation: str | None = "layer", **more: object) -> dict:
    names = {"model": "m", "context": "number", "layer": layer, "probe": "fourier", "metric": "accuracy"}
    interval = {"ci_low": value - 0.01, "ci_high": value + 0.01}
    return {**names, "value": value, **interval, "fit_layer": fit, "normalisation": normalisation, **more}


def table() -> pl.DataFrame:
    rows = [row(layer, value, layer) for layer, value in OWN.items()]
    rows += [row(layer, value, "others") for layer, value in OTHERS.items()]
    rows += [row(layer, 0.12, "others", "none") for layer in OTHERS]
    rows += [
        row("1", 0.003, "others", "chosen", control="shuffled"),
        row("1", 0.01, "others", None, control="constant"),
    ]
    for metric, value in (("scale_ratio", 0.07), ("mean_offset", 0.32), ("code_cosine", 0.77)):
        rows.append(row("0", value, "others", None, metric=metric))
    return measurements(rows, EXTRA)


def test_the_numbers_of_the_table_are_told():
    page = section({"cross_layer": table()})
    assert "| m | number | 41 [40, 42] | 97 [96, 98] | 86 [85, 87] | 90 [89, 91] |" in page
    assert (
        "1 of 2 inner layers are read at 95 % or more; the lowest is layer 2 of m, 86 [85, 87]. On average 92: largely"
        in page
    )
    assert "shuffled 0 [-1, 1] (layer 1 of m, `number`); constant 1 [0, 2]" in page
    assert "`number`, layer 0: on average over models 12 as the states are, 41 on the layer's own scale" in page


def test_layers_that_fail_are_explained_beside_the_paper():
    page = section({"cross_layer": table()})
    assert "| m | number | 0 | 99 | 41 [40, 42] | 0.07 | 0.32 | 0.77 |" in page
    assert "| m | number | 2 | 99" not in page  # loses less than 20 points
    assert "0 to 85 % at layer 0 and 0 to 86 % after the final norm" in page


def test_nothing_fails_and_nothing_can_be_left_out():
    kept = table().filter((pl.col("layer") != "0") | (pl.col("fit_layer") == "0"))
    assert "No layer loses more than 20 points" in section({"cross_layer": kept})
    alone = table().filter(pl.col("fit_layer") != "others")
    assert "No layer could be left out" in section({"cross_layer": alone})
