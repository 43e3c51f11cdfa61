"""Target codes: how each candidate number is written as a vector that a linear map of the states can predict.

A new kind of closed-form probe is one entry of `CODES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from numprobe.errors import NumprobeError

Inverse = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Code:
    """The code of all candidate numbers.

    Attributes
    ----------
    name
        The kind of probe that uses it.
    matrix
        float64 [N, c]: the code of each number min..max; no column is constant.
    weighted
        Whether each column is shrunk and weighted by how well held-out training values are predicted. Without
        selection a complete code, such as all Fourier columns, is a rotation of the one-hot code and says nothing
        about unseen numbers.
    inverse
        For codes of one column: from predicted code to number (real-valued). None: the nearest code wins.
    """

    name: str
    matrix: np.ndarray
    weighted: bool = False
    inverse: Inverse | None = None


def fourier_frequencies(count: int) -> np.ndarray:
    """Cycles per `count` numbers of each column of the Fourier code, int64 [count - 1]: 1, 1, 2, 2, ..."""
    return np.arange(2, count + 1) // 2


def make_code(name: str, minimum: int, maximum: int) -> Code:
    """The code `name` of the numbers minimum..maximum.

    Raises
    ------
    NumprobeError
        If there is no such code, or it is not defined for the range.
    """
    if name not in CODES:
        raise NumprobeError(f"there is no closed-form probe '{name}': choose from {', '.join(CODES)}")
    if maximum <= minimum:
        raise NumprobeError(f"a probe needs at least two numbers, not {minimum}..{maximum}")
    return _cached(name, minimum, maximum)


@lru_cache(maxsize=16)
def _cached(name: str, minimum: int, maximum: int) -> Code:
    code = CODES[name](np.arange(minimum, maximum + 1))
    code.matrix.setflags(write=False)
    return code


def _fourier(numbers: np.ndarray) -> Code:
    """sin and cos of 2 pi k n / N, k = 1..N/2; for even N the sine of the last k is null and left out."""
    count = len(numbers)
    frequency = fourier_frequencies(count)
    # Whole turns are removed in integers: the angle is exact however large k n is.
    angle = 2 * np.pi * (np.outer(numbers, frequency) % count) / count
    is_cosine = np.arange(count - 1) % 2 == 1
    is_cosine[-1] |= count % 2 == 0
    return Code("fourier", np.where(is_cosine, np.cos(angle), np.sin(angle)), weighted=True)


def _digits(numbers: np.ndarray) -> Code:
    _require_natural("digits", numbers)
    places = len(str(numbers[-1]))
    one_hot = [(numbers // 10**place % 10)[:, None] == np.arange(10) for place in range(places)]
    return Code("digits", _varying(np.hstack(one_hot)))


def _binary(numbers: np.ndarray) -> Code:
    """Bits of n - min, least significant first."""
    offset = numbers - numbers[0]
    places = int(offset[-1]).bit_length()
    return Code("binary", _varying(offset[:, None] >> np.arange(places) & 1))


def _linear(numbers: np.ndarray) -> Code:
    return Code("linear", numbers[:, None].astype(np.float64), inverse=np.asarray)


def _log(numbers: np.ndarray) -> Code:
    _require_natural("log", numbers)
    return Code("log", np.log1p(numbers[:, None].astype(np.float64)), inverse=np.expm1)


def _require_natural(name: str, numbers: np.ndarray) -> None:
    if numbers[0] < 0:
        raise NumprobeError(f"the probe '{name}' is defined for numbers from 0 on: numbers.min is {numbers[0]}")


def _varying(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix[:, np.ptp(matrix.astype(np.int8), axis=0) > 0], dtype=np.float64)


#: Every closed-form probe: from the candidate numbers (int64, ascending, consecutive) to their code.
CODES: dict[str, Callable[[np.ndarray], Code]] = {
    "fourier": _fourier,
    "digits": _digits,
    "binary": _binary,
    "linear": _linear,
    "log": _log,
}
