"""Operands drawn for a given result."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numprobe.prompts.operations import draw_operands, possible_results
from numprobe.prompts.templates import RESULTS

OPERATIONS = ("+", "-", "*", "/")


def pairs(operation: str, result: int, minimum: int, maximum: int) -> set[tuple[int, int]]:
    """All operands of a result, by trying every pair."""
    values = range(minimum, maximum + 1)
    return {
        (a, b) for a in values for b in values if (operation != "/" or b != 0) and RESULTS[operation](a, b) == result
    }


@given(st.sampled_from(OPERATIONS), st.integers(0, 12), st.integers(1, 20), st.data())
def test_operands_exist_exactly_where_trying_every_pair_finds_some(
    operation: str, minimum: int, width: int, data: st.DataObject
) -> None:
    maximum = minimum + width
    result = data.draw(st.integers(minimum, maximum))
    drawn = draw_operands(operation, result, (minimum, maximum), (minimum, maximum), np.random.default_rng(0))
    possible = pairs(operation, result, minimum, maximum)
    assert drawn in possible if possible else drawn is None


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("result", "minimum"), [(0, 0), (6, 0), (2, 1), (4, 2)])
def test_every_possible_pair_is_drawn(operation: str, result: int, minimum: int) -> None:
    rng = np.random.default_rng(1)
    drawn = {draw_operands(operation, result, (minimum, 12), (minimum, 12), rng) for _ in range(3000)}
    assert drawn == pairs(operation, result, minimum, 12)


@pytest.mark.parametrize(("operation", "result"), [("+", 5), ("-", 5), ("*", 12), ("*", 0)])
def test_sums_differences_and_products_are_uniform_over_their_pairs(operation: str, result: int) -> None:
    rng = np.random.default_rng(2)
    possible = sorted(pairs(operation, result, 0, 12))
    drawn = [draw_operands(operation, result, (0, 12), (0, 12), rng) for _ in range(300 * len(possible))]
    counts = np.array([drawn.count(pair) for pair in possible])
    assert ((counts - 300) ** 2 / 300).sum() < len(possible) + 6 * np.sqrt(2 * len(possible))


def test_divisors_are_log_uniform() -> None:
    rng = np.random.default_rng(3)
    divisors = np.array([draw_operands("/", 1, (0, 999), (0, 999), rng) for _ in range(4000)])[:, 1]
    for low, high in [(1, 10), (10, 100), (100, 1000)]:
        assert np.mean((divisors >= low) & (divisors < high)) == pytest.approx(1 / 3, abs=0.04)


def test_a_result_without_operands_leaves_the_generator_alone() -> None:
    rng = np.random.default_rng(4)
    state = rng.bit_generator.state
    assert draw_operands("*", 7, (2, 20), (2, 20), rng) is None
    assert rng.bit_generator.state == state


@given(st.sampled_from(OPERATIONS), st.tuples(st.integers(0, 9), st.integers(0, 15)), st.integers(0, 9), st.data())
def test_operands_keep_to_ranges_of_their_own(
    operation: str, first: tuple[int, int], low: int, data: st.DataObject
) -> None:
    ranges = (first[0], sum(first)), (low, low + data.draw(st.integers(0, 15)))
    result = data.draw(st.integers(0, 60))
    possible = {(a, b) for a, b in pairs(operation, result, 0, 25) if all(map(_within, (a, b), ranges))}
    drawn = draw_operands(operation, result, *ranges, np.random.default_rng(0))
    assert drawn in possible if possible else drawn is None
    assert (result in possible_results(operation, 0, 60, *ranges)) == bool(possible)


def _within(number: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= number <= bounds[1]
