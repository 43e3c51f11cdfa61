"""Numbers followed through layers: known fates, the identity of breaks and corrects, and what chance may look for."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from numprobe.errors import NumprobeError
from numprobe.experiments.error_tracing.tracing import (
    fates,
    lost_at,
    opposite,
    permuted_truths,
    through_layers,
    transitions,
)

found_tables = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


def marks(text: str) -> np.ndarray:
    return np.array([mark == "x" for mark in text])


@pytest.mark.parametrize(
    ("found", "layer"),
    [("....", 0), ("x...", 1), (".x..", 2), ("x.x.", 3), ("xxx.", 3), ("...x", 4), ("x..x", 4), ("xxxx", 4)],
)
def test_a_number_is_lost_where_it_is_never_read_again(found, layer):
    assert int(lost_at(marks(found))) == layer


@given(found_tables)
def test_the_layer_of_a_loss_is_read_before_and_nowhere_after(found):
    layers = found.shape[1]
    for row, layer in zip(found, lost_at(found), strict=True):
        assert not row[layer:].any()
        assert (layer == 0) == (not row.any()) and (layer == layers) == bool(row[-1])
        if layer:
            assert row[layer - 1]


@given(found_tables)
def test_corrects_minus_breaks_is_what_the_last_layer_reads_more_than_the_first(found):
    breaks, corrects = transitions(found)
    assert int(corrects.sum()) - int(breaks.sum()) == int(found[:, -1].sum()) - int(found[:, 0].sum())
    assert not (breaks & corrects).any()
    assert_array_equal(breaks | corrects, found[:, 1:] != found[:, :-1])


@given(found_tables, st.integers(0, 10**6))
def test_fates_are_shares_of_the_draws(found, seed):
    random = np.random.default_rng(seed)
    read = np.where(found, 7, 3)
    targets = random.choice([7, 3, 5, -1], size=(4, len(read)))
    share, known = fates(read, targets)
    assert_array_equal(known, (targets >= 0).any(axis=0))
    assert_array_equal(share.sum(axis=1), known.astype(float))
    (single,) = (fates(read, np.full((1, len(read)), 7))[0],)
    assert_array_equal(single.argmax(axis=1), lost_at(found))
    assert_array_equal(fates(read, np.full((3, len(read)), 7))[0], single)


def test_the_opposite_is_as_far_from_the_answer_as_the_truth():
    answer, truth = np.array([10, 10, 95, 5, -1, 0]), np.array([7, 10, 80, 20, 4, 3])
    assert_array_equal(opposite(answer, truth, 0, 99), [13, -1, -1, -1, -1, -1])


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("+-"), st.sampled_from("01")), min_size=1, max_size=40))
def test_permuted_truths_come_from_the_same_operation_and_fold_and_are_never_the_own_one(rows):
    prompts = pl.DataFrame(rows, schema=["number", "operation", "fold"], orient="row")
    found = permuted_truths(prompts, 3, 0)
    groups: dict = {}
    for value, operation, fold in rows:
        groups.setdefault((operation, fold), []).append(value)
    for draw in found:
        for target, (value, operation, fold) in zip(draw, rows, strict=True):
            assert target == -1 or (target != value and target in groups[operation, fold])


def test_permutations_differ_and_follow_the_seed():
    prompts = pl.DataFrame({"number": range(50), "operation": ["+"] * 50, "fold": ["0"] * 50})
    found = permuted_truths(prompts, 2, 0)
    assert (found[0] != found[1]).mean() > 0.5
    assert sorted(np.where(found[0] < 0, np.arange(50), found[0]).tolist()) == list(range(50))
    assert_array_equal(found, permuted_truths(prompts, 2, 0))
    assert (found != permuted_truths(prompts, 2, 1)).any()


def _beside(layers=("0", "final_norm", "1")):
    prompts = {"prompt": [4, 2], "number": [7, 8], "operation": ["+", "-"], "a": [3, 9], "b": [4, 1]}
    answered = {"answer": [7, None], "right": [True, False], "fold": ["0", "1"]}
    return pl.concat(
        pl.DataFrame({**prompts, **answered, "layer": layer, "decoded": [place, place + 10]})
        for place, layer in enumerate(layers)
    )


def test_readings_stand_in_the_order_of_the_layers():
    readings = through_layers(_beside())
    assert readings.layers == ("0", "1", "final_norm")
    assert readings.prompts["prompt"].to_list() == [2, 4]
    assert_array_equal(readings.read, [[10, 12, 11], [0, 2, 1]])
    with pytest.raises(NumprobeError, match="different prompts"):
        through_layers(_beside().head(5))
