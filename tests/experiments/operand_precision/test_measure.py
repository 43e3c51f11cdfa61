import numpy as np
import polars as pl
import pytest

from numprobe.experiments.operand_precision.measure import (
    COLUMNS,
    CONTROL,
    DECODABLE,
    OPERAND,
    SOME_NOT,
    crossed_errors,
    graded_rows,
    group_rows,
)
from numprobe.experiments.operand_precision.pairs import crossed_pairs, crossed_prompts
from numprobe.tables import measurements

NUMBERS = np.arange(1000)
PAIRS = crossed_pairs(0, 999, 12, 0)
PROMPTS = crossed_prompts(PAIRS)


def errors_with(probability, seed=0):
    """Answers that are wrong with a probability that depends on the operand in question, [numbers]."""
    random = np.random.default_rng(seed)
    right = random.random(PAIRS.height) >= np.asarray(probability)[PAIRS["number"].to_numpy()]
    return crossed_errors(PAIRS, PROMPTS.select("prompt", "number", right=pl.Series(right)))


def readings(missed, likely=None):
    number = pl.Series("number", NUMBERS, dtype=pl.Int32)
    likely = np.zeros(1000) if likely is None else likely
    decodable = ~np.isin(NUMBERS, list(missed))
    return pl.DataFrame({"number": number, "decodable": decodable, "log_probability": likely})


def grouped(errors, read, subset="all"):
    table = measurements(group_rows(errors, read, 300, 0), COLUMNS).filter(subset=subset)
    return {(row["metric"], row["numbers"]): row for row in table.iter_rows(named=True)}


def graded(errors, likely, subset="all"):
    table = measurements(graded_rows(errors, readings([], likely), 200, 300, 0), COLUMNS)
    return {(row["metric"], row["control"]): row for row in table.filter(subset=subset).iter_rows(named=True)}


def test_errors_at_badly_read_operands_are_found_against_matched_operands():
    missed = np.random.default_rng(1).choice(np.arange(10, 1000), 60, replace=False)
    found = grouped(errors_with(np.where(np.isin(NUMBERS, missed), 0.5, 0.1)), readings(missed))
    matched = found["matched_difference", OPERAND]
    assert matched["value"] == pytest.approx(0.4, abs=0.06)
    assert matched["ci_low"] < 0.4 < matched["ci_high"] and matched["ci_low"] > 0.3
    assert matched["n_values"] == 60 and matched["resampled"].startswith("numbers and their controls")
    assert found["error_rate", CONTROL]["value"] == pytest.approx(0.1, abs=0.03)
    assert found["error_rate", OPERAND]["value"] == pytest.approx(0.5, abs=0.06)


def test_errors_at_short_numbers_are_no_effect_of_precision():
    """All badly read numbers have one digit, and all numbers of one digit are hard: the paper's confound."""
    missed = [0, 1, 2, 4, 6, 7, 8]
    found = grouped(errors_with(np.where(NUMBERS < 10, 0.8, 0.05)), readings(missed))
    raw, matched = found["error_difference", SOME_NOT], found["matched_difference", OPERAND]
    assert raw["value"] > 0.3 and raw["ci_low"] > 0.1
    assert matched["ci_low"] < 0 < matched["ci_high"] and abs(matched["value"]) < 0.15


def test_one_badly_read_number_has_a_difference_without_an_interval():
    row = grouped(errors_with(np.where(NUMBERS == 44, 1.0, 0.0)), readings([44]))["matched_difference", OPERAND]
    assert (row["value"], row["ci_low"], row["n_values"], row["n_prompts"]) == (1, None, 1, 12)


def test_without_errors_no_bootstrap_feigns_certainty():
    found = grouped(errors_with(np.zeros(1000)), readings(range(10, 30)))
    assert found["error_rate", DECODABLE]["resampled"] == "numbers (exact)"
    assert found["error_rate", DECODABLE]["ci_high"] > 0
    assert found["matched_difference", OPERAND]["value"] == 0 and found["matched_difference", OPERAND]["ci_low"] is None


