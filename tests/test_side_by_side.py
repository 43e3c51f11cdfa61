import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info

from numprobe.side_by_side import side_by_side


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_results_stand_in_the_order_of_the_items():
    gate = threading.Event()

    def work(item):
        # The first item ends last.
        if item == 0:
            assert gate.wait(10)
        elif item == 3:
            gate.set()
        return item * 10

    assert list(side_by_side(work, range(5), 2)) == [0, 10, 20, 30, 40]


def test_products_have_one_thread_until_all_is_done():
    before = blas_threads()
    assert set().union(*side_by_side(lambda item: blas_threads(), range(3), 2)) == {1}
    assert blas_threads() == before


def test_an_error_ends_the_work_and_gives_the_threads_back():
    before, seen = blas_threads(), []

    def work(item):
        seen.append(item)
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        list(side_by_side(work, range(100), 1))
    assert len(seen) < 100
    assert blas_threads() == before


def test_sums_do_not_depend_on_the_threads():
    matrices = [np.random.default_rng(seed).standard_normal((300, 300)) for seed in range(4)]
    one, two = (list(side_by_side(lambda a: a @ a.T, matrices, threads)) for threads in (1, 2))
    assert_array_equal(one, two)
