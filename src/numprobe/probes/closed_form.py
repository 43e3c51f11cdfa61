"""Probes in closed form: ridge regression of the states onto a code of the numbers.

One Cholesky factor of the states' second moments, for each inner training set and penalty, serves all codes and the
shuffled control. Penalty, shrinkage and column weights come from predictions on inner groups of held-out VALUES, and
these predictions are needed only through their second moments, so that no row is read again: with p = (x - m)'w, the
sum of p s over held-out rows is w'c, the sum of p^2 is w'Gw. A wave with w'c <= 0 is dropped whatever w'Gw is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.probes.algebra import (
    Array,
    Factor,
    column_products,
    columns_first,
    fetched,
    half_form,
    half_of,
    ridge_factor,
    rows_first,
    single,
)
from numprobe.probes.codes import Code
from numprobe.probes.moments import Blocks, Moments, Subspace, find_subspace, make_moments
from numprobe.probes.solutions import Part, Ridges, consecutive, make_parts
from numprobe.probes.statistics import Statistics
from numprobe.splits import Fold, Split

#: Penalties to choose from, in units of the mean eigenvalue of the training states.
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
# Directions in which states vary by less than this share of the largest variance are rounding noise.
_RANK_TOLERANCE = 1e-10
# In a subspace of at most this share of all dimensions, the cheaper fit pays for the change of basis.
_LARGEST_SHARE = 0.75
# Lower bound of a column's residual, as a share of its variance.
_RESIDUAL_FLOOR = 1e-6
_LARGEST_GAIN = 2.0
_CHI_SQUARED_95 = 3.84
# For states of fewer components, solving through the values gains nothing.
_WIDE = 256

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Target:
    """A code to predict, and the row of it that each value is to have (int64 [N]; docs: controls)."""

    code: Code
    labels: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """The code of the label of each value, float64 [N, c]."""
        return np.asarray(self.code.matrix[self.labels])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.code.matrix.shape[1])

    @cached_property
    def places(self) -> np.ndarray | None:
        """Places of the values' labels on the circle, int64 [N]; None unless all columns are waves, labels unique."""
        if self.code.places is None or len(np.unique(self.labels)) < len(self.labels):
            return None
        return np.asarray(self.code.places[self.labels])


def make_target(code: Code, labels: np.ndarray, minimum: int) -> Target:
    """Return the target in which the label of the i-th value is labels[i]."""
    return Target(code, labels - minimum)


def fit_layer(
    statistics: Statistics, split: Split, targets: Sequence[Target], folds: Sequence[Fold]
) -> list[dict[str, Tensors]] | None:
    """Fit every target on every fold of one layer.

    Parameters
    ----------
    statistics
        Of the layer's training rows.
    split
        Assigns values to blocks.
    targets
        Codes, with or without permuted labels; they share all decompositions.
    folds
        Which blocks train, and the inner groups that choose penalty, shrinkage and weights.

    Returns
    -------
    Per target, fold name -> tensors of `numprobe.probes.probe.Probe`; None if the states are constant.

    Raises
    ------
    NumprobeError
        If all training numbers of a fold are in one inner group.

    Cost: per inner training set and penalty one factor (d^3 / 6 multiplications), and 2 d^2 for each target column.
    """
    through_values = [target.places is not None and statistics.value_sum.shape[1] >= _WIDE for target in targets]
    # Targets that are solved for directly are adjacent: one matrix without copies.
    order = np.argsort(np.logical_not(through_values), kind="stable").tolist()
    ordered = [targets[index] for index in order]
    moments = make_moments(statistics, np.hstack([target.matrix for target in ordered]), split)
    if any(moments.is_constant(fold.train) for fold in folds):
        return None
    subspace = find_subspace(moments, _RANK_TOLERANCE, _LARGEST_SHARE)
    places = [target.places for target in ordered[: sum(through_values)]]
    parts = make_parts([target.width for target in ordered], [one for one in places if one is not None])
    ridges = Ridges(subspace.coordinates(moments) if subspace else moments, parts)
    # The fold of all values, which comes first, shares an inner training set with the last.
    found = {fold.name: _fit_fold(ridges, fold, ordered) for fold in [*folds[1:], folds[0]]}
    if subspace:
        found = {name: [_in_full(tensors, subspace) for tensors in fitted] for name, fitted in found.items()}
    return [{fold.name: found[fold.name][order.index(index)] for fold in folds} for index in range(len(targets))]


