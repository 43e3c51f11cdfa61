"""Digits of hand-made readings, whose accuracies are known exactly."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numprobe.digits import digit_at, place_name
from numprobe.intervals import EXACT
from numprobe.measure.digits import constant_digit_rows, digit_rows
from numprobe.measure.predict import PREDICTION


def readings(values, decoded, layer="0", probe="digits", control="none", fold="0"):
    columns = {
        "number": values,
        "label": values,
        "decoded": decoded,
        "row": np.arange(len(values)),
        "layer": layer,
        "probe": probe,
        "control": control,
        "fold": fold,
        "prompt": 0,
        "start": 0,
        "operation": None,
        "domain": None,
        "number_tokens": 1,
    }
    return pl.DataFrame(columns).select(pl.col(name).cast(dtype) for name, dtype in PREDICTION.items())


def scores(rows):
    return {row["subset"].removeprefix("place="): row["value"] for row in rows}


RANGES = [(0, 999), (50, 1234), (0, 9999), (0, 9)]


@pytest.mark.parametrize(("minimum", "maximum"), RANGES)
def test_true_numbers_have_true_digits(minimum, maximum):
    values = np.arange(minimum, maximum + 1)
    rows = digit_rows(readings(values, values), 0)
    assert scores(rows) == {place_name(place): 1.0 for place in range(len(str(maximum)))}
    counts = [sum(len(str(value)) > place for value in values.tolist()) for place in range(len(str(maximum)))]
    assert [row["n_values"] for row in rows] == [row["n_prompts"] for row in rows] == counts
    assert {row["resampled"] for row in rows} == {EXACT}
    assert {row["metric"] for row in rows} == {"digit_accuracy"}


@pytest.mark.parametrize(("minimum", "maximum"), RANGES[:3])
def test_a_shifted_reading_keeps_the_digits_that_the_shift_leaves(minimum, maximum):
    values = np.arange(minimum, maximum + 1)
    found = scores(digit_rows(readings(values, values - minimum), 0))
    tens = values[values >= 10]
    assert found["units"] == np.mean(values % 10 == (values - minimum) % 10)
    assert found["tens"] == np.mean((tens // 10 % 10 == (tens - minimum) // 10 % 10) & (tens - minimum >= 10))


def test_a_decoded_number_without_the_place_is_wrong():
    # 7 lacks the tens, although "07" would have the right digit.
    assert scores(digit_rows(readings([107, 107, 208], [7, 107, 208]), 0))["tens"] == (0.5 + 1) / 2


def test_hits_are_averaged_within_each_number():
    # 12: units right in one of two rows; 3: in the only one.
    found = digit_rows(readings([12, 12, 3], [2, 17, 3]), 0)
    assert scores(found) == {"units": 0.75, "tens": 0.5}
    assert [(row["n_values"], row["n_prompts"]) for row in found] == [(2, 3), (1, 2)]
    assert [row["resampled"] for row in found] == [EXACT, None]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2000)), min_size=1, max_size=40))
def test_a_right_number_has_all_its_digits_and_one_right_in_all_places_is_right(pairs):
    values, decoded = np.array(pairs).T
    hits = np.array([digit_at(decoded, place) == digit_at(values, place) for place in range(4)])
    assert (hits.all(axis=0) == (values == decoded)).all()
    exact = pl.DataFrame({"v": values, "right": values == decoded}).group_by("v").agg(pl.col("right").mean())
    found = scores(digit_rows(readings(values, decoded), 0))
    assert found["units"] >= exact["right"].mean() - 1e-12


def test_every_layer_probe_and_control_has_its_own_digits():
    values = np.arange(100)
    table = pl.concat(
        [
            readings(values, values, "0"),
            readings(values, values // 10 * 10, "0", "linear"),
            readings(values, values % 10, "1"),
            readings(values[::-1], values, "1", control="shuffled"),
            readings(values, np.full(100, 11), "gaussian", control="gaussian"),
        ]
    )
    rows = digit_rows(table, 0)
    found = {
        (row["layer"], row["probe"], row["control"], row["subset"].removeprefix("place=")): row["value"] for row in rows
    }
    assert list(found)[:4] == [
        ("0", probe, "none", place) for probe in ("digits", "linear") for place in ("units", "tens")
    ]
    assert found["0", "linear", "none", "units"] == 0.1
    assert found["0", "linear", "none", "tens"] == 1
    assert (found["1", "digits", "none", "units"], found["1", "digits", "none", "tens"]) == (1, 0)
    assert found["1", "digits", "shuffled", "units"] == 0
    gaussian = {(layer, place): value for (layer, _, control, place), value in found.items() if control == "gaussian"}
    assert gaussian == {(None, "units"): 0.1, (None, "tens"): pytest.approx(1 / 9)}


def test_the_constant_digit_is_the_most_frequent_of_each_fold():
    # Fold 0: units 1, 1, 2 -> 1; tens 3, 3 -> 3. Fold 1: units 5, 7 -> 5; tens 4.
    table = readings([1, 31, 32, 45, 7], [0, 0, 0, 0, 0], fold=["0", "0", "0", "1", "1"])
    rows = constant_digit_rows(pl.concat([table, table.with_columns(layer=pl.lit("1"))]), 0)
    assert scores(rows) == {"units": 3 / 5, "tens": 1.0}
    assert [row["layer"] for row in rows] == ["0", "0", "1", "1"]
    assert {(row["probe"], row["control"]) for row in rows} == {("constant", "constant")}
    assert constant_digit_rows(readings([1], [1], control="shuffled"), 0) == []
