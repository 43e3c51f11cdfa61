"""Draw operands for a given result."""

from collections.abc import Callable, Iterator
from math import exp, isqrt, log

import numpy as np

#: First and last number of a range, both included.
Range = tuple[int, int]
Draw = Callable[[int, Range, Range, np.random.Generator], tuple[int, int] | None]


def draw_operands(
    operation: str, result: int, first: Range, second: Range, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Draw operands a, b with `a operation b = result`; None where the ranges hold none.

    Sums: a uniform. Differences: b uniform. Products: uniform over the ordered pairs of factors. Quotients (integer
    division): b log-uniform, then a uniform over the dividends of that quotient.

    Parameters
    ----------
    operation
        One of `+`, `-`, `*`, `/`.
    result
        The result, at least 0.
    first, second
        Ranges of a and of b; no number below 0.
    rng
        Source of randomness; advanced only if operands exist.
    """
    return _DRAWS[operation](result, first, second, rng)


def possible_results(operation: str, minimum: int, maximum: int, first: Range, second: Range) -> Iterator[int]:
    """Yield the numbers of minimum..maximum that an operation gives for operands of these ranges, ascending."""
    rng = np.random.default_rng(0)
    for result in range(minimum, maximum + 1):
        if draw_operands(operation, result, first, second, rng) is not None:
            yield result


def _sum(result: int, first: Range, second: Range, rng: np.random.Generator) -> tuple[int, int] | None:
    lowest, highest = max(first[0], result - second[1]), min(first[1], result - second[0])
    if lowest > highest:
        return None
    a = int(rng.integers(lowest, highest + 1))
    return a, result - a


def _difference(result: int, first: Range, second: Range, rng: np.random.Generator) -> tuple[int, int] | None:
    lowest, highest = max(second[0], first[0] - result), min(second[1], first[1] - result)
    if lowest > highest:
        return None
    b = int(rng.integers(lowest, highest + 1))
    return result + b, b


def _product(result: int, first: Range, second: Range, rng: np.random.Generator) -> tuple[int, int] | None:
    pairs = _factor_pairs(result, first, second)
    return pairs[int(rng.integers(len(pairs)))] if pairs else None


def _factor_pairs(result: int, first: Range, second: Range) -> list[tuple[int, int]]:
    """Return all ordered pairs of factors within the ranges; for 0 the pairs with at least one 0."""
    if result == 0:
        largest = max(first[1], second[1])
        pairs = [(0, 0), *((0, b) for b in range(1, largest + 1)), *((a, 0) for a in range(1, largest + 1))]
    else:
        small = [factor for factor in range(1, isqrt(result) + 1) if result % factor == 0]
        factors = sorted({*small, *(result // factor for factor in small)})
        pairs = [(a, result // a) for a in factors]
    return [(a, b) for a, b in pairs if first[0] <= a <= first[1] and second[0] <= b <= second[1]]


def _quotient(result: int, first: Range, second: Range, rng: np.random.Generator) -> tuple[int, int] | None:
    # b * result is the smallest dividend of the quotient and b * (result + 1) - 1 the largest.
    lowest = max(1, second[0], -(-(first[0] + 1) // (result + 1)))
    highest = second[1] if result == 0 else min(second[1], first[1] // result)
    if lowest > highest:
        return None
    b = min(highest, max(lowest, int(exp(rng.uniform(log(lowest), log(highest + 1))))))
    smallest = max(first[0], b * result)
    largest = min(first[1], b * result + b - 1)
    return int(rng.integers(smallest, largest + 1)), b


_DRAWS: dict[str, Draw] = {"+": _sum, "-": _difference, "*": _product, "/": _quotient}