def _in_full(tensors: Tensors, subspace: Subspace) -> Tensors:
    """Convert tensors for coordinates in a subspace to tensors for the states themselves."""
    mean = subspace.origin + subspace.basis @ tensors["mean"]
    return {**tensors, "mean": mean, "weight": (subspace.basis @ tensors["weight"]).astype(np.float32)}


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Second moments of predictions p and targets s over `count` held-out rows, each float64 [c].

    `product` is the sum of p s, `square` of p^2, `target_square` of s^2, all about the training means.
    """

    count: float
    product: np.ndarray
    square: np.ndarray
    target_square: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Variance of each target column about the training mean; positive even for a digit that no row has."""
        return np.asarray(np.maximum(self.target_square / self.count, np.finfo(np.float32).tiny))

    def gain(self, weighted: np.ndarray) -> np.ndarray:
        """Return the factor that brings each column's prediction closest to it; 1 for columns that are not weighted."""
        best = np.divide(self.product, self.square, where=self.square > 0, out=np.zeros_like(self.product))
        return np.asarray(np.where(weighted, best.clip(0, _LARGEST_GAIN), 1.0))

    def residual(self, gain: np.ndarray) -> np.ndarray:
        """Return the variance that predictions times `gain` leave unexplained."""
        left = self.variance + (gain**2 * self.square - 2 * gain * self.product) / self.count
        return np.asarray(np.maximum(left, _RESIDUAL_FLOOR * self.variance))


class _Group:
    """Moments of an inner group of held-out values, about the means of the rows that train without it."""

    def __init__(self, ridges: Ridges, fold: Fold, group: Blocks) -> None:
        moments = ridges.moments
        self._ridge = ridges.on(tuple(block for block in fold.train if block not in group))
        centre = self._ridge.centre
        self._cross = {}
        for part in ridges.parts:
            in_order = columns_first if part.places is None else rows_first
            self._cross[part.targets] = in_order(moments.cross_about(group, centre, part.columns))
        self._gram = single(moments.gram_about(group, centre))
        self._half = half_of(self._gram)
        self._squares: dict[tuple[tuple[int, ...], float], np.ndarray] = {}
        self.target_square = moments.target_square_about(group, centre)
        self.count = float(moments.count[list(group)].sum())

    def weights(self, part: Part, penalties: Sequence[float]) -> Array:
        """Return the weights [d, columns of the part] for the penalty of each target."""
        return self._ridge.weights(part, penalties)

    def products(self, part: Part, weights: Array) -> np.ndarray:
        """Return the sum of p s for each column of the part, float64 [columns]."""
        return column_products(weights, self._cross[part.targets]).astype(np.float64)

    def squares(self, weights: Array) -> np.ndarray:
        """Return the sum of p^2 for each column of the part, float64 [columns]."""
        return column_products(weights, self._gram @ weights).astype(np.float64)

    def squares_where(self, needed: np.ndarray, part: Part, penalty: float, weights: Array) -> np.ndarray:
        """Return the same for one target, null where it is not needed (bool [columns]); cached for each penalty."""
        known = self._squares.setdefault((part.targets, penalty), np.full(len(needed), np.nan))
        missing = np.flatnonzero(needed & np.isnan(known))
        if len(missing):
            known[missing] = half_form(self._half, weights[:, missing])
        return np.where(needed, known, 0.0)


def _fit_fold(ridges: Ridges, fold: Fold, targets: Sequence[Target]) -> list[Tensors]:
    moments = ridges.moments
    groups = [_Group(ridges, fold, group) for group in _usable_groups(moments, fold)]
    sizes = [target.width for target in targets]
    weighted = np.repeat([target.code.weighted for target in targets], sizes)
    penalties = _choose_penalties(groups[0], ridges.parts, weighted, sizes)
    # Chance: one fitted gain explains a chi-squared / n share of the variance of n independent values.
    chance = _CHI_SQUARED_95 / int(moments.values[list(fold.train)].sum())
    held_out = _held_out(groups, ridges.parts, penalties, chance)
    gain = held_out.gain(weighted)
    precision = np.where(weighted, _precision(held_out, gain, chance), 1.0)
    explained = np.where(precision > 0, np.log(held_out.variance / held_out.residual(gain)), 0.0) / 2
    training = _Training(moments, fold.train)
    return [
        training.tensors(columns, penalty, gain, precision) | {"information": np.array([explained[columns].sum()])}
        for penalty, columns in zip(penalties, consecutive(sizes), strict=True)
    ]


