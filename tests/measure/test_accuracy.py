"""Measurements of hand-made readings, whose accuracies are known exactly."""

import polars as pl
import pytest

from numprobe.measure.accuracy import (
    accuracy_rows,
    constant_answer_rows,
    constant_state_rows,
    evaluate,
    single_token_ranges,
)
from numprobe.measure.predict import PREDICTION
from numprobe.tables import measurements

from .fakes import MAXIMUM, make_probe, write_folder

CARD = {"single_token_numbers": {"contiguous_from_minimum": [0, MAXIMUM], "count": MAXIMUM + 1}}


def readings(rows, layer="0", probe="fourier", control="none"):
    """From (value, decoded, fold, operation, domain) tuples."""
    names = ["number", "decoded", "fold", "operation", "domain"]
    table = pl.DataFrame(rows, schema=names, orient="row").with_row_index("row")
    fixed = {"layer": layer, "probe": probe, "control": control, "prompt": 0, "start": 0, "number_tokens": 1}
    filled = table.with_columns(pl.col("number").alias("label"), *(pl.lit(v).alias(k) for k, v in fixed.items()))
    return filled.select(pl.col(name).cast(dtype) for name, dtype in PREDICTION.items())


# Value 1: 3 of 4 right; value 2: 0 of 1; value 30: 1 of 1.
ROWS = [
    (1, 1, "0", "+", None),
    (1, 1, "0", "+", None),
    (1, 1, "0", "-", None),
    (1, 3, "0", "-", None),
    (2, 5, "1", "-", None),
    (30, 30, "1", "+", None),
]


def measured(rows, **wanted):
    table = measurements(rows)
    conditions = [pl.col(name).is_null() if value is None else pl.col(name) == value for name, value in wanted.items()]
    return table.filter(conditions)


def value(rows, **wanted):
    found = measured(rows, **{"fold": None, "subset": "all", **wanted})
    assert found.height == 1
    return found["value"][0]


def test_known_accuracies_and_errors():
    rows = accuracy_rows(readings(ROWS), 100, 0)
    assert value(rows, metric="accuracy") == pytest.approx((3 / 4 + 0 + 1) / 3)
    assert value(rows, metric="accuracy_prompts") == pytest.approx(4 / 6)
    assert value(rows, metric="mae") == pytest.approx((2 / 4 + 3 + 0) / 3)
    # Mean squared error over the variance of 1, 2, 30, every value weighing alike.
    variance = (1 + 4 + 900) / 3 - 11**2
    assert value(rows, metric="r2") == pytest.approx(1 - ((4 / 4 + 9 + 0) / 3) / variance)
    assert measured(rows, metric="accuracy", subset="all", fold=None).select("n_values", "n_prompts").row(0) == (3, 6)


def test_operations_are_subsets():
    rows = accuracy_rows(readings(ROWS), 100, 0)
    assert value(rows, metric="accuracy", subset="operation=+") == 1.0
    assert value(rows, metric="accuracy", subset="operation=-") == pytest.approx((1 / 2 + 0) / 2)


def test_domains_and_value_ranges_are_subsets():
    rows = accuracy_rows(readings([(1, 1, "0", None, "dates"), (7, 3, "0", None, "codes")]), 100, 0, [(0, 4), (5, 9)])
    wanted = {"domain=codes": 0.0, "domain=dates": 1.0, "values=0..4": 1.0, "values=5..9": 0.0}
    assert {subset: value(rows, metric="accuracy", subset=subset) for subset in wanted} == wanted


def test_a_range_without_rows_has_no_measurement():
    rows = accuracy_rows(readings([(1, 1, "0", None, None)]), 100, 0, [(0, 4), (5, 9)])
    assert measured(rows, subset="values=5..9").is_empty()


def test_folds_of_plain_probes_have_rows_without_intervals():
    folds = measured(accuracy_rows(readings(ROWS), 100, 0), metric="accuracy", subset="all").filter(
        pl.col("fold").is_not_null()
    )
    assert folds.select("fold", "value", "n_values", "n_prompts").rows() == [("0", 0.75, 1, 4), ("1", 0.5, 2, 2)]
    assert folds["ci_low"].null_count() == folds["resampled"].null_count() == 2
    shuffled = accuracy_rows(readings(ROWS, control="shuffled"), 100, 0)
    assert measured(shuffled, fold=None).height == len(shuffled)


def test_the_gaussian_control_stands_once_without_a_layer():
    table = pl.concat([readings(ROWS, "0"), readings(ROWS, "1"), readings(ROWS[4:], "gaussian", control="gaussian")])
    found = measured(accuracy_rows(table, 100, 0), control="gaussian", metric="accuracy", subset="all")
    assert found.select("layer", "value").rows() == [(None, 0.5)]