def test_without_a_control_of_as_many_digits_nothing_is_said():
    found = grouped(errors_with(np.where(NUMBERS < 10, 0.8, 0.05)), readings(range(10)))
    row = found["matched_difference", None]
    assert row["value"] is None and row["note"] == "no decodable number has as many digits"
    assert found["error_difference", SOME_NOT]["value"] > 0.1


def test_the_paper_counts_operands_and_results():
    errors = errors_with(np.full(1000, 0.3))
    found = grouped(errors, readings([500]))
    of = pl.any_horizontal(pl.col("number", "partner", "result") == 500)
    expected = {SOME_NOT: errors.filter(of), DECODABLE: errors.filter(~of)}
    for name, part in expected.items():
        row = found["error_rate", name]
        assert row["value"] == pytest.approx(part["wrong"].mean()) and row["n_prompts"] == part.height
    difference = found["error_difference", SOME_NOT]["value"]
    assert difference == pytest.approx(expected[SOME_NOT]["wrong"].mean() - expected[DECODABLE]["wrong"].mean())


def test_numbers_that_were_not_tested_belong_to_no_group():
    errors = errors_with(np.full(1000, 0.3))
    some = readings([500]).filter(pl.col("number") < 600)
    found = grouped(errors, some)
    known = errors.filter(pl.all_horizontal(pl.col("number", "partner", "result") < 600))
    assert found["error_rate", DECODABLE]["n_prompts"] + found["error_rate", SOME_NOT]["n_prompts"] >= known.height
    assert found["error_rate", DECODABLE]["n_prompts"] < known.height


def test_a_model_whose_numbers_are_all_read_has_a_row_that_says_so():
    share, row = group_rows(errors_with(np.full(1000, 0.3)), readings([]), 100, 0)
    assert (share["metric"], share["value"], share["n_values"]) == ("non_decodable", 0, 1000)
    assert row["note"] == "every number is read"


def test_both_operations_are_told_apart():
    errors = errors_with(np.where(NUMBERS % 9 == 0, 0.9, 0.0))
    for subset in ("operation=+", "operation=-"):
        row = grouped(errors, readings(NUMBERS[NUMBERS % 9 == 0]), subset)["matched_difference", OPERAND]
        assert row["value"] == pytest.approx(0.9, abs=0.05)


def test_graded_precision_goes_with_errors_where_it_does():
    likely = -np.random.default_rng(2).exponential(size=1000)
    found = graded(errors_with(np.clip(-likely / 4, 0, 1)), likely)
    for metric in ("error_correlation", "error_correlation_matched"):
        row, null = found[metric, "none"], found[metric, "shuffled"]
        assert row["ci_low"] <= row["value"] <= row["ci_high"] < null["ci_low"]
        assert row["p_value"] == pytest.approx(1 / 201)
        assert abs(null["value"]) < 0.05 and null["resampled"].startswith("permutations")
    assert found["error_correlation", "none"]["value"] < -0.4


def test_precision_and_errors_that_both_follow_the_length_are_not_related_within_it():
    digits = np.array([len(str(n)) for n in NUMBERS])
    likely = digits + 0.1 * np.random.default_rng(3).standard_normal(1000)
    found = graded(errors_with(0.9 - 0.29 * digits), likely)
    assert found["error_correlation", "none"]["value"] < -0.2
    matched, null = found["error_correlation_matched", "none"], found["error_correlation_matched", "shuffled"]
    assert null["ci_low"] < matched["value"] < null["ci_high"] and matched["p_value"] > 0.05
    raw_null = found["error_correlation", "shuffled"]
    assert raw_null["ci_low"] < found["error_correlation", "none"]["value"] < raw_null["ci_high"]


def test_without_errors_there_is_no_correlation():
    found = graded(errors_with(np.zeros(1000)), -NUMBERS / 10)
    assert found["error_correlation", "none"]["note"] == "errors or precision do not vary"
