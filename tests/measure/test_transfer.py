"""Fit in one context, test in another."""

import polars as pl
import pytest

from numprobe.measure.transfer import transfer_rows
from numprobe.tables import measurements

from .fakes import make_probe, write_folder


@pytest.fixture
def table(tmp_path):
    """In `shifted` every number looks like its successor."""
    folders = {
        "number": write_folder(tmp_path / "number", range(100)),
        "shifted": write_folder(tmp_path / "shifted", range(99), error=1, context="shifted"),
    }
    fitted = {fold: -1 for fold in "0123"}
    probes = {"number": make_probe(), "shifted": make_probe(("1",), offsets=fitted, constant=("0",), context="shifted")}
    rows = transfer_rows(folders, probes, 100, 0)
    return measurements([{"model": "fake", **row} for row in rows], {"fit_context": pl.String})


def accuracies(table, metric, layer):
    found = table.filter((pl.col("metric") == metric) & (pl.col("layer") == layer))
    return {
        (fit, context): value for fit, context, value in found.select("fit_context", "context", "value").iter_rows()
    }


def test_all_pairs_of_contexts(table):
    assert accuracies(table, "accuracy", "1") == {
        ("number", "number"): 1.0,
        ("number", "shifted"): 0.0,
        # 0 reads as -1, the nearest candidate is 0.
        ("shifted", "number"): pytest.approx(1 / 100),
        ("shifted", "shifted"): 1.0,
    }


def test_a_probe_is_compared_with_the_context_s_own_on_the_same_rows(table):
    assert accuracies(table, "accuracy_difference", "1") == {
        ("number", "shifted"): -1.0,
        ("shifted", "number"): pytest.approx(-99 / 100),
    }
    # In layer 0 the states of `shifted` are constant: it has no probe of its own there.
    assert accuracies(table, "accuracy_difference", "0") == {}
    bounds = table.filter(metric="accuracy_difference").select("ci_low", "ci_high", "resampled")
    assert bounds["resampled"].to_list() == ["values (score)"] * 2 and bounds["ci_high"].max() < -0.8


def test_being_one_off_keeps_the_magnitude(table):
    assert accuracies(table, "mae", "1")["number", "shifted"] == 1.0
    assert accuracies(table, "r2", "1")["number", "shifted"] > 0.99


def test_constant_states_of_the_fitted_context_are_named(table):
    noted = table.filter(pl.col("status") != "measured")
    assert noted.select("fit_context", "context", "layer", "value", "status").rows() == [
        ("shifted", context, "0", None, "constant state") for context in ("number", "shifted")
    ]


def test_intervals_are_over_values(table):
    found = table.filter((pl.col("metric") == "accuracy") & (pl.col("layer") == "1"))
    assert found["resampled"].str.starts_with("values").all()
    assert found["n_values"].to_list() == [100, 99, 100, 99]
