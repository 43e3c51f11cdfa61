"""Draw pairs of operands, and decide which pairs are held out from training."""

from collections.abc import Callable

import numpy as np

#: One pair in this many is held out.
HELD_OUT_ONE_IN = 20

#: Chosen so that about one pair in twenty of one-digit numbers is held out too.
SALT = np.uint64(8)

#: If none of this many varied pairs is held out, none ever is.
_LEAST_DRAWS = 1000

Pairs = tuple[np.ndarray, np.ndarray]


def held_out(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return whether each unordered pair is held out, so never trained on in any operation or wording.

    The finaliser of splitmix64 mixes the pair before the remainder is taken: a model could learn a linear rule of a and
    b, and with it which pairs never occur, but not a mixed one.

    Parameters
    ----------
    a, b
        Non-negative integers, same shape.

    Returns
    -------
    numpy.ndarray
        bool, same shape; about one in twenty is True. Symmetric in a and b.
    """
    low, high = np.minimum(a, b).astype(np.uint64), np.maximum(a, b).astype(np.uint64)
    mixed = (low << np.uint64(32)) | high
    with np.errstate(over="ignore"):
        mixed = mixed + SALT * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return np.asarray(mixed % np.uint64(HELD_OUT_ONE_IN) == 0)


def draw_pairs(
    draw: Callable[[np.random.Generator, int], Pairs],
    random: np.random.Generator,
    count: int,
    held: bool = False,
) -> Pairs:
    """Draw `count` pairs, all trained on (`held` false) or all held out.

    Parameters
    ----------
    draw
        Draws a given number of pairs, without regard to what is held out.
    random
        Source of randomness.
    count
        Number of pairs.
    held
        Whether to draw held-out pairs.

    Returns
    -------
    tuple of numpy.ndarray
        a and b, int64, shape (count,).

    Raises
    ------
    ValueError
        If `draw` never draws such a pair.
    """
    kept = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    missing = count
    while missing > 0:
        a, b = draw(random, max(_LEAST_DRAWS, HELD_OUT_ONE_IN * missing) if held else 2 * missing)
        wanted = held_out(a, b) == held
        if held and not wanted.any():
            raise ValueError("none of these pairs is held out")
        kept.append((a[wanted][:missing], b[wanted][:missing]))
        missing -= len(kept[-1][0])
    return np.concatenate([a for a, _ in kept]), np.concatenate([b for _, b in kept])


def log_uniform(random: np.random.Generator, count: int, maximum: int) -> np.ndarray:
    """Draw integers 1..maximum with density about 1/n, int64, shape (count,): each scale is equally frequent."""
    return np.asarray((maximum + 1) ** random.random(count), dtype=np.int64)


def operands(operation: str, random: np.random.Generator, count: int, maximum: int) -> Pairs:
    """Draw operands whose result lies in 0..maximum.

    Sums: a uniform, then b uniform among the rest. Differences: the same sums reversed. Products: one factor
    log-uniform, the other uniform among the rest, in either order. Quotients: divisor log-uniform, dividend uniform.
    """
    if operation in "+-":
        a = random.integers(0, maximum + 1, count)
        b = random.integers(0, maximum + 1 - a)
        return (a, b) if operation == "+" else (a + b, a)
    b = log_uniform(random, count, maximum)
    if operation == "/":
        return random.integers(0, maximum + 1, count), b
    a = random.integers(0, maximum // b + 1)
    swapped = random.random(count) < 0.5
    return np.where(swapped, b, a), np.where(swapped, a, b)


def results(operation: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the results, int64, same shape; division gives the integer quotient."""
    functions = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.floor_divide}
    return np.asarray(functions[operation](a, b))