def test_the_accuracy_of_a_fold_has_the_same_bits_every_time():
    """Numbers with unlike numbers of prompts: the mean of thirds and sevenths depends on the order of the sum."""
    rows = [(n, n if k % 3 else 0, "0", "+", None) for n in range(1, 300) for k in range(1 + n % 7)]
    found = {
        measured(accuracy_rows(readings(rows), 100, 0), metric="accuracy", fold="0")["value"][0] for _ in range(20)
    }
    assert len(found) == 1


def test_the_constant_answer_is_the_most_frequent_label_of_each_fold():
    # Fold 0: 1 four times; fold 1: 2 and 30 once each, so 2 answers, and is right once.
    found = measured(constant_answer_rows(readings(ROWS), 0), probe="constant", control="constant")
    values = dict(found.select("metric", "value").rows())
    assert values["accuracy"] == pytest.approx(2 / 3)
    assert values["accuracy_prompts"] == pytest.approx(5 / 6)


def test_the_constant_answer_is_measured_on_the_rows_of_the_probe_with_most_folds():
    one_fold = readings(ROWS[:4], probe="wave")
    found = constant_answer_rows(pl.concat([one_fold, readings(ROWS)]), 0)
    assert {row["n_prompts"] for row in found} == {6}


def test_constant_states_are_named_and_have_no_value():
    found = measurements(constant_state_rows([make_probe(("1",), constant=("0",))], 0))
    assert found.select("layer", "probe", "control", "value", "status").rows() == [
        ("0", "linear", "none", None, "constant state")
    ]


@pytest.mark.parametrize(("leading", "expected"), [([0, 341], [(0, 341), (342, 999)]), ([0, 999], []), (None, [])])
def test_ranges_of_single_tokens(leading, expected):
    assert single_token_ranges({"single_token_numbers": {"contiguous_from_minimum": leading}}, 0, 999) == expected


def test_a_perfect_probe_and_its_controls_from_files(tmp_path):
    folder = write_folder(tmp_path, [number for number in range(100) for _ in range(3)])
    probes = [make_probe(), make_probe(control="shuffled"), make_probe(("gaussian",), control="gaussian")]
    predictions, rows = evaluate(folder, probes, CARD, "none", 100, 0)
    assert predictions.height == 2 * 2 * 300 + 300
    assert value(rows, metric="accuracy", layer="1", control="none") == 1.0
    assert value(rows, metric="r2", layer="1", control="none") == 1.0
    assert value(rows, metric="accuracy", layer="1", control="shuffled") < 0.05
    assert value(rows, metric="accuracy", layer=None, control="gaussian") < 0.05
    # One number per fold is right.
    assert value(rows, metric="accuracy", layer="1", control="constant") == pytest.approx(4 / 100)
    assert {row["subset"] for row in rows if "subset" in row} == {"all", "place=units", "place=tens"}


def test_an_untrained_model_is_marked_and_has_no_constant_answer(tmp_path):
    folder = write_folder(tmp_path, range(100), error=1)
    _, rows = evaluate(folder, [make_probe(("1",), constant=("0",))], CARD, "untrained", 100, 0)
    table = measurements(rows)
    assert set(table["control"]) == {"untrained"}
    # 99 reads as 100, which is no candidate: the nearest is 99.
    assert value(rows, metric="accuracy", layer="1") == pytest.approx(1 / 100)
    assert table.filter(pl.col("layer") == "0")["status"].to_list() == ["constant state"]


def test_partly_single_tokens_split_the_values(tmp_path):
    card = {"single_token_numbers": {"contiguous_from_minimum": [0, 29], "count": 40}}
    folder = write_folder(tmp_path, range(100), seen=[n if n < 30 else 0 for n in range(100)])
    _, rows = evaluate(folder, [make_probe()], card, "none", 100, 0)
    assert value(rows, metric="accuracy", layer="0", control="none", subset="values=0..29") == 1.0
    assert value(rows, metric="accuracy", layer="0", control="none", subset="values=30..99") == 0.0
    card["single_token_numbers"]["contiguous_from_minimum"] = [0, 9]
    _, rows = evaluate(folder, [make_probe()], card, "none", 100, 0)
    assert not [row for row in rows if row.get("subset", "").startswith("values=")]


def test_a_control_without_layers_stands_in_every_layer_of_its_model(tmp_path):
    folder = write_folder(tmp_path, range(100), layers=("mixed",))
    predictions, rows = evaluate(folder, [make_probe(("mixed",))], CARD, "mixed", 100, 0, ["0", "5", "final_norm"])
    assert predictions["layer"].unique().to_list() == ["mixed"]
    table = measurements(rows)
    assert set(table["control"]) == {"mixed"}
    whole = table.filter((pl.col("metric") == "accuracy") & (pl.col("subset") == "all") & pl.col("fold").is_null())
    assert whole.select("layer", "value").rows() == [("0", 1.0), ("5", 1.0), ("final_norm", 1.0)]
