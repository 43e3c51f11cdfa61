"""The section on the one probe of all layers and contexts."""

import polars as pl
import pytest

from numprobe.experiments.universal_probe.findings import section
from numprobe.tables import measurements
from numprobe.tell.section import Difference, Share

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


def statements(subject: str, extra: list[dict] | None = None):
    rows = pl.concat([table(), measurements(extra or [], EXTRA)])
    return [said for said in section({"universal_probe": rows}).statements if said.subject == subject]


def test_the_universal_probe_is_shown_by_layer():
    by_layer, _ = section({"universal_probe": table()}).grids
    assert [str(cell) for cell in by_layer.rows[0]] == ["m", "operand", "90 [89, 91]", "95 [94, 96]", "85 [84, 86]"]


def test_the_cost_is_the_difference_to_the_own_probes():
    (cost,) = statements("`operand`")
    assert (str(cost.numbers["mean"]), str(cost.numbers["worst"])) == ("-9.0", "-14.0 [-15.0, -13.0]")
    assert (cost.numbers["layer"], cost.numbers["model"]) == ("2", "m")


@pytest.mark.parametrize(("deep", "claim"), [(-0.14, "directions of their own"), (-0.08, "does not depend on depth")])
def test_deep_layers_may_cost_more(deep, claim):
    rows = table()
    deepest = (pl.col("metric") == "accuracy_difference") & (pl.col("layer") == "2")
    rows = rows.with_columns(value=pl.when(deepest).then(deep).otherwise("value"))
    found = section({"universal_probe": rows}).statements
    (halves,) = [said for said in found if said.subject == "the first half of the blocks"]
    assert halves.numbers == {"first": Difference(-0.04), "second": Difference(deep)} and claim in str(halves)


def test_controls_and_chosen_normalisations_are_stated():
    controls = {said.comparison: said.numbers["accuracy"].value for said in statements("m, `operand`")}
    assert controls == {"shuffled": 0.002, "constant": 0.01}
    (choices,) = statements("m")
    assert choices.numbers["shares"].numbers == {"layer": Share(0.3), "none": Share(0.7)}
    assert "layer: 30 %, none: 70 %." in str(choices)


@pytest.mark.parametrize(("value", "better"), [(0.96, []), (0.94, []), (0.6, ["`operand`"])])
def test_a_format_is_no_code_where_the_embeddings_alone_are_read_as_well(value, better):
    mixed = [row(layer, value, control="mixed", **EVERYWHERE) for layer in "012"]
    (said,) = [said for said in statements("m", mixed) if said.comparison == "`mixed`"]
    assert said.numbers["mixed"].numbers["`operand`"].value == value
    assert list(said.numbers["contexts"].numbers) == better
    assert ("that this is a code of the number does not follow" in str(said)) == (not better)


def test_all_fits_stand_side_by_side_at_the_middle_block():
    _, at_middle = section({"universal_probe": table()}).grids
    assert {head: round(100 * at_middle.column(head)[0].value) for head in at_middle.heads[2:]} == {
        "one layer": 99,
        "all layers and contexts, chosen": 95,
        "all layers, none": 77,
        "all layers and contexts, layer_context": 66,
    }
