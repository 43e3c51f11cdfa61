"""Can n mod T be read off linearly? Waves alone do not say: mere token frequencies have peaks (arXiv 2604.20817)."""

import numpy as np
from sklearn.linear_model import Ridge

from numprobe.intervals import BOOTSTRAP, WILSON, resampling_weights, wilson
from numprobe.splits import value_block

FOLDS = 5


def held_out_classes(states: np.ndarray, numbers: np.ndarray, classes: np.ndarray, seed: int) -> np.ndarray:
    """The class of each number as predicted by a linear classifier that has not seen the number: int64, as `classes`.

    Ridge regression onto the indicators of the classes, the largest prediction wins; `FOLDS` folds of the values. The
    penalty is the mean eigenvalue of the states' scatter, so neither the scale nor the basis of the states matters.

    Parameters
    ----------
    states
        [N, d], centred.
    numbers
        int [N]: each decides its fold.
    classes
        int [N, k]: k labellings with classes 0..C-1, which share the decompositions.
    seed
        The study's seed.
    """
    fold = np.array([value_block(seed, int(number), FOLDS) for number in numbers])
    count = int(classes.max()) + 1
    indicators = (classes[:, :, None] == np.arange(count)).reshape(len(states), -1).astype(np.float64)
    penalty = float((states.astype(np.float64) ** 2).sum() / states.shape[1])
    predicted = np.empty(classes.shape, dtype=np.int64)
    for test in np.unique(fold):
        held_out = fold == test
        model = Ridge(alpha=penalty).fit(states[~held_out], indicators[~held_out])
        predicted[held_out] = model.predict(states[held_out]).reshape(held_out.sum(), -1, count).argmax(axis=2)
    return predicted


def kappa(classes: np.ndarray, predicted: np.ndarray) -> float:
    """Cohen's kappa (Cohen 1960): 0 is what chance agreement gives, 1 is perfect. Both int [N] of 0..C-1."""
    return float(_from_shares(_indicators(classes, predicted).mean(axis=0)))


def kappa_interval(classes: np.ndarray, predicted: np.ndarray, resamples: int, seed: int) -> tuple[float, float, str]:
    """95 % interval of `kappa` over the numbers, and the unit and method.

    Percentile bootstrap, widened to hold the estimate; where all predictions are right it would collapse, and Wilson's
    interval of the agreement is turned into kappa instead.
    """
    parts = _indicators(classes, predicted)
    shares = parts.mean(axis=0)
    if (classes == predicted).all():
        shares[-1] = wilson(len(parts), len(parts))[0]
        return float(_from_shares(shares)), 1.0, WILSON
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
    """Kappa from the means of `_indicators` along the last axis."""
    count = (shares.shape[-1] - 1) // 2
    chance = (shares[..., :count] * shares[..., count : 2 * count]).sum(axis=-1)
    return np.asarray((shares[..., -1] - chance) / (1 - chance))
