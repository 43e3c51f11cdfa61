"""The section on the one probe of all layers and contexts."""

import polars as pl
import pytest

from numprobe.experiments.universal_probe.findings import section
from numprobe.tables import measurements
from numprobe.tell.section import Difference, Share
from numprobe.tell.tested import Tally

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


def test_the_cost_is_tested_in_both_halves_of_the_blocks():
    (halves,) = statements("halves of the blocks")
    assert halves.numbers["tests"].numbers == dict.fromkeys(["first half", "second half"], Tally(0, 1, 0, 0, 0.05))
    assert halves.numbers["means"].numbers == {"first half": Difference(-0.04), "second half": Difference(-0.14)}


def test_controls_and_chosen_normalisations_are_stated():
    controls = {said.comparison: said.numbers["accuracy"].value for said in statements("m, `operand`")}
    assert controls == {"shuffled": 0.002, "constant": 0.01}
    (choices,) = statements("m")
    assert choices.numbers["shares"].numbers == {"layer": Share(0.3), "none": Share(0.7)}
    assert "layer: 30 %, none: 70 %." in str(choices)


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [(0.99, 0.01, "lower"), (0.94, 0.01, "same"), (0.6, 0.01, "higher"), (0.9, 0.2, "undecided")],
)
def test_a_format_is_no_code_where_the_embeddings_alone_are_shown_to_be_read_as_well(value, half, verdict):
    bounds = {"ci_low": value - half, "ci_high": value + half}
    mixed = [row(layer, value, control="mixed", **EVERYWHERE) | bounds for layer in "012"]
    (said,) = [said for said in statements("m", mixed) if said.comparison == "`mixed`"]
    assert said.numbers["mixed"].numbers["`operand`"].value == value
    assert getattr(said.numbers["tests"], verdict) == said.numbers["tests"].cases == 1
    assert ("that this is a code of the number does not follow" in str(said)) == (verdict in ("same", "lower"))


def test_all_fits_stand_side_by_side_at_the_middle_block():
    _, at_middle = section({"universal_probe": table()}).grids
    assert {head: round(100 * at_middle.column(head)[0].value) for head in at_middle.heads[2:]} == {
        "one layer": 99,
        "all layers and contexts, chosen": 95,
        "all layers, none": 77,
        "all layers and contexts, layer_context": 66,
    }
