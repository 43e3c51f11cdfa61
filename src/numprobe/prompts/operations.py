"""Operands drawn for a given result."""

from collections.abc import Callable
from math import exp, isqrt, log

import numpy as np

Draw = Callable[[int, int, int, np.random.Generator], tuple[int, int] | None]


def draw_operands(
    operation: str, result: int, minimum: int, maximum: int, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Operands a, b within minimum..maximum with `a operation b = result`, or None where there are none.

    Sums: a uniform. Differences: b uniform. Products: uniform over the ordered pairs of factors. Quotients (integer
    division): b log-uniform, then a uniform over the dividends of that quotient.

    Parameters
    ----------
    operation
        One of `+`, `-`, `*`, `/`.
    result
        The result, within minimum..maximum.
    minimum, maximum
        Range of operands, both included; minimum >= 0.
    rng
        The source of randomness; advanced only where operands exist.
    """
    return _DRAWS[operation](result, minimum, maximum, rng)


def _sum(result: int, minimum: int, maximum: int, rng: np.random.Generator) -> tuple[int, int] | None:
    if result < 2 * minimum:
        return None
    a = int(rng.integers(minimum, result - minimum + 1))
    return a, result - a


def _difference(result: int, minimum: int, maximum: int, rng: np.random.Generator) -> tuple[int, int] | None:
    if result > maximum - minimum:
        return None
    b = int(rng.integers(minimum, maximum - result + 1))
    return result + b, b


def _product(result: int, minimum: int, maximum: int, rng: np.random.Generator) -> tuple[int, int] | None:
    pairs = _factor_pairs(result, minimum, maximum)
    return pairs[int(rng.integers(len(pairs)))] if pairs else None


def _factor_pairs(result: int, minimum: int, maximum: int) -> list[tuple[int, int]]:
    """All ordered pairs of factors within the range; for 0 the pairs with at least one 0."""
    if result == 0:
        others = range(1, maximum + 1)
        return [(0, 0), *((0, b) for b in others), *((a, 0) for a in others)] if minimum == 0 else []
    small = [factor for factor in range(1, isqrt(result) + 1) if result % factor == 0]
    factors = sorted({*small, *(result // factor for factor in small)})
    return [(a, result // a) for a in factors if minimum <= a <= maximum and minimum <= result // a <= maximum]


def _quotient(result: int, minimum: int, maximum: int, rng: np.random.Generator) -> tuple[int, int] | None:
    # A quotient of 0 needs minimum <= a < b; otherwise a >= b * result >= minimum holds by itself.
    lowest = minimum + 1 if result == 0 else max(1, minimum)
    highest = maximum if result == 0 else maximum // result
    if lowest > highest:
        return None
    b = min(highest, int(exp(rng.uniform(log(lowest), log(highest + 1)))))
    smallest = max(minimum, b * result)
    largest = min(maximum, b * result + b - 1)
    return int(rng.integers(smallest, largest + 1)), b


_DRAWS: dict[str, Draw] = {"+": _sum, "-": _difference, "*": _product, "/": _quotient}
