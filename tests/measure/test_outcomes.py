import numpy as np
import polars as pl
import pytest

from numprobe.measure.outcomes import outcome_rows

TABLE = pl.DataFrame({"number": [1, 1, 2, 3, 4, 5], "operation": ["+", "+", "+", "-", "-", "-"]})
BEFORE = np.array([1, 0, 2, 3, 0, 5])
AFTER = np.array([1, 1, 0, 3, -1, 5])


def measured(subset):
    rows = outcome_rows(TABLE, BEFORE, AFTER, 0)
    return {row["metric"]: row for row in rows if row["subset"] == subset}


def test_gain_and_harm_are_counted_apart():
    found = {metric: row["value"] for metric, row in measured("operation=+").items()}
    assert found == pytest.approx(
        {"accuracy_before": 2 / 3, "accuracy_after": 2 / 3, "accuracy_change": 0, "repaired": 1, "harmed": 1 / 2}
    )
    assert measured("operation=-")["repaired"]["value"] == 0
    assert measured("all")["accuracy_before"]["n_prompts"] == 6


def test_true_results_are_resampled():
    row = measured("all")["accuracy_change"]
    assert row["resampled"] == "true results (score)" and row["n_values"] == 5
    assert row["ci_low"] <= 0 <= row["ci_high"]


def test_a_share_of_nothing_has_no_row():
    rows = outcome_rows(TABLE, TABLE["number"].to_numpy(), AFTER, 0)
    assert "repaired" not in {row["metric"] for row in rows}