def _held_out(
    groups: Sequence[_Group], parts: Sequence[Part], penalties: Sequence[float], chance: float = 0.0
) -> _HeldOut:
    """Return the sums over inner groups at the penalty of each target; null for waves no better than chance."""
    target_square = reduce(add, (group.target_square for group in groups))
    product, square = np.empty_like(target_square), np.empty_like(target_square)
    for part in parts:
        weights = [group.weights(part, penalties) for group in groups]
        each = list(zip(groups, weights, strict=True))
        found = reduce(add, (group.products(part, some) for group, some in each))
        if part.places is None:
            squares = reduce(add, (group.squares(some) for group, some in each))
        else:
            squares = np.zeros_like(found)
            for group, some in each:
                # A wave explains product^2 / (square target_square) at most, and squares only grow.
                found[found**2 <= chance * squares * target_square[part.columns]] = 0.0
                squares += group.squares_where(found > 0, part, penalties[part.targets[0]], some)
        product[part.columns], square[part.columns] = found, squares
    return _HeldOut(sum(group.count for group in groups), product, square, target_square)


def _usable_groups(moments: Moments, fold: Fold) -> list[Blocks]:
    """Return the inner groups that have rows and leave rows to train on."""
    rows = [float(moments.count[list(group)].sum()) for group in fold.inner]
    usable = [group for group, count in zip(fold.inner, rows, strict=True) if 0 < count < sum(rows)]
    if not usable:
        raise NumprobeError(
            f"fold {fold.name}: all training numbers are in one inner group; use fewer inner groups (split.inner)"
        )
    return usable


def _choose_penalties(group: _Group, parts: Sequence[Part], weighted: np.ndarray, sizes: Sequence[int]) -> list[float]:
    """Return the penalty of each target with the most Gaussian information on held-out values, sum log(var / r) / 2.

    One inner group is enough: the choice is insensitive (halving or doubling the penalty changes little), while the
    weights of single columns need all groups.
    """
    starts = np.cumsum([0, *sizes[:-1]])
    information = []
    for penalty in PENALTIES:
        held_out = _held_out([group], parts, [penalty] * len(sizes))
        residual = held_out.residual(held_out.gain(weighted))
        explained = np.maximum(0, np.log(held_out.variance / residual))
        information.append(np.add.reduceat(explained, starts))
    return [PENALTIES[chosen] for chosen in np.argmax(information, axis=0)]


def _precision(held_out: _HeldOut, gain: np.ndarray, chance: float) -> np.ndarray:
    """Return the weight 1/r - 1/var of each column; 0 where its prediction explains no more variance than chance."""
    residual, variance = held_out.residual(gain), held_out.variance
    better = 1 - residual / variance > chance
    return np.asarray(np.where(better, 1 / residual - 1 / variance, 0.0))


class _Training:
    """The final fit of a fold on all of its training rows, for the columns that are kept."""

    def __init__(self, moments: Moments, blocks: Blocks) -> None:
        self._moments, self._blocks = moments, blocks
        self._centre = moments.centre(blocks)
        self._gram = columns_first(moments.gram_about(blocks, self._centre))
        self._unit = float(self._gram.trace()) / moments.width
        self._factors: dict[float, Factor] = {}

    def _solution(self, penalty: float, cross: Array) -> np.ndarray:
        """Return ridge weights, float64 [d, columns]; targets with the same penalty share the factorisation."""
        if penalty not in self._factors:
            self._factors[penalty] = ridge_factor(self._gram, penalty * self._unit, in_single=False)
        return fetched(self._factors[penalty].solve(cross))

    def tensors(self, columns: slice, penalty: float, gain: np.ndarray, precision: np.ndarray) -> Tensors:
        """Return the tensors of the target in the given columns."""
        kept = columns.start + np.flatnonzero(precision[columns] > 0)
        cross = self._moments.cross_about(self._blocks, self._centre, kept)
        weight = self._solution(penalty, cross)
        scale = np.sqrt(self._unit / self._centre.count)
        return {
            "mean": self._centre.state,
            "scale": np.array([scale]),
            "weight": (weight * (gain[kept] * scale)).astype(np.float32),
            "columns": (kept - columns.start).astype(np.int32),
            "precision": precision[kept].astype(np.float32),
            "target_mean": self._centre.target[kept].astype(np.float32),
            "penalty": np.array([penalty]),
        }
