"""Can n mod T be read off linearly? Waves alone do not say: mere token frequencies have peaks (arXiv 2604.20817)."""

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from numprobe.intervals import resampling_weights
from numprobe.splits import value_block

FOLDS = 5


def held_out_residues(states: np.ndarray, numbers: np.ndarray, residues: np.ndarray, seed: int) -> np.ndarray:
    """The residue of each number as predicted by a linear classifier that has not seen the number: int64 [N].

    Linear discriminant analysis with Ledoit-Wolf shrinkage, over `FOLDS` folds of the values.

    Parameters
    ----------
    states
        [N, d].
    numbers
        int [N]: decides the fold.
    residues
        int [N]: the class of each number.
    seed
        The study's seed.
    """
    fold = np.array([value_block(seed, int(number), FOLDS) for number in numbers])
    predicted = np.empty(len(numbers), dtype=np.int64)
    for test in range(FOLDS):
        held_out = fold == test
        if held_out.any():
            model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
            predicted[held_out] = model.fit(states[~held_out], residues[~held_out]).predict(states[held_out])
    return predicted


def kappa_interval(
    residues: np.ndarray, predicted: np.ndarray, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Cohen's kappa (Cohen 1960) and its 95 % percentile bootstrap interval over the numbers.

    0 is what chance agreement gives, 1 is perfect.

    Parameters
    ----------
    residues, predicted
        int [N]: classes 0..T-1.
    resamples, seed
        Of the bootstrap.
    """
    agreed = residues == predicted
    classes = np.arange(max(residues.max(), predicted.max()) + 1)
    indicators = [(residues[:, None] == classes), (predicted[:, None] == classes), agreed[:, None]]
    parts = np.hstack(indicators).astype(np.float64)
    kappa = float(_kappa(parts.mean(axis=0)))
    samples = _kappa(resampling_weights(len(parts), resamples, seed) @ parts / len(parts))
    low, high = np.quantile(samples, (0.025, 0.975))
    return kappa, min(float(low), kappa), max(float(high), kappa)


def _kappa(shares: np.ndarray) -> np.ndarray:
    """From shares of true classes, shares of predicted classes and agreement, along the last axis."""
    count = (shares.shape[-1] - 1) // 2
    chance = (shares[..., :count] * shares[..., count : 2 * count]).sum(axis=-1)
    return np.asarray((shares[..., -1] - chance) / (1 - chance))
