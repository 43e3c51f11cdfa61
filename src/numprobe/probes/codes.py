"""Target codes: each candidate number as a vector that a linear map of the states can predict.

A new kind of closed-form probe is one entry of `CODES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from numprobe.errors import NumprobeError

Inverse = Callable[[np.ndarray], np.ndarray]

#: Periods of the waves of `helix`, in numbers.
HELIX_PERIODS = (2, 5, 10, 100)
_ROUNDING = 1e-9


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
        Whether each column is shrunk and weighted by how well it is predicted on held-out training values. Without
        selection a complete code, such as all Fourier columns, is a rotation of the one-hot code and says nothing
        about unseen numbers.
    inverse
        For codes of one column: maps a predicted code to a number (real-valued). None: the nearest code wins.
    places
        For the code of all waves: the place of each number on a circle of N, int64 [N].
    """

    name: str
    matrix: np.ndarray
    weighted: bool = False
    inverse: Inverse | None = None
    places: np.ndarray | None = None


def fourier_frequencies(count: int) -> np.ndarray:
    """Return cycles per `count` numbers of each column of the Fourier code, int64 [count - 1]: 1, 1, 2, 2, ..."""
    return np.arange(2, count + 1) // 2


def make_code(name: str, minimum: int, maximum: int) -> Code:
    """Return the code `name` of the numbers minimum..maximum.

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
    """Return sin and cos of 2 pi k n / N, k = 1..N/2; for even N the sine of the last k is null and left out."""
    count = len(numbers)
    frequency = fourier_frequencies(count)
    # Whole turns are removed in integers: the angle is exact however large k n is.
    angle = 2 * np.pi * (np.outer(numbers, frequency) % count) / count
    is_cosine = np.arange(count - 1) % 2 == 1
    is_cosine[-1] |= count % 2 == 0
    matrix = np.where(is_cosine, np.cos(angle), np.sin(angle))
    return Code("fourier", matrix, weighted=True, places=numbers % count)


def _digits(numbers: np.ndarray) -> Code:
    _require_natural("digits", numbers)
    places = len(str(numbers[-1]))
    one_hot = [(numbers // 10**place % 10)[:, None] == np.arange(10) for place in range(places)]
    return Code("digits", _varying(np.hstack(one_hot)))


def _circular(numbers: np.ndarray) -> Code:
    """Return each decimal digit as a point on a separate circle (Levy & Geva, arXiv 2410.11781).

    The circles are equally large, so that the nearest code has the nearest angle in every place.
    """
    _require_natural("circular", numbers)
    digits = [numbers // 10**place % 10 for place in range(len(str(numbers[-1])))]
    return Code("circular", _varying(np.hstack([_circle(digit, 10) for digit in digits])))


def _helix(numbers: np.ndarray) -> Code:
    """Return a linear term and waves of periods 2, 5, 10 and 100 (Kantamneni & Tegmark, arXiv 2502.00873).

    A number and a point on a circle have no common unit, so the columns are weighted by how well they are predicted.
    """
    height = np.linspace(-1, 1, len(numbers))[:, None]
    waves = [_circle(numbers, period) for period in HELIX_PERIODS]
    return Code("helix", _varying(np.hstack([height, *waves])), weighted=True)


def _circle(numbers: np.ndarray, period: int) -> np.ndarray:
    """Return cos and sin of 2 pi n / period, float64 [N, 2]."""
    angle = 2 * np.pi * (numbers % period) / period
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _binary(numbers: np.ndarray) -> Code:
    """Return the bits of n - min, least significant first."""
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
    """Return the columns that differ between numbers by more than rounding."""
    exact = matrix.astype(np.float64)
    return np.asarray(exact[:, np.ptp(exact, axis=0) > _ROUNDING])


#: Every closed-form probe: maps the candidate numbers (int64, ascending, consecutive) to their code.
CODES: dict[str, Callable[[np.ndarray], Code]] = {
    "fourier": _fourier,
    "digits": _digits,
    "circular": _circular,
    "helix": _helix,
    "binary": _binary,
    "linear": _linear,
    "log": _log,
}
