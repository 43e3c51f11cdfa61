"""Reading the place of a word in its set from a few words: leave-out ridge regression in closed form.

With n words of d components and n < d, everything follows from the Gram matrix of the words: the prediction of a word
that was left out is a fixed linear combination of the codes of the others, whatever these codes are. So thousands of
permuted orders cost one matrix product.
"""

from dataclasses import dataclass

import numpy as np

from numprobe.seeding import generator

#: Penalties to choose from, in units of the mean eigenvalue of the training words' Gram matrix.
PENALTIES = (1e-2, 1e-1, 1.0, 10.0)
#: Sets with more members are divided into this many groups; each member of a smaller set is a group of its own.
MOST_GROUPS = 26
GROUPS_OF_LARGE_SETS = 11
#: Waves of the code of a set without a cycle.
MOST_COSINES = 12
_RESIDUAL_FLOOR = 1e-6


def circle_code(places: np.ndarray, size: int) -> np.ndarray:
    """sin and cos of 2 pi k i / size, k = 1..size/2: float64 [n, size - 1], for sets that close to a circle."""
    frequency = np.arange(2, size + 1) // 2
    angle = 2 * np.pi * (np.outer(places, frequency) % size) / size
    cosine = np.arange(size - 1) % 2 == 1
    cosine[-1] |= size % 2 == 0
    return np.asarray(np.where(cosine, np.cos(angle), np.sin(angle)))


def line_code(places: np.ndarray, size: int) -> np.ndarray:
    """cos(pi k (i + 1/2) / size), k = 1..12 at the most: float64 [n, k], for an order that does not close."""
    frequency = np.arange(1, min(size, MOST_COSINES + 1))
    return np.asarray(np.cos(np.pi * np.outer(places + 0.5, frequency) / size))


def assign_groups(count: int, seed: int) -> np.ndarray:
    """The group of each word, int64 [n]: the words of a group are left out together."""
    if count <= MOST_GROUPS:
        return np.arange(count)
    order = generator(seed, "ordinals", "groups", count).permutation(count)
    return np.asarray(order % GROUPS_OF_LARGE_SETS)


@dataclass(frozen=True, eq=False)
class _Fold:
    """One outer fold: operators [penalties, rows, columns] from training codes to predictions."""

    test: np.ndarray
    train: np.ndarray
    outer: np.ndarray
    inner: np.ndarray


class LeaveOut:
    """Leave-out predictions of all words of one set in one state, for any code and any order of the words.

    Parameters
    ----------
    states
        [n, d], not all equal.
    groups
        int64 [n]: words that are left out together, three groups at least.
    """

    def __init__(self, states: np.ndarray, groups: np.ndarray) -> None:
        rows = states.astype(np.float64)
        rows = rows - rows.mean(axis=0)
        gram = rows @ rows.T
        self._folds = [_fold(gram, groups, group) for group in np.unique(groups)]
        self.count = len(states)

    def read(self, codes: np.ndarray) -> np.ndarray:
        """The word, out of all, whose code fits best to each word that is left out: int64 [n, orders].

        Columns are weighted by how well they are predicted on inner groups of the training words, which also choose the
        penalty, separately for every order.

        Parameters
        ----------
        codes
            float64 [n, orders, c]: the code of each word under each order of the words.
        """
        found = np.empty(codes.shape[:2], dtype=np.int64)
        for fold in self._folds:
            found[fold.test] = _read_fold(fold, codes)
        return found


def _fold(gram: np.ndarray, groups: np.ndarray, group: int) -> _Fold:
    test, train = np.flatnonzero(groups == group), np.flatnonzero(groups != group)
    inner = np.zeros((len(PENALTIES), len(train), len(train)))
    own = groups[train]
    for left_out in np.unique(own):
        rows, columns = np.flatnonzero(own == left_out), np.flatnonzero(own != left_out)
        operator = _operators(gram, train[rows], train[columns])
        inner[:, rows[:, None], columns[None, :]] = operator
    return _Fold(test, train, _operators(gram, test, train), inner)


