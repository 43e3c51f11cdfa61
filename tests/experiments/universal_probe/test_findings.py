"""The section on the one probe of all layers and contexts."""

import polars as pl

from numprobe.experiments.universal_probe.findings import section
from numprobe.tables import measurements

EXTRA = {"fitted_on": pl.String, "normalisation": pl.String}
EVERYWHERE = {"fitted_on": "all layers and contexts", "normalisation": "chosen"}


def row(layer: str, value: float, **more: object) -> dict:
    names = {"model": "m", "context": "operand", "layer": layer, "probe": "fourier", "metric": "accuracy"}
    return {**names, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, **more}


def table() -> pl.DataFrame:
    rows = [row(layer, 0.99, fitted_on="one layer") for layer in "012"]
    rows += [row(layer, value, **EVERYWHERE) for layer, value in zip("012", (0.9, 0.95, 0.85), strict=True)]
    rows += [row("1", 0.77, fitted_on="all layers", normalisation="none")]
    rows += [row("1", 0.66, fitted_on="all layers and contexts", normalisation="layer_context")]
    rows += [
        row(layer, less, metric="accuracy_difference", **EVERYWHERE) for layer, less in (("1", -0.04), ("2", -0.14))
    ]
    rows += [row("1", 0.002, control="shuffled", **EVERYWHERE), row("0", 0.01, control="constant")]
    shares = {"layer": 0.3, "none": 0.7, "layer_context": 0.0}
    names = {"model": "m", "metric": "chosen_share", "fitted_on": "all layers and contexts"}
    rows += [{**names, "normalisation": name, "value": share} for name, share in shares.items()]
    return measurements(rows, EXTRA)


def test_the_numbers_of_the_table_are_told():
    page = section({"universal_probe": table()})
    assert "| m | operand | 90 [89, 91] | 95 [94, 96] | 85 [84, 86] |" in page
    assert "-9 points on average over layers and models; at worst -14 [-15, -13] points (layer 2 of m)" in page
    assert "shuffled 0 [-1, 1] (layer 1 of m, `operand`); constant 1 [0, 2]" in page
    assert "m: layer 30 %, none 70 %." in page


def test_a_format_is_no_code_where_the_embeddings_alone_are_read_as_well():
    def told(value):
        rows = measurements([row(layer, value, control="mixed", **EVERYWHERE) for layer in "012"], EXTRA)
        return section({"universal_probe": pl.concat([table(), rows])})

    assert "one probe of `mixed` for all contexts reads `operand` 96 [95, 97], no less than the model's best" in told(
        0.96
    )
    assert "that this is a code of the number does not follow" in told(0.94)
    assert "reads `operand` 60 [59, 61]; the model's best layer is read better in `operand`." in told(0.6)
    assert "one probe of `mixed`" not in section({"universal_probe": table()})


def test_all_fits_stand_side_by_side_at_the_middle_block():
    page = section({"universal_probe": table()})
    heads = (
        "| one layer | all layers and contexts, chosen | all layers, none | all layers and contexts, layer_context |"
    )
    assert heads in page
    assert "99 [98, 100] | 95 [94, 96] | 77 [76, 78] | 66 [65, 67] |" in page
