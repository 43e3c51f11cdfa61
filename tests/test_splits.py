"""Value splits: disjoint, complete, and the same wherever they are made."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numprobe.errors import NumprobeError
from numprobe.splits import PAPER_TEST, PAPER_VALIDATION, STUDY, load_split, make_split, value_block, write_splits


@pytest.fixture(params=["folds", "paper"])
def split(request):
    return make_split(0, 999, request.param, 10, 3, 0)


def test_test_validation_and_training_blocks_partition_all_blocks(split):
    for fold in split.folds:
        assert sorted(fold.test + fold.validation + fold.train) == list(range(split.n_blocks))


def test_inner_groups_partition_the_training_blocks(split):
    for fold in split.folds:
        assert len(fold.inner) == 3
        assert sorted(block for group in fold.inner for block in group) == sorted(fold.train)


def test_the_values_of_a_fold_are_disjoint_and_complete(split):
    for fold in split.folds:
        parts = [split.values_in(blocks) for blocks in (fold.test, fold.validation, fold.train)]
        assert np.array_equal(np.sort(np.concatenate(parts)), split.values)


def test_every_value_tests_exactly_once():
    split = make_split(0, 999, "folds", 10, 3, 0)
    tested = np.concatenate([split.values_in(fold.test) for fold in split.folds])
    assert np.array_equal(np.sort(tested), np.arange(1000))


def test_folds_are_of_similar_size():
    split = make_split(0, 999, "folds", 10, 3, 0)
    # Binomial(1000, 1/10) within five standard deviations.
    assert all(53 <= len(split.values_in(fold.test)) <= 147 for fold in split.folds)


@given(st.integers(-50, 50), st.integers(60, 200), st.integers(0, 5))
def test_the_block_of_a_value_does_not_depend_on_the_range(minimum, length, seed):
    part = make_split(minimum, minimum + length, "folds", 3, 2, seed)
    whole = make_split(-50, 250, "folds", 3, 2, seed)
    assert np.array_equal(part.block, whole.block_of(part.values))


def test_the_seed_changes_the_split():
    assert (make_split(0, 999, "folds", 10, 3, 0).block != make_split(0, 999, "folds", 10, 3, 1).block).mean() > 0.8


# 120 values leave none of nine folds empty (with 60, one seed in 150 does).
@given(st.integers(-50, 50), st.integers(120, 200), st.integers(2, 9), st.integers(1, 5), st.integers(0, 5))
def test_a_split_that_is_read_is_the_split_that_was_made(tmp_path_factory, minimum, length, folds, inner, seed):
    path = tmp_path_factory.mktemp("split") / "split.json"
    splits = {STUDY: make_split(0, 999, "paper", 10, inner, seed)}
    splits["own"] = make_split(minimum, minimum + length, "folds", folds, inner, seed)
    write_splits(path, splits, {})
    for name, made in splits.items():
        read = load_split(path, name)
        assert read.block.dtype == made.block.dtype and np.array_equal(read.block, made.block)
        assert replace(read, block=made.block) == made
    with pytest.raises(NumprobeError, match=r"split\.json is damaged \(no split 'other'"):
        load_split(path, "other")


def test_block_of_keeps_the_shape():
    split = make_split(10, 99, "folds", 3, 2, 0)
    values = np.array([[10, 99], [42, 42]])
    blocks = split.block_of(values)
    assert blocks.shape == (2, 2)
    assert blocks[1, 0] == blocks[1, 1] == value_block(0, 42, 3)


def test_the_papers_split():
    fold = (split := make_split(0, 999, "paper", 10, 3, 0)).folds[0]
    sizes = [len(split.values_in(blocks)) for blocks in (fold.train, fold.validation, fold.test)]
    assert sizes == [888, 57, 55]
    assert tuple(split.values_in(fold.test)) == PAPER_TEST
    assert tuple(split.values_in(fold.validation)) == PAPER_VALIDATION


def test_the_papers_split_is_reproduced_by_its_rule():
    """u = torch.rand(1000, seed 0): training below 0.9, validation below 0.95, test from there on."""
    import torch

    draw = torch.rand(1000, generator=torch.Generator().manual_seed(0)).numpy()
    assert tuple(np.flatnonzero(draw >= 0.95)) == PAPER_TEST
    assert tuple(np.flatnonzero((draw >= 0.9) & (draw < 0.95))) == PAPER_VALIDATION


def test_the_papers_split_is_of_one_range_only():
    with pytest.raises(NumprobeError, match=r"'paper' is defined for numbers 0\.\.999, not 0\.\.99"):
        make_split(0, 99, "paper", 10, 3, 0)


def test_too_many_folds_for_the_range():
    with pytest.raises(NumprobeError, match=r"split\.folds = 10 leaves a fold without values in 0\.\.9: use fewer"):
        make_split(0, 9, "folds", 10, 3, 0)
