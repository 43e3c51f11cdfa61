"""Classify wrong answers: an operand or an example's result copied, off by tens, another number, or no number."""

from collections.abc import Collection

import numpy as np

#: Kinds of wrong numbers in order of precedence: a number is of the first kind that it fits.
KINDS = ("copy of a", "copy of b", "power of ten", "multiple of ten", "other number", "no number")
#: The result of a worked example in front of the question; it follows the copies of operands.
COPY_OF_EXAMPLE = "copy of an example"
#: The kind of a number that is not wrong.
RIGHT = "right"
_POWERS = 10 ** np.arange(18)


def known_kinds(shown: Collection[int] = ()) -> tuple[str, ...]:
    """Return the kinds of wrong numbers in order, with `COPY_OF_EXAMPLE` if examples have shown results."""
    place = KINDS.index("power of ten")
    return (*KINDS[:place], COPY_OF_EXAMPLE, *KINDS[place:]) if shown else KINDS


def kinds_of(
    numbers: np.ndarray, truth: np.ndarray, a: np.ndarray, b: np.ndarray, shown: Collection[int] = ()
) -> np.ndarray:
    """Return the kind of each number, an array of strings of the shape of `numbers`.

    Parameters
    ----------
    numbers
        int64 [n]: the numbers answered or read; negative for no number.
    truth
        int64 [n]: the true results.
    a, b
        int64 [n]: the operands.
    shown
        The results of the worked examples.

    Returns
    -------
    `RIGHT` or one of `known_kinds`. "power of ten": the difference from the truth is 1, 10, 100, ... either way;
    "multiple of ten": the last digit is right, the difference no power of ten.
    """
    difference = np.abs(numbers - truth)
    # The first condition that holds decides.
    cases = {
        "no number": numbers < 0,
        RIGHT: difference == 0,
        "copy of a": numbers == a,
        "copy of b": numbers == b,
        COPY_OF_EXAMPLE: np.isin(numbers, list(shown)),
        "power of ten": np.isin(difference, _POWERS),
        "multiple of ten": difference % 10 == 0,
    }
    return np.select(list(cases.values()), list(cases), default="other number")
