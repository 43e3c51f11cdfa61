"""Representational similarity of two sets of states of the same numbers, whatever their widths and bases.

Each set becomes its matrix of dissimilarities between numbers (Kriegeskorte et al. 2008); two matrices are compared by
the correlation of their upper triangles. Everything after the ranking is linear algebra on matrices that are graded
once: permuting numbers permutes rows and columns (Mantel 1967), resampling numbers weighs them.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata

from numprobe.intervals import resampling_weights
from numprobe.measure.draws import middle
from numprobe.seeding import generator

#: Kinds of dissimilarity.
DISSIMILARITIES = ("cosine", "pearson", "euclidean")
#: How two matrices are compared.
CORRELATIONS = ("spearman", "pearson")


def dissimilarity(states: np.ndarray, kind: str) -> np.ndarray:
    """Return dissimilarities of all pairs of rows: float64 [n (n - 1) / 2], in the order of the upper triangle.

    Parameters
    ----------
    states
        [n, d].
    kind
        "cosine" (1 - cosine), "pearson" (1 - correlation over the components) or "euclidean".
    """
    metric = {"cosine": "cosine", "pearson": "correlation", "euclidean": "euclidean"}[kind]
    return _fast_cosine(states, kind) if metric != "euclidean" else _euclidean(states)


def _fast_cosine(states: np.ndarray, kind: str) -> np.ndarray:
    rows = states.astype(np.float64)
    if kind == "pearson":
        rows = rows - rows.mean(axis=1, keepdims=True)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return _upper(1 - np.asarray(rows @ rows.T))


def _euclidean(states: np.ndarray) -> np.ndarray:
    rows = states.astype(np.float64) - states.mean(axis=0, dtype=np.float64)
    square = (rows**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(_upper(square[:, None] + square - 2 * (rows @ rows.T)), 0)))


def _upper(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])


def edit_distance(numbers: np.ndarray) -> np.ndarray:
    """Return Levenshtein distances of the decimal numerals, ordered as `dissimilarity`: float64 [n (n - 1) / 2]."""
    texts = [str(number) for number in numbers]
    width = max(map(len, texts))
    letters = np.array([[ord(sign) for sign in text.ljust(width, "\0")] for text in texts])
    length = np.array([len(text) for text in texts])
    # The usual table of distances between prefixes, for all pairs at once.
    table = np.zeros((width + 1, width + 1, len(texts), len(texts)), dtype=np.int8)
    table[:, 0] = np.arange(width + 1)[:, None, None]
    table[0, :] = np.arange(width + 1)[:, None, None]
    for i in range(1, width + 1):
        for j in range(1, width + 1):
            differs = letters[:, i - 1][:, None] != letters[:, j - 1][None, :]
            changed = table[i - 1, j - 1] + differs
            table[i, j] = np.minimum(changed, np.minimum(table[i - 1, j], table[i, j - 1]) + 1)
    first, second = np.indices((len(texts), len(texts)))
    return _upper(table[length[:, None], length[None, :], first, second]).astype(np.float64)


def value_distance(numbers: np.ndarray) -> np.ndarray:
    """|a - b|, in the order of `dissimilarity`."""
    return np.asarray(pdist(np.asarray(numbers, dtype=np.float64)[:, None]))


def log_distance(numbers: np.ndarray) -> np.ndarray:
    """|log(1 + a) - log(1 + b)|, in the order of `dissimilarity`."""
    return np.asarray(pdist(np.log1p(np.asarray(numbers, dtype=np.float64))[:, None]))


#: Dissimilarities that follow from the numbers alone.
THEORIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "edit distance": edit_distance,
    "|a - b|": value_distance,
    "log distance": log_distance,
}


def graded(distances: np.ndarray, correlation: str) -> np.ndarray:
    """Return a matrix to compare: float32 [n, n], symmetric, diagonal 0, pairs with mean 0 and variance 1.

    For "spearman" the pairs are ranked (ties share their mean rank), so that the correlation of two such matrices is
    Spearman's; for "pearson" they are taken as they are.

    Parameters
    ----------
    distances
        [n (n - 1) / 2], not all equal, in the order of `dissimilarity`.
    correlation
        One of `CORRELATIONS`.
    """
    pairs = rankdata(distances) if correlation == "spearman" else np.asarray(distances, dtype=np.float64)
    pairs = (pairs - pairs.mean()) / pairs.std()
    return np.asarray(squareform(pairs.astype(np.float32)))


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two graded matrices over all pairs of numbers."""
    count = len(first)
    return float(np.einsum("ij,ij->", first, second, dtype=np.float64) / (count * (count - 1)))


def mantel_null(first: np.ndarray, others: Sequence[np.ndarray], permutations: int, seed: int) -> np.ndarray:
    """Return agreements after the numbers of `first` are permuted (Mantel 1967): float64 [others, permutations].

    All pairs share the permutations. Cost per permutation: one gather of n^2 numbers and n^2 multiplications per other.

    Parameters
    ----------
    first
        Graded matrix [n, n].
    others
        Graded matrices [n, n] of the same numbers.
    permutations
        How many.
    seed
        The study's seed.
    """
    count = len(first)
    rng = generator(seed, "rsa", "permutations", count)
    flat = [other.ravel() for other in others]
    null = np.empty((len(others), permutations))
    for draw in range(permutations):
        order = rng.permutation(count)
        permuted = first.take(order, axis=0).take(order, axis=1).ravel()
        null[:, draw] = [permuted @ other for other in flat]
    return null / (count * (count - 1))


def p_value(value: float, null: np.ndarray) -> float:
    """Return the permutation p-value: (1 + draws not below `value`) / (1 + draws)."""
    return float((1 + (null >= value).sum()) / (1 + len(null)))


def bootstrap_agreement(first: np.ndarray, second: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """95 % interval of `agreement` over numbers: percentile bootstrap, widened to hold the estimate.

    Parameters
    ----------
    first, second, resamples, seed
        As in `resampled_agreement`.
    """
    found = middle(resampled_agreement(first, second, resamples, seed), agreement(first, second))
    return found["ci_low"], found["ci_high"]


def resampled_agreement(first: np.ndarray, second: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Return `agreement` of bootstrap samples of the numbers: float64 [resamples].

    A resample weighs each number by how often it is drawn; pairs of copies of one number are left out, because their
    dissimilarity is 0 in both matrices and would make independent matrices agree. Grades stay those of the whole sample
    (for ranks: the empirical distribution function is not estimated anew), so a resample costs a matrix product. All
    pairs of matrices of equally many numbers share the samples.

    Parameters
    ----------
    first, second
        Graded matrices [n, n].
    resamples, seed
        As in `numprobe.intervals`.
    """
    weights = resampling_weights(len(first), resamples, seed).astype(np.float32)
    pairs = weights.sum(axis=1, dtype=np.float64) ** 2 - (weights.astype(np.float64) ** 2).sum(axis=1)
    mean = {name: _weighted(weights, matrix) / pairs for name, matrix in _products(first, second).items()}
    covariance = mean["ab"] - mean["a"] * mean["b"]
    variance = (mean["aa"] - mean["a"] ** 2) * (mean["bb"] - mean["b"] ** 2)
    return np.asarray(covariance / np.sqrt(variance))


def _products(first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    return {"a": first, "b": second, "aa": first * first, "bb": second * second, "ab": first * second}


def _weighted(weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """w' M w for every row w of `weights`: float64 [resamples]."""
    return np.asarray(np.einsum("rn,rn->r", weights @ matrix, weights, dtype=np.float64))
