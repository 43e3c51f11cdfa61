"""Linear separability of n mod T. Waves do not show it: raw token frequencies have peaks too (arXiv 2604.20817)."""

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from numprobe.intervals import BOOTSTRAP, EXACT, exact_bounds, resampling_weights
from numprobe.measure.spectra import principal_coordinates
from numprobe.splits import value_block

FOLDS = 5


def held_out_classes(states: np.ndarray, numbers: np.ndarray, classes: np.ndarray, seed: int) -> np.ndarray:
    """Return the class that a linear classifier predicts for each number, which it has not seen: int64, as `classes`.

    The class with the nearest mean, in the metric of the training states' scatter plus a penalty: regularised linear
    discriminant analysis with equal priors. Classes of unequal size are not favoured, so labels without relation to the
    states give a kappa of 0. Many labellings share the decompositions.

    The basis is that of the principal axes of all N states with variance, whose labels take no part, and the penalty is
    the trace of the training scatter over the number of these axes. So neither the scale nor the basis of the states
    matters, nor dimensions in which they do not differ: over the number of dimensions, the penalty would differ between
    the states and their principal coordinates where there are more dimensions than numbers.

    Parameters
    ----------
    states
        [N, d], not all equal.
    numbers
        int [N]: each decides its fold (`FOLDS` folds of the values).
    classes
        int [N, k]: k labellings with classes 0..C-1.
    seed
        The study's seed.
    """
    axes = principal_coordinates(states)
    fold = np.array([value_block(seed, int(number), FOLDS) for number in numbers])
    count = int(classes.max()) + 1
    indicators = (classes[:, :, None] == np.arange(count)).reshape(len(axes), -1).astype(np.float64)
    predicted = np.empty(classes.shape, dtype=np.int64)
    for test in np.unique(fold):
        held_out = fold == test
        train, tested = _whitened(axes[~held_out], axes[held_out])
        scores = _nearness(train, indicators[~held_out], tested)
        predicted[held_out] = scores.reshape(len(tested), -1, count).argmax(axis=2)
    return predicted


def _whitened(train: np.ndarray, tested: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both in coordinates in which the penalised scatter of the training states is the identity."""
    mean = train.mean(axis=0)
    scatter = (train - mean).T @ (train - mean)
    penalty = np.trace(scatter) / len(scatter)
    root = cholesky(scatter + penalty * np.eye(len(scatter)), lower=True)
    first, second = (solve_triangular(root, (part - mean).T, lower=True).T for part in (train, tested))
    return first, second


def _nearness(train: np.ndarray, indicators: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Return minus half the squared distance to each class mean, up to a term of the row; -inf without rows."""
    size = indicators.sum(axis=0)
    means = (indicators.T @ train) / np.maximum(size, 1)[:, None]
    return np.where(size > 0, tested @ means.T - 0.5 * (means**2).sum(axis=1), -np.inf)


def kappa(classes: np.ndarray, predicted: np.ndarray) -> float:
    """Return Cohen's kappa (Cohen 1960): 0 is what chance agreement gives, 1 is perfect. Both int [N] of 0..C-1."""
    return float(_from_shares(_indicators(classes, predicted).mean(axis=0)))


def kappa_interval(classes: np.ndarray, predicted: np.ndarray, resamples: int, seed: int) -> tuple[float, float, str]:
    """Return the 95 % interval of `kappa` over the numbers, and the unit and method.

    Percentile bootstrap, widened to hold the estimate; where all predictions are right it would collapse, and the exact
    interval of the agreement is turned into kappa instead.
    """
    parts = _indicators(classes, predicted)
    shares = parts.mean(axis=0)
    if (classes == predicted).all():
        shares[-1] = exact_bounds(len(parts), len(parts))[0]
        return float(_from_shares(shares)), 1.0, EXACT
    samples = _from_shares(resampling_weights(len(parts), resamples, seed) @ parts / len(parts))
    low, high = np.quantile(samples, (0.025, 0.975))
    estimate = float(_from_shares(shares))
    return min(float(low), estimate), max(float(high), estimate), BOOTSTRAP


def _indicators(classes: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[N, 2 C + 1]: true class, predicted class, agreement."""
    known = np.arange(max(classes.max(), predicted.max()) + 1)
    parts = [classes[:, None] == known, predicted[:, None] == known, (classes == predicted)[:, None]]
    return np.hstack(parts).astype(np.float64)


def _from_shares(shares: np.ndarray) -> np.ndarray:
    """Return kappa from the means of `_indicators` along the last axis."""
    count = (shares.shape[-1] - 1) // 2
    chance = (shares[..., :count] * shares[..., count : 2 * count]).sum(axis=-1)
    return np.asarray((shares[..., -1] - chance) / (1 - chance))
