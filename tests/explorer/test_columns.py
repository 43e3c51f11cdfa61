"""What the columns of a table are, told by rules that hold for tables that no code knows."""

import polars as pl
import pytest

from draw.fake_tables import accuracy_table, cross_layer_table, spectra_table, transfer_table
from explorer.unseen import unseen_table
from numprobe.explorer.columns import Interval, dimensions_of, in_order, intervals_of, units_of


def test_columns_that_tell_rows_apart_are_dimensions_and_what_follows_from_them_is_not():
    assert dimensions_of(unseen_table()) == ["model", "context", "probe", "control", "layer", "dose"]


@pytest.mark.parametrize("table", [accuracy_table(), cross_layer_table(), spectra_table(), transfer_table()])
def test_the_dimensions_of_a_table_tell_all_its_measurements_apart(table):
    measured = table.drop_nulls("value")
    assert measured.select(dimensions_of(table)).n_unique() == measured.height


def test_the_period_follows_from_the_frequency():
    assert "frequency" in dimensions_of(spectra_table())
    assert not {"period", "N", "n_values"} & set(dimensions_of(spectra_table()))


def test_a_table_without_a_quantity_has_the_shared_columns():
    table = pl.DataFrame({"model": ["a", "b"], "layer": ["0", "0"], "text": ["x", "y"], "number": [1, 2]})
    assert dimensions_of(table) == ["model"]


def test_every_pair_of_bounds_is_an_interval():
    assert intervals_of(unseen_table()) == [
        Interval("ci", "ci_low", "ci_high"),
        Interval("wide", "wide_low", "wide_high"),
    ]
    alone = pl.DataFrame({"ci_low": [0.1], "value": [0.2], "note_low": ["a"], "note_high": ["b"]})
    assert intervals_of(alone) == []


@pytest.mark.parametrize(
    ("metric", "values", "unit"),
    [
        ("accuracy", [0.0, 1.0], "share"),
        ("wobble", [0.2, 0.3], "share"),
        ("accuracy_difference", [0.1, 0.2], "points"),
        ("repaired_over_control", [-0.1, 0.2], "points"),
        ("wobble", [-0.1, 0.2], "points"),
        ("wobble", [0.5, 3.0], "number"),
        ("r2", [0.2, 0.9], "number"),
        ("partial_spearman", [0.1, 0.2], "number"),
    ],
)
def test_shares_are_told_from_other_numbers(metric, values, unit):
    table = pl.DataFrame({"metric": metric, "value": [*values, None]})
    assert units_of(table) == {metric: unit}


def test_a_metric_without_any_value_has_no_unit():
    table = pl.DataFrame({"metric": ["accuracy"], "value": pl.Series([None], dtype=pl.Float64)})
    assert units_of(table) == {}


def test_values_are_offered_in_the_order_of_the_model_and_of_the_figures():
    assert in_order("layer", ["10", "final_norm", "2", "embedding"]) == ["embedding", "2", "10", "final_norm"]
    assert in_order("fit_layer", ["others", "1", "0"]) == ["0", "1", "others"]
    assert in_order("probe", ["novel", "linear", "fourier"]) == ["fourier", "linear", "novel"]
    assert in_order("control", ["untrained", "none"]) == ["none", "untrained"]
    assert in_order("model", ["b", "a", "b"]) == ["b", "a"]
