"""One code of the numbers for all models, learned without the model that is read.

A code is a choice of columns of the Fourier code with a precision for each. It is learned from how well other models
predict every column on held-out values. What is fitted on the target model is a linear map alone: ridge regression of
its states onto the columns of the code. One state per number, at most N rows, so that rows are decomposed themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.splits import Fold, Split

#: Penalties to choose from, in units of the mean eigenvalue of the training states.
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
# Directions in which training states vary by less than this share of the largest standard deviation are rounding noise.
_RANK_TOLERANCE = 1e-5
# A column cannot count as predicted more exactly than this share of its variance.
_RESIDUAL_FLOOR = 1e-6
_LARGEST_GAIN = 2.0
_CHI_SQUARED_95 = 3.84


@dataclass(frozen=True, eq=False)
class Numbers:
    """The states of some numbers: `states` [n, d], floating point, and `values` int64 [n], all different."""

    states: np.ndarray
    values: np.ndarray

    @property
    def constant(self) -> bool:
        """Return whether all states are one vector, so that there is nothing to read."""
        return bool(np.ptp(self.states, axis=0).max() == 0)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Fit of each column on held-out values: means over the values, float64 [c] each.

    Attributes
    ----------
    product, square, variance
        Of prediction times column, of the prediction squared, and of the column squared; all about the training means.
    values
        How many held-out values there were.
    """

    product: np.ndarray
    square: np.ndarray
    variance: np.ndarray
    values: int

    @property
    def explained(self) -> np.ndarray:
        """Return the explained share of each column's variance; the best gain (0 to 2) scales the prediction."""
        best = np.divide(self.product, self.square, where=self.square > 0, out=np.zeros_like(self.product))
        gain = best.clip(0, _LARGEST_GAIN)
        left = self.variance + gain**2 * self.square - 2 * gain * self.product
        return np.asarray(1 - np.maximum(left / self.variance, _RESIDUAL_FLOOR))

    @property
    def residual(self) -> np.ndarray:
        """Return the mean square of column minus prediction."""
        return np.asarray(self.variance + self.square - 2 * self.product)


@dataclass(frozen=True, eq=False)
class NumberCode:
    """The columns that count, int64 [k], and the precision with which each does, float64 [k], all positive."""

    columns: np.ndarray
    precision: np.ndarray


def pool(parts: Sequence[Evidence]) -> Evidence:
    """Return the evidence of several states or models, each counting the same; `values` is that of the smallest."""
    return Evidence(
        product=np.mean([part.product for part in parts], axis=0),
        square=np.mean([part.square for part in parts], axis=0),
        variance=np.mean([part.variance for part in parts], axis=0),
        values=min(part.values for part in parts),
    )


def learn_code(evidence: Evidence) -> NumberCode:
    """Return the columns that are predicted better than chance, with precision 1 / residual variance - 1 / variance.

    Chance as for the probe `fourier` (docs/probes.md): 3.84 / number of values. If no column is, the best one counts.
    """
    explained = evidence.explained
    better = explained > _CHI_SQUARED_95 / evidence.values
    if not better.any():
        better = np.arange(len(explained)) == explained.argmax()
    columns = np.flatnonzero(better)
    kept = np.maximum(explained[columns], _RESIDUAL_FLOOR)
    return NumberCode(columns, kept / (1 - kept) / evidence.variance[columns])


def reassign(code: NumberCode, ranking: np.ndarray) -> NumberCode:
    """Return the same precisions on other columns: the largest on the first of `ranking` (int [c]), and so on."""
    return NumberCode(ranking[: len(code.columns)], np.sort(code.precision)[::-1])


@dataclass(frozen=True, eq=False)
class _Rows:
    """Training rows as left @ diag(size) @ directions', other rows along the same directions (`held`)."""

    train: np.ndarray
    test: np.ndarray
    left: np.ndarray
    size: np.ndarray
    held: np.ndarray
    unit: float


