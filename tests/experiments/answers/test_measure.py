"""Truth, answer and reading side by side: known shares of planted readings, and states that hold one of the two."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from measure.fakes import MAXIMUM, SPLIT, make_probe, write_folder
from numprobe.answers.table import ANSWER
from numprobe.errors import NumprobeError
from numprobe.experiments.answers.measure import (
    TOO_FEW,
    confidence_rows,
    error_rows,
    model_rows,
    reading_rows,
)
from numprobe.experiments.answers.scores import answer_labels, answer_surprise, unseen_answers
from numprobe.measure.beside_answers import beside_answers
from numprobe.measure.predict import PREDICTION
from numprobe.probes.controls import control_labels


def answers_table(truth, answer, operation="+", a=0, b=0, probability=0.5):
    """Prompts 0, 1, ... with these true results and answers (-1: no number)."""
    count = len(truth)
    table = pl.DataFrame({"prompt": range(count), "number": truth, "answer": answer}).with_columns(
        pl.col("answer").replace(-1, None),
        pl.Series("operation", [operation] * count if isinstance(operation, str) else operation),
        a=pl.lit(a),
        b=pl.lit(b),
        template=pl.lit("{a}"),
        answer_tokens=pl.lit(1),
        answer_text=pl.lit(""),
        probability=pl.lit(probability) if isinstance(probability, float) else pl.Series(probability),
        right=pl.Series(np.asarray(truth) == np.asarray(answer)),
    )
    return table.select(pl.col(name).cast(dtype) for name, dtype in ANSWER.items())


def readings(truth, decoded, control="none", operation="+", layer="1", probe="fourier"):
    """One layer of readings of the prompts 0, 1, ..."""
    rows = {"row": range(len(truth)), "prompt": range(len(truth)), "number": truth, "decoded": decoded}
    label = control_labels(control, np.asarray(truth), SPLIT, 0)
    names = {"layer": layer, "probe": probe, "control": control, "fold": "0", "start": 0, "domain": None}
    names["number_tokens"] = 1
    named = pl.DataFrame(rows).with_columns(
        pl.Series("label", label),
        pl.Series("operation", [operation] * len(truth) if isinstance(operation, str) else operation),
        *(pl.lit(value).alias(name) for name, value in names.items()),
    )
    return named.select(pl.col(name).cast(dtype) for name, dtype in PREDICTION.items())


def measured(rows, **wanted):
    found = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


TRUTH, ANSWERED = [10, 20, 30, 40, 50], [10, 20, 31, 41, -1]


def test_shares_are_told_apart_by_the_models_answer():
    decoded = [10, 21, 30, 41, 52]
    beside = beside_answers(readings(TRUTH, decoded), answers_table(TRUTH, ANSWERED))
    rows = reading_rows(beside, SPLIT, 50, 0)
    known = {
        ("reads_truth", "all"): 2 / 5,
        ("reads_truth", "right"): 1 / 2,
        ("reads_truth", "wrong"): 1 / 3,
        ("reads_answer", "all"): 2 / 5,
        ("reads_answer", "wrong"): 1 / 3,
        ("distance", "right"): 1 / 2,
        ("distance", "wrong"): 1,
    }
    for (metric, answered), value in known.items():
        row = measured(rows, metric=metric, answered=answered, subset="operation=+")
        assert row["value"] == pytest.approx(value)
        assert row["resampled"].startswith("true results")
    assert not [row for row in rows if row["metric"] == "reads_answer" and row["answered"] == "right"]


def test_a_shuffled_probe_is_judged_by_its_own_labels():
    label = control_labels("shuffled", np.array(ANSWERED[:4]), SPLIT, 0)
    decoded = [*label[:2], *label[2:], 0]
    beside = beside_answers(readings(TRUTH, decoded, control="shuffled"), answers_table(TRUTH, ANSWERED))
    rows = reading_rows(beside, SPLIT, 50, 0)
    assert measured(rows, metric="reads_truth", answered="right", subset="all")["value"] == 1
    assert measured(rows, metric="reads_answer", answered="wrong", subset="all")["value"] == pytest.approx(2 / 3)
    assert not [row for row in rows if row["metric"] == "distance"]


def test_answers_beyond_the_range_are_never_read():
    beside = beside_answers(readings([1, 2], [1, 2]), answers_table([1, 2], [MAXIMUM + 1, -1]))
    assert_array_equal(answer_labels(beside, SPLIT, 0), [-1, -1])
    rows = reading_rows(beside, SPLIT, 50, 0)
    assert measured(rows, metric="reads_answer", answered="wrong", subset="all")["value"] == 0


def test_answers_to_other_prompts_are_refused():
    with pytest.raises(NumprobeError, match="not to the prompts"):
        beside_answers(readings([1, 2], [1, 2]), answers_table([1, 3], [1, 3]))
    with pytest.raises(NumprobeError, match="not to the prompts"):
        beside_answers(readings([1, 2], [1, 2]), answers_table([1], [1]))


def test_the_gaussian_control_reads_no_prompt():
    assert beside_answers(readings([1], [1], layer="gaussian"), answers_table([1], [1])).is_empty()


def test_the_model_is_measured_by_operation_with_the_kinds_of_its_errors():
    table = answers_table([5, 5, 40, 40, 40], [5, 7, 7, 30, -1], ["+", "+", "-", "-", "-"], a=7, b=9)
    rows = model_rows(table, 0)
    assert measured(rows, metric="model_accuracy", subset="all")["value"] == 1 / 5
    assert measured(rows, metric="model_accuracy", subset="operation=-")["value"] == 0
    kinds = {row["kind"]: row["value"] for row in rows if row["metric"] == "answer_kind" and row["subset"] == "all"}
    assert kinds == pytest.approx(
        {
            "copy of a": 1 / 2,
            "copy of b": 0,
            "power of ten": 1 / 4,
            "multiple of ten": 0,
            "other number": 0,
            "no number": 1 / 4,
        }
    )
    assert measured(rows, metric="model_accuracy", subset="all")["answered"] == "all"


def mistaken(truth):
    """The next number that the same fold tests, for each of some true results."""
    block = {value: SPLIT.values_in((int(SPLIT.block_of(value)),)).tolist() for value in truth}
    return [block[value][(block[value].index(value) + 1) % len(block[value])] for value in truth]


def test_errors_are_predicted_where_there_are_enough_of_both_kinds():
    truth = list(range(40))
    answer = [*truth[:20], *mistaken(truth[20:])]
    table = answers_table(truth, answer, probability=[0.9 - n / 100 for n in truth])
    rows = confidence_rows(table, SPLIT, 0)
    assert measured(rows, subset="all", metric="error_auc", reader="model")["value"] == 1
    beside = beside_answers(readings(truth, truth), table)
    reading = measured(reading_rows(beside, SPLIT, 50, 0), metric="error_auc_reading", subset="all")
    assert reading["value"] == 1
    scored = beside.with_columns(score=pl.lit(0.0))
    assert measured(error_rows(scored, SPLIT, 0), metric="error_auc_lead", subset="all")["value"] == -0.5
    row = measured(error_rows(scored.head(25), SPLIT, 0), subset="all", metric="error_auc")
    assert row.get("value") is None and row["note"] == TOO_FEW and row["n_prompts"] == 25


def test_right_answers_are_unseen_and_wrong_ones_where_the_same_fold_tests_them():
    block = [SPLIT.values_in((place,)).tolist() for place in range(2)]
    answers = [block[0][0], block[0][1], block[1][0], None, block[0][0]]
    asked = pl.DataFrame({"number": [*[block[0][0]] * 4, 5000], "answer": answers})
    assert unseen_answers(asked, SPLIT).tolist() == [True, True, False, False, False]


def test_a_score_that_knows_only_which_numbers_were_seen_is_at_chance_among_the_unseen():
    """Planted: seen answers seem likelier whatever the state, so wrong answers, which are mostly seen, seem right."""
    random = np.random.default_rng(0)
    truth = random.integers(MAXIMUM + 1, size=4000)
    right = random.random(4000) < 0.5
    answer = np.where(right, truth, random.integers(MAXIMUM + 1, size=4000))
    seen = SPLIT.block_of(answer) != SPLIT.block_of(truth)
    scored = answers_table(truth, answer).with_columns(score=pl.Series(random.standard_normal(4000) - 2.0 * seen))
    rows = error_rows(scored, SPLIT, 0)
    assert measured(rows, metric="error_auc_unmatched", subset="all")["value"] < 0.3
    matched = measured(rows, metric="error_auc", subset="all")
    assert matched["value"] == pytest.approx(0.5, abs=0.04)
    assert matched["ci_low"] < 0.5 < matched["ci_high"]


def test_surprise_is_low_where_the_states_hold_the_answer(tmp_path):
    """The fake probe scores by minus the distance: its most likely number is what the state holds."""
    truth = np.arange(60)
    answer = np.array([*range(30), *mistaken(range(30, 60))])
    folder = write_folder(tmp_path / "run", truth, seen=truth, operation="+", template="t")
    scored = dict(answer_surprise(folder, make_probe(), answers_table(truth, answer), 0))
    assert set(scored) == {"0", "1"}
    for part in scored.values():
        assert part["right"].sum() == 30
        assert part.filter("right")["score"].max() < part.filter(~pl.col("right"))["score"].min()
        rows = error_rows(part, SPLIT, 0)
        assert measured(rows, subset="all", metric="error_auc")["value"] == 1
        assert measured(rows, subset="all", metric="error_auc_lead")["value"] == 0.5


def test_a_model_that_never_answers_a_number_is_measured_without_error_prediction(tmp_path):
    truth = np.arange(60)
    table = answers_table(truth, [-1] * 60)
    folder = write_folder(tmp_path / "run", truth, operation="+", template="t")
    for _, scored in answer_surprise(folder, make_probe(), table, 0):
        assert {(row["status"], row["note"]) for row in error_rows(scored, SPLIT, 0)} == {("too few answers", TOO_FEW)}
    assert {row["note"] for row in confidence_rows(table, SPLIT, 0)} == {TOO_FEW}
    rows = reading_rows(beside_answers(readings(truth, truth), table), SPLIT, 50, 0)
    assert measured(rows, metric="reads_truth", answered="wrong", subset="all")["value"] == 1
    assert measured(rows, metric="reads_answer", answered="wrong", subset="all")["value"] == 0
    kinds = [row for row in model_rows(table, 0) if row["metric"] == "answer_kind" and row["subset"] == "all"]
    assert {row["kind"]: row["value"] for row in kinds}["no number"] == 1
