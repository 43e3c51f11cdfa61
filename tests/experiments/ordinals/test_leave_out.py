"""Leave-out readings of small sets: planted circles and lines are read, permuted orders and noise are not."""

import numpy as np
import pytest

from numprobe.experiments.ordinals.leave_out import (
    LeaveOut,
    _operators,
    assign_groups,
    circle_code,
    circular_agreement,
    exact,
    line_code,
    permuted_orders,
    rank_correlation,
)


def states(code, noise=0.05, width=20, seed=0):
    rng = np.random.default_rng(seed)
    return code[:, :4] @ rng.standard_normal((4, width)) + noise * rng.standard_normal((len(code), width))


def read(planted, code, permutations=0):
    orders = permuted_orders(len(planted), permutations, 0)
    found = LeaveOut(planted, assign_groups(len(planted), 0)).read(code[orders])
    return orders, np.take_along_axis(orders, found, axis=0)


@pytest.mark.parametrize(("make", "count"), [(circle_code, 12), (circle_code, 7), (line_code, 26), (line_code, 60)])
def test_planted_orders_are_read_from_the_other_words(make, count):
    code = make(np.arange(count), count)
    orders, found = read(states(code), code)
    assert exact(orders, found)[0] > 0.8


def test_permuted_orders_and_noise_are_at_chance():
    code = circle_code(np.arange(12), 12)
    orders, found = read(states(code), code, 100)
    assert exact(orders, found)[1:].mean() < 0.2
    assert np.quantile(exact(orders, found)[1:], 0.95) < exact(orders, found)[0]
    orders, found = read(np.random.default_rng(0).standard_normal((12, 20)), code)
    assert exact(orders, found)[0] <= 0.35


def test_a_permuted_order_is_read_as_it_would_be_alone():
    code = line_code(np.arange(15), 15)
    planted = states(code, noise=0.3)
    orders, together = read(planted, code, 3)
    for column in range(4):
        alone = LeaveOut(planted, np.arange(15)).read(code[orders[:, [column]]])
        assert np.array_equal(orders[alone[:, 0], column], together[:, column])


def test_predictions_are_those_of_ridge_regression_on_the_states():
    rng = np.random.default_rng(0)
    rows, codes = rng.standard_normal((9, 5)), rng.standard_normal((9, 2))
    test, train = np.array([0, 1]), np.arange(2, 9)
    found = _operators(rows @ rows.T, test, train)[1] @ codes[train]
    centre = rows[train].mean(axis=0)
    x, y = rows[train] - centre, codes[train]
    penalty = 0.1 * (x**2).sum() / len(x)
    weight = np.linalg.solve(x.T @ x + penalty * np.eye(5), x.T @ (y - y.mean(axis=0)))
    assert found == pytest.approx((rows[test] - centre) @ weight + y.mean(axis=0))


def test_large_sets_are_left_out_in_groups():
    assert assign_groups(26, 0).tolist() == list(range(26))
    assert np.bincount(assign_groups(121, 0)).tolist() == [11] * 11


def test_scores_of_perfect_and_constant_readings():
    places = np.arange(6)[:, None]
    assert rank_correlation(places, places)[0] == pytest.approx(1)
    assert rank_correlation(places, 0 * places)[0] == 0
    assert circular_agreement(places, (places + 6) % 12, 12)[0] == pytest.approx(-1)
    assert circular_agreement(places, (places + 1) % 6, 6)[0] == pytest.approx(0.5)