def _operators(gram: np.ndarray, test: np.ndarray, train: np.ndarray) -> np.ndarray:
    """From codes of the training words to predictions: [penalties, test, train]; ridge with an unpenalised mean."""
    count = len(train)
    own = gram[np.ix_(train, train)]
    mean = own.mean(axis=0)
    centred = own - mean - mean[:, None] + mean.mean()
    cross = gram[np.ix_(test, train)]
    cross = cross - cross.mean(axis=1, keepdims=True) - mean + mean.mean()
    size, directions = np.linalg.eigh(centred)
    unit = max(float(np.trace(centred)) / count, np.finfo(float).tiny)
    projected = cross @ directions
    centring = directions.T - directions.T.mean(axis=1, keepdims=True)
    shrunk = [1 / (np.maximum(size, 0) + penalty * unit) for penalty in PENALTIES]
    return np.array([(projected * weight) @ centring + 1 / count for weight in shrunk])


def _read_fold(fold: _Fold, codes: np.ndarray) -> np.ndarray:
    train = codes[fold.train]
    flat = train.reshape(len(train), -1)
    mean = train.mean(axis=0)
    fits = [_quality(operator @ flat, train, mean) for operator in fold.inner]
    information = np.array([fit[2] for fit in fits])
    best = information.argmax(axis=0)
    predicted = np.array([operator @ flat for operator in fold.outer]).reshape(len(PENALTIES), -1, *mean.shape)
    orders = np.arange(codes.shape[1])
    chosen = predicted[best, :, orders].transpose(1, 0, 2) - mean
    gain = np.array([fit[0] for fit in fits])[best, orders]
    weight = np.array([fit[1] for fit in fits])[best, orders]
    candidates = codes - mean
    scores = np.einsum("trc,nrc->trn", chosen * gain * weight, candidates, optimize=True)
    scores -= 0.5 * np.einsum("rc,nrc->rn", weight, candidates**2, optimize=True)
    return np.asarray(scores.argmax(axis=2))


def _quality(predicted: np.ndarray, codes: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gain [orders, c], weight [orders, c] and information [orders] of inner predictions."""
    guess, true = predicted.reshape(codes.shape) - mean, codes - mean
    square = (guess**2).mean(axis=0)
    gain = np.clip((guess * true).mean(axis=0) / np.maximum(square, np.finfo(float).tiny), 0, 2)
    variance = np.maximum((true**2).mean(axis=0), np.finfo(float).tiny)
    residual = np.maximum(((true - gain * guess) ** 2).mean(axis=0), _RESIDUAL_FLOOR * variance)
    weight = np.maximum(1 / residual - 1 / variance, 0)
    return gain, weight, np.maximum(np.log(variance / residual), 0).sum(axis=-1)


def permuted_orders(count: int, permutations: int, seed: int) -> np.ndarray:
    """The order as it is, then random ones: int64 [n, 1 + permutations]."""
    rng = generator(seed, "ordinals", "permutations", count)
    return np.column_stack([np.arange(count), *(rng.permutation(count) for _ in range(permutations))])


def exact(places: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Share of the words that are read correctly, for every order: float64 [orders]. Both int64 [n, orders]."""
    return np.asarray((places == read).mean(axis=0))


def rank_correlation(places: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Correlation of the places with those that are read, for every order; 0 where all readings are equal."""
    first, second = places - places.mean(axis=0), read - read.mean(axis=0)
    size = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    return np.asarray((first * second).sum(axis=0) / np.where(size > 0, size, 1))


def circular_agreement(places: np.ndarray, read: np.ndarray, size: int) -> np.ndarray:
    """Mean cosine of the error as an angle of a cycle of `size`, for every order: 1 is perfect, 0 is chance."""
    return np.asarray(np.cos(2 * np.pi * (places - read) / size).mean(axis=0))


def code_of(places: np.ndarray, size: int, cyclic: bool) -> np.ndarray:
    """The code of some places of a set: a circle or a line."""
    return circle_code(places, size) if cyclic else line_code(places, size)
