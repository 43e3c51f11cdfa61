import numpy as np
import pytest
from tests.experiments.sample_efficiency.planted import SIZES, VALUES, order_of

from numprobe.errors import NumprobeError
from numprobe.experiments.sample_efficiency.order import GROUPS, make_order


def test_training_sets_are_nested_and_never_test():
    order = order_of()
    before: set[int] = set()
    for size in SIZES:
        fold = order.fold(size)
        trained = set(order.split.values_in(fold.train))
        assert len(trained) == size and before < trained and not trained & set(order.test)
        assert trained == set(order.values[:size])
        assert sorted(block for group in fold.inner for block in group) == sorted(fold.train)
        before = trained


def test_inner_folds_leave_out_each_training_value_once():
    order = order_of()
    for size in SIZES:
        folds = order.inner_folds(size)
        left_out = np.concatenate([order.split.values_in(fold.test) for fold in folds])
        assert len(folds) == GROUPS and sorted(left_out) == sorted(order.values[:size])
        for fold in folds:
            assert not set(fold.test) & set(fold.train)
            assert all(len(order.split.values_in(group)) >= 2 for group in fold.inner)


def test_blocks_follow_each_other_and_make_up_all_training_values():
    order = order_of()
    parts = [order.values[: SIZES[0]], *(order.next_block(size) for size in SIZES)]
    assert np.concatenate(parts).tolist() == order.values.tolist()
    assert len(order.next_block(SIZES[-1])) == 0


def test_orders_differ_by_index_and_models_with_fewer_numbers_share_them():
    assert order_of(0).values.tolist() != order_of(1).values.tolist()
    few = make_order(0, 99, VALUES[VALUES < 60], (8,), 20, 0, 0)
    drawn = np.concatenate([make_order(0, 99, VALUES, (80,), 20, 0, 0).values, order_of().test])
    assert few.values.tolist() == [value for value in drawn if value < 60][:8]


def test_sizes_beyond_the_numbers_become_all_that_are_not_held_out():
    order = make_order(0, 99, VALUES[VALUES < 50], SIZES, 20, 0, 0)
    assert order.sizes == (8, 16, 30)
    assert len(order.values) == 30 and len(order.test) == 20


def test_too_few_numbers_are_refused():
    with pytest.raises(NumprobeError, match="only 25 numbers can be probed, too few to train on 8 and to hold out 20"):
        make_order(0, 99, VALUES[:25], SIZES, 20, 0, 0)