class HalfReader:
    """Reads the other half of one model's numbers with maps that are fitted on this half.

    Parameters
    ----------
    numbers
        One state of every number that the model has as a single token.
    targets
        float64 [N, c]: all columns of the code, for the label of each value.
    split, fold
        Which values train, and their inner groups.

    Raises
    ------
    NumprobeError
        If a half has too few values to choose a penalty on.
    """

    def __init__(self, numbers: Numbers, targets: np.ndarray, split: Split, fold: Fold) -> None:
        self._numbers = numbers
        self._labels = targets[numbers.values - split.minimum]
        self._targets = targets
        block = split.block_of(numbers.values)
        self._train = np.isin(block, fold.train)
        self._test = np.isin(block, fold.test)
        self._groups = [np.isin(block, group) for group in fold.inner]
        if not self._test.any() or not all(0 < group.sum() < self._train.sum() - 1 for group in self._groups):
            raise NumprobeError(
                f"{len(numbers.values)} numbers are too few for halves with inner groups: "
                "leave the model out of the experiment"
            )

    @cached_property
    def evidence(self) -> Mapping[float, Evidence]:
        """Return the evidence on inner held-out values for each penalty."""
        groups = [_decompose(self._numbers, self._train & ~group, group) for group in self._groups]
        parts = [_held_out(rows, self._labels) for rows in groups]
        count = sum(len(rows.test) for rows in groups)
        sums = {penalty: np.sum([part[penalty] for part in parts], axis=0) / count for penalty in PENALTIES}
        floor = np.finfo(np.float32).tiny
        return {p: Evidence(total[0], total[1], np.maximum(total[2], floor), count) for p, total in sums.items()}

    @property
    def best_evidence(self) -> Evidence:
        """Return the evidence at the penalty with the most Gaussian information on held-out values."""
        return max(self.evidence.values(), key=lambda evidence: -np.log1p(-evidence.explained).sum())

    @property
    def tested(self) -> np.ndarray:
        """Return the values of the other half, int64."""
        return self._numbers.values[self._test]

    def read(self, code: NumberCode, minimum: int) -> np.ndarray:
        """Return the number, out of all candidates, that is read in each state of the other half: int64.

        Only the map is fitted, with the penalty that leaves the smallest residual, weighted by the code's precisions,
        on inner held-out values. Score of n: sum_j w_j (p_j S_nj - S_nj^2 / 2), the Gaussian likelihood of the code.
        """
        penalty = self._penalty(code)
        mean = self._labels[self._train].mean(axis=0)
        classes = (self._targets - mean)[:, code.columns]
        weighted = classes * code.precision
        bias = -0.5 * np.einsum("ij,ij->i", weighted, classes)
        predicted = self._predictions[penalty][:, code.columns]
        scores = predicted @ weighted.T.astype(np.float32) + bias.astype(np.float32)
        return np.asarray(minimum + scores.argmax(axis=1))

    def _penalty(self, code: NumberCode) -> float:
        loss = {p: float(code.precision @ evidence.residual[code.columns]) for p, evidence in self.evidence.items()}
        return min(loss, key=lambda penalty: loss[penalty])

    @cached_property
    def _predictions(self) -> dict[float, np.ndarray]:
        """Return predictions of all columns for the other half about the training means, by penalty: float32 [n, c]."""
        rows = _decompose(self._numbers, self._train, self._test)
        return dict(_predict(rows, self._labels)[0])


def _decompose(numbers: Numbers, train: np.ndarray, test: np.ndarray) -> _Rows:
    states = numbers.states.astype(np.float64)
    centre = states[train].mean(axis=0)
    left, size, directions = np.linalg.svd(states[train] - centre, full_matrices=False)
    kept = size > _RANK_TOLERANCE * size[0]
    held = (states[test] - centre) @ directions[kept].T
    return _Rows(
        np.flatnonzero(train),
        np.flatnonzero(test),
        left[:, kept].astype(np.float32),
        size[kept],
        held.astype(np.float32),
        float((size**2).sum()) / states.shape[1],
    )


def _predict(rows: _Rows, labels: np.ndarray) -> tuple[dict[float, np.ndarray], np.ndarray]:
    """Return predictions for the held rows about the training mean [n, c], by penalty, and that mean [c]."""
    mean = labels[rows.train].mean(axis=0)
    rotated = rows.left.T @ (labels[rows.train] - mean).astype(np.float32)
    shrunk = {penalty: rows.size / (rows.size**2 + penalty * rows.unit) for penalty in PENALTIES}
    return {p: (rows.held * factor.astype(np.float32)) @ rotated for p, factor in shrunk.items()}, mean


def _held_out(rows: _Rows, labels: np.ndarray) -> dict[float, np.ndarray]:
    """Return sums over the held rows of product, square and variance, by penalty: float64 [3, c]."""
    predictions, mean = _predict(rows, labels)
    true = (labels[rows.test] - mean).astype(np.float32)
    variance = np.einsum("ij,ij->j", true, true)
    return {
        penalty: np.array(
            [np.einsum("ij,ij->j", found, true), np.einsum("ij,ij->j", found, found), variance], dtype=np.float64
        )
        for penalty, found in predictions.items()
    }
