"""What a wrong number is: an operand copied, off by tens, another number, or no number."""

import numpy as np

#: Kinds of wrong numbers, in the order in which they are asked: a number is of the first kind that it fits.
KINDS = ("copy of a", "copy of b", "power of ten", "multiple of ten", "other number", "no number")
#: The kind of a number that is not wrong.
RIGHT = "right"
_POWERS = 10 ** np.arange(18)


def kinds_of(numbers: np.ndarray, truth: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The kind of each number, an array of strings of the shape of `numbers`.

    Parameters
    ----------
    numbers
        int64 [n]: what was answered or read; negative where that is no number.
    truth
        int64 [n]: the true results.
    a, b
        int64 [n]: the operands.

    Returns
    -------
    `RIGHT` or one of `KINDS`. "power of ten": the difference from the truth is 1, 10, 100, ... either way; "multiple of
    ten": the last digit is right, the difference no power of ten.
    """
    difference = np.abs(numbers - truth)
    # The first condition that holds decides.
    cases = {
        "no number": numbers < 0,
        RIGHT: difference == 0,
        "copy of a": numbers == a,
        "copy of b": numbers == b,
        "power of ten": np.isin(difference, _POWERS),
        "multiple of ten": difference % 10 == 0,
    }
    return np.select(list(cases.values()), list(cases), default="other number")
