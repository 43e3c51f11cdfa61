"""Variance that two noisy copies of a code share, in any space of functions of the numbers, with its interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from numprobe.experiments.composition.digit_spaces import Space

#: The unit of the intervals.
RESAMPLED = "prompts (influence of each number)"
_NORMAL = 1.959964


@dataclass(frozen=True, eq=False)
class Estimate:
    """A quantity, and how much each number moves it through the noise of its own prompts.

    Attributes
    ----------
    value
        The estimate.
    influence
        float64 [numbers]: the sum of squares estimates its variance over prompts.
    """

    value: float
    influence: np.ndarray

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Return the difference of two estimates from the same states."""
        return Estimate(self.value - other.value, self.influence - other.influence)

    def __truediv__(self, other: "Estimate") -> "Estimate":
        """Return the ratio of two estimates from the same states, its influences to first order."""
        ratio = self.value / other.value
        return Estimate(ratio, (self.influence - ratio * other.influence) / other.value)

    @property
    def columns(self) -> dict[str, Any]:
        """Value and 95 % interval, as in a table of measurements; no interval where nothing is noise."""
        if not self.influence.any():
            return {"value": self.value}
        reach = _NORMAL * float(np.sqrt((self.influence**2).sum()))
        return {
            "value": self.value, "ci_low": self.value - reach, "ci_high": self.value + reach, "resampled": RESAMPLED,
        }  # fmt: skip


def common(first: np.ndarray, second: np.ndarray, space: Space | None = None) -> Estimate:
    """Estimate the squared length of the part of a code that lies in a space, from two noisy copies of the code.

    Parameters
    ----------
    first, second
        float64 [numbers, d], centred over the numbers. Their noise is independent, between the copies and between
        numbers, and of the same covariance in both.
    space
        None: the whole code.

    Notes
    -----
    The estimate is `<A, P B>`: no noise meets itself, so noise adds nothing on average, whatever the rank of P. With
    M = (A + B) / 2 and D = (A - B) / 2 it is `<M, P M> - <D, P D>`, where D is a copy of the noise of M that is
    uncorrelated with it. The mean of `4 sum_v ((P M)_v . D_v)^2` is then the variance of the estimate: what is linear
    in the noise enters once, and what is quadratic in it once.
    """
    fit = second if space is None else space.project(second)
    both = fit + (first if space is None else space.project(first))
    return Estimate(float(np.vdot(first, fit)), (both * (first - second)).sum(axis=1) / 2)


def signal(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Estimate the share of the variance between numbers that two noisy copies of a code have in common.

    Parameters
    ----------
    first, second
        As `common` takes them, not all zero.

    Returns
    -------
    1 without noise, about 0 for noise alone. Its influences are those of a ratio of means over numbers, so its interval
    includes the choice of the numbers.
    """
    product = (first * second).sum(axis=1)
    length = ((first**2).sum(axis=1) + (second**2).sum(axis=1)) / 2
    ratio = float(product.sum() / length.sum())
    return Estimate(ratio, (product - ratio * length) / length.sum())
