"""The section on probes that read layers which they have never seen."""

import polars as pl
import pytest

from numprobe.experiments.cross_layer.findings import section
from numprobe.tables import measurements
from numprobe.tell.section import Estimate, Share, markdown
from numprobe.tell.tested import Tally

EXTRA = {"fit_layer": pl.String, "normalisation": pl.String}
OWN = {"0": 0.99, "1": 1.0, "2": 0.99, "final_norm": 0.98}
OTHERS = {"0": 0.41, "1": 0.97, "2": 0.86, "final_norm": 0.9}


def row(layer: str, value: float, fit: str, normalisation: str | None = "layer", **more: object) -> dict:
    names = {"model": "m", "context": "number", "layer": layer, "probe": "fourier", "metric": "accuracy"}
    interval = {"ci_low": value - 0.01, "ci_high": value + 0.01}
    return {**names, "value": value, **interval, "fit_layer": fit, "normalisation": normalisation, **more}


def table(others: dict[str, float] = OTHERS) -> pl.DataFrame:
    rows = [row(layer, value, layer) for layer, value in OWN.items()]
    rows += [row(layer, value, "others") for layer, value in others.items()]
    rows += [row(layer, 0.12, "others", "none") for layer in others]
    rows += [
        row("1", 0.003, "others", "chosen", control="shuffled"),
        row("1", 0.01, "others", None, control="constant"),
    ]
    for layer, cosine in (("0", 0.57), ("1", 0.97)):
        for metric, value in (("scale_ratio", 0.07), ("mean_offset", 0.32), ("code_cosine", cosine)):
            rows.append(row(layer, value, "others", None, metric=metric))
    return measurements(rows, EXTRA)


def told(others: dict[str, float] = OTHERS):
    return section({"cross_layer": table(others)})


def statements(subject: str, others: dict[str, float] = OTHERS):
    return [said for said in told(others).statements if said.subject == subject]


def test_layers_are_read_by_the_others_on_both_scales():
    own_scale, common, _ = told().grids
    assert [str(own_scale.column(layer)[0]) for layer in OTHERS] == [
        "41 [40, 42]",
        "97 [96, 98]",
        "86 [85, 87]",
        "90 [89, 91]",
    ]
    assert str(common.column("2")[0]) == "12 [11, 13]"


def test_inner_layers_are_tested_against_the_mark():
    (inner,) = statements("`number`", {**OTHERS, "1": 0.99})
    assert inner.numbers["tests"] == Tally(1, 1, 0, 0, 0.02)
    assert (inner.numbers["layers"], inner.numbers["layer"]) == (2, "2")
    (inner,) = statements("`number`", {**OTHERS, "1": 0.95, "2": 0.95})
    assert inner.numbers["tests"] == Tally(0, 0, 2, 0, 0.02)
    (inner,) = statements("`number`", {**OTHERS, "2": 0.4})
    assert str(inner.numbers["mean"]) == "68"


def test_the_ends_stand_on_both_scales():
    (first,) = statements("`number`, layer 0")
    assert (first.numbers["plain"], first.numbers["scaled"]) == (Share(0.12), Share(0.41))
    assert abs(first.numbers["gain"].value - 0.29) < 1e-9


def test_published_probes_stand_beside():
    (published,) = statements("sinusoidal and wave probes of arXiv 2510.26285")
    assert {name: str(share) for name, share in published.numbers.items()} == {
        "first_low": "0", "first_high": "85", "last_low": "0", "last_high": "86"
    }  # fmt: skip


def test_lost_layers_have_their_differences_from_the_others():
    grid = told().grids[-1]
    assert grid.column("layer") == ["0"]  # layer 2 loses less than 20 points
    assert [str(cell) for cell in grid.rows[0][3:]] == ["99", "41 [40, 42]", "0.07", "0.32", "0.57"]
    (contrast,) = statements("these layers")
    assert contrast.numbers == {"lost": Estimate(0.57), "kept": Estimate(0.97)}


@pytest.mark.parametrize("others", [0.78, 0.795])
def test_a_loss_that_is_not_shown_to_exceed_20_points_is_none(others):
    (none,) = statements("all layers", {**OTHERS, "0": others})
    assert none.numbers == {"layers": 4, "points": 20}


def test_controls_have_their_highest_accuracy():
    controls = {said.comparison: said.numbers["accuracy"].value for said in statements("m, `number`")}
    assert controls == {"shuffled": 0.003, "constant": 0.01}


def test_nothing_is_lost_and_nothing_can_be_left_out():
    (none,) = statements("all layers", {**OTHERS, "0": 0.8})
    assert none.numbers == {"layers": 4, "points": 20}
    assert "No layer is shown to lose more than 20 points against its own probe." in markdown(
        told({**OTHERS, "0": 0.8})
    )
    alone = section({"cross_layer": table().filter(pl.col("fit_layer") != "others")})
    assert not alone.statements and "No layer could be left out" in alone.parts[0]
