"""Means over trainings, and the wider of two intervals."""

import pytest

from numprobe.experiments.replicates.measure import EXTRA, training_rows
from numprobe.status import constant_state
from numprobe.tables import measurements
from numprobe.training_interval import TRAININGS, training_interval


def accuracies(model, value, half=0.01, **columns):
    """Return a table with one accuracy of a training."""
    row = {
        "model": model, "context": "operand", "layer": "4", "probe": "fourier", "metric": "accuracy", "value": value,
        "ci_low": value - half, "ci_high": value + half, "resampled": "values", "n_values": 1000, "n_prompts": 8000,
    }  # fmt: skip
    row |= columns
    if row.get("status"):
        row["value"] = None
    return measurements([row], {name: EXTRA[name] for name in columns if name == "fit_context"})


def test_trainings_that_differ_more_than_their_numbers_have_the_interval_over_trainings():
    """Two readings of one cell, each outside the interval over numbers of the other."""
    tables = [accuracies("m", 0.70, 0.015), accuracies("m.seed2", 0.66, 0.015)]
    (row,) = training_rows(tables, [], ["m", "m.seed2"])
    low, high, _ = training_interval([0.70, 0.66], 1000)
    assert (row["ci_low"], row["ci_high"], row["wider"], row["resampled"]) == (low, high, "trainings", TRAININGS)
    assert (row["trainings_low"], row["trainings_high"]) == (low, high)
    assert row["ci_low"] < 0.66 < 0.70 < row["ci_high"]
    assert row["value"] == pytest.approx(0.68)
    assert (row["numbers_low"], row["numbers_high"]) == pytest.approx((0.665, 0.695))
    assert (row["lowest"], row["highest"], row["n_trainings"], row["n_values"]) == (0.66, 0.70, 2, 1000)


def test_trainings_that_hardly_differ_have_the_interval_over_numbers():
    shares = [0.700, 0.701, 0.700, 0.701, 0.702]
    names = [f"m{place}" for place in range(5)]
    tables = [accuracies(*pair, 0.03) for pair in zip(names, shares, strict=True)]
    (row,) = training_rows(tables, [], names)
    assert (row["wider"], row["resampled"]) == ("numbers", "values")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.6708, 0.7308))
    assert row["trainings_high"] - row["trainings_low"] < 0.003


def test_only_what_every_training_has_is_summarised():
    """Controls, parts of the numbers, single folds, and states that hold nothing are left out."""
    both = [accuracies("a", 0.5), accuracies("b", 0.6)]
    rest = [
        {"layer": "3"}, {"control": "shuffled"}, {"subset": "values=0..49"}, {"fold": "0"}, {"metric": "mae"},
        {"layer": "0", **constant_state()},
    ]  # fmt: skip
    tables = [*both, *(accuracies("a", 0.5, **columns) for columns in rest)]
    tables += [accuracies("b", 0.5, **columns) for columns in rest[1:]]
    assert len(list(training_rows(tables, [], ["a", "b"]))) == 1


def test_transfer_stands_beside_accuracy_without_the_context_of_the_fit():
    own = [accuracies(model, 0.5) for model in "ab"]
    moved = [accuracies(model, 0.4, fit_context="number") for model in "ab"]
    twice = [accuracies(model, 0.5, fit_context="operand") for model in "ab"]
    rows = list(training_rows(own, [*moved, *twice], ["a", "b"]))
    assert [(row["fit_context"], row["context"], row["value"]) for row in rows] == [
        ("operand", "operand", 0.5),
        ("number", "operand", 0.4),
    ]


def test_a_training_without_an_interval_over_numbers_leaves_that_over_trainings():
    """A single number has no interval over numbers."""
    tables = [accuracies("a", 0.5), accuracies("b", 0.6, ci_low=None, ci_high=None)]
    (row,) = training_rows(tables, [], ["a", "b"])
    assert (row["numbers_low"], row["numbers_high"], row["wider"]) == (None, None, "trainings")
