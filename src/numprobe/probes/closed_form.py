"""Probes in closed form: ridge regression of the states onto a code of the numbers.

One Cholesky factor of the states' second moments, for each inner training set and penalty, serves all codes and the
shuffled control. Penalty, shrinkage and column weights come from predictions on inner groups of held-out VALUES, and
these predictions are needed only through their second moments, so that no row is read again: with p = (x - m)'w, the
sum of p s over held-out rows is w'c, the sum of p^2 is w'Gw.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.probes.algebra import Array, column_products, fetched, ridge_solver, right_hand_side, single, zeros_like
from numprobe.probes.codes import Code
from numprobe.probes.moments import Blocks, Moments, Subspace, find_subspace, make_moments
from numprobe.probes.statistics import Statistics
from numprobe.splits import Fold, Split

#: Penalties to choose from, in units of the mean eigenvalue of the training states.
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
# Directions in which states vary by less than this share of the largest variance are rounding noise.
_RANK_TOLERANCE = 1e-10
#: States whose variance is below this share of their mean square are one vector, up to float32 rounding.
CONSTANT_TOLERANCE = 1e-12
# In a subspace of at most this share of all dimensions the fit is so much cheaper that going there and back pays.
_LARGEST_SHARE = 0.75
# A column cannot count as predicted more exactly than this share of its variance.
_RESIDUAL_FLOOR = 1e-6
_LARGEST_GAIN = 2.0
_CHI_SQUARED_95 = 3.84
# Inner training sets whose solutions are kept in memory.
_REMEMBERED = 6

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted: a code, and the code of the label of each value (float64 [N, c]; docs: controls)."""

    code: Code
    matrix: np.ndarray


def make_target(code: Code, labels: np.ndarray, minimum: int) -> Target:
    """The target where the label of the i-th value is labels[i]."""
    return Target(code, code.matrix[labels - minimum])


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
    moments = make_moments(statistics, np.hstack([target.matrix for target in targets]), split)
    if any(_is_constant(moments, fold.train) for fold in folds):
        return None
    subspace = find_subspace(moments, _RANK_TOLERANCE, _LARGEST_SHARE)
    solver = _Solver(subspace.coordinates(moments) if subspace else moments)
    fitted: list[dict[str, Tensors]] = [{} for _ in targets]
    for fold in folds:
        for result, tensors in zip(fitted, _fit_fold(solver, fold, targets), strict=True):
            result[fold.name] = _in_full(tensors, subspace) if subspace else tensors
    return fitted


def _in_full(tensors: Tensors, subspace: Subspace) -> Tensors:
    """Tensors for coordinates in a subspace as tensors for the states themselves."""
    mean = subspace.origin + subspace.basis @ tensors["mean"]
    return {**tensors, "mean": mean, "weight": (subspace.basis @ tensors["weight"]).astype(np.float32)}


def _is_constant(moments: Moments, blocks: Blocks) -> bool:
    centre = moments.centre(blocks)
    variance = moments.trace_about(blocks, centre) / centre.count
    return bool(variance <= CONSTANT_TOLERANCE * (variance + centre.state @ centre.state))


class _Ridge:
    """The solutions on one training set: float32 weights, from factors that are made in float64."""

    def __init__(self, moments: Moments, blocks: Blocks) -> None:
        self.centre = moments.centre(blocks)
        self._gram = moments.gram_about(blocks, self.centre)
        self._unit = float(self._gram.trace()) / moments.width
        self._cross = right_hand_side(moments.cross_about(blocks, self.centre))
        self._constant = _is_constant(moments, blocks)
        self._solved: dict[float, Array] = {}

    def solution(self, penalty: float) -> Array:
        """Weights [d, c] with one penalty for all columns; remembered, because the next fold may ask again."""
        if penalty not in self._solved:
            self._solved[penalty] = self._solve(penalty, slice(None))
        return self._solved[penalty]

    def mixed_solution(self, penalties: np.ndarray) -> Array:
        """Weights [d, c] with a penalty for each column."""
        weight = zeros_like(self._cross)
        for penalty in np.unique(penalties):
            columns = np.flatnonzero(penalties == penalty)
            known = self._solved.get(float(penalty))
            weight[:, columns] = self._solve(penalty, columns) if known is None else known[:, columns]
        return weight

    def _solve(self, penalty: float, columns: np.ndarray | slice) -> Array:
        if self._constant:
            return zeros_like(self._cross[:, columns])
        return ridge_solver(self._gram, penalty * self._unit, in_single=True)(self._cross[:, columns])


class _Solver:
    """Ridge problems of one layer. Neighbouring folds have inner training sets in common, which are solved once."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        self._made: dict[Blocks, _Ridge] = {}

    def ridge(self, blocks: Blocks) -> _Ridge:
        key = tuple(sorted(blocks))
        if key not in self._made:
            while len(self._made) >= _REMEMBERED:
                del self._made[next(iter(self._made))]
            self._made[key] = _Ridge(self.moments, key)
        return self._made[key]


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Second moments of predictions p and targets s over `count` held-out rows, each float64 [c].

    `product` is the sum of p s, `square` of p^2, `target_square` of s^2, all about the training means.
    """

    count: float
    product: np.ndarray
    square: np.ndarray
    target_square: np.ndarray

    def __add__(self, other: "_HeldOut") -> "_HeldOut":
        return _HeldOut(
            self.count + other.count,
            self.product + other.product,
            self.square + other.square,
            self.target_square + other.target_square,
        )

    @property
    def variance(self) -> np.ndarray:
        """Of each target column, about the training mean; positive also for a digit that no row has."""
        return np.asarray(np.maximum(self.target_square / self.count, np.finfo(np.float32).tiny))

    def gain(self, weighted: np.ndarray) -> np.ndarray:
        """The factor by which each column's prediction comes closest to it; 1 for columns that are not weighted."""
        best = np.divide(self.product, self.square, where=self.square > 0, out=np.zeros_like(self.product))
        return np.asarray(np.where(weighted, best.clip(0, _LARGEST_GAIN), 1.0))

    def residual(self, gain: np.ndarray) -> np.ndarray:
        """The variance that predictions times `gain` leave."""
        left = self.variance + (gain**2 * self.square - 2 * gain * self.product) / self.count
        return np.asarray(np.maximum(left, _RESIDUAL_FLOOR * self.variance))


class _Group:
    """An inner group of held-out values, about the means of the rows that train without it."""

    def __init__(self, solver: _Solver, fold: Fold, group: Blocks) -> None:
        moments = solver.moments
        self.ridge = solver.ridge(tuple(block for block in fold.train if block not in group))
        centre = self.ridge.centre
        self._cross = right_hand_side(moments.cross_about(group, centre))
        self._gram = single(moments.gram_about(group, centre))
        self._target_square = moments.target_square_about(group, centre)
        self._count = float(moments.count[list(group)].sum())

    def held_out(self, weight: Array) -> _HeldOut:
        """What weights [d, c] predict here."""
        product = column_products(weight, self._cross)
        square = column_products(weight, self._gram @ weight)
        return _HeldOut(self._count, product.astype(np.float64), square.astype(np.float64), self._target_square)


def _fit_fold(solver: _Solver, fold: Fold, targets: Sequence[Target]) -> list[Tensors]:
    groups = [_Group(solver, fold, group) for group in _usable_groups(solver.moments, fold)]
    sizes = [target.matrix.shape[1] for target in targets]
    weighted = np.repeat([target.code.weighted for target in targets], sizes)
    chosen, first = _choose_penalties(groups[0], weighted, sizes)
    penalties = np.array(PENALTIES)[chosen]
    by_column = np.repeat(penalties, sizes)
    held_out = sum((group.held_out(group.ridge.mixed_solution(by_column)) for group in groups[1:]), first)
    gain = held_out.gain(weighted)
    precision = np.where(weighted, _precision(held_out, gain, int(solver.moments.values[list(fold.train)].sum())), 1.0)
    explained = np.where(precision > 0, np.log(held_out.variance / held_out.residual(gain)), 0.0) / 2
    training = _Training(solver.moments, fold.train)
    ends = np.cumsum(sizes)
    return [
        training.tensors(np.arange(end - size, end), float(penalty), gain, precision)
        | {"information": np.array([explained[end - size : end].sum()])}
        for penalty, size, end in zip(penalties, sizes, ends, strict=True)
    ]


def _usable_groups(moments: Moments, fold: Fold) -> list[Blocks]:
    """The inner groups that have rows and leave rows to train on."""
    rows = [float(moments.count[list(group)].sum()) for group in fold.inner]
    usable = [group for group, count in zip(fold.inner, rows, strict=True) if 0 < count < sum(rows)]
    if not usable:
        raise NumprobeError(
            f"fold {fold.name}: all training numbers are in one inner group; use fewer inner groups (split.inner)"
        )
    return usable


def _choose_penalties(group: _Group, weighted: np.ndarray, sizes: Sequence[int]) -> tuple[np.ndarray, _HeldOut]:
    """Per target, which penalty has the most Gaussian information on held-out values: sum of log(var / r) / 2.

    One inner group is enough: the choice is insensitive (halving or doubling the penalty changes little), while the
    weights of single columns need all groups. Its predictions at the chosen penalties come with the choice.
    """
    starts = np.cumsum([0, *sizes[:-1]])
    tried = [group.held_out(group.ridge.solution(penalty)) for penalty in PENALTIES]
    information = []
    for held_out in tried:
        residual = held_out.residual(held_out.gain(weighted))
        explained = np.maximum(0, np.log(held_out.variance / residual))
        information.append(np.add.reduceat(explained, starts))
    chosen = np.argmax(information, axis=0)
    column = np.repeat(chosen, sizes)
    product = np.choose(column, [held_out.product for held_out in tried])
    square = np.choose(column, [held_out.square for held_out in tried])
    return chosen, replace(tried[0], product=product, square=square)


def _precision(held_out: _HeldOut, gain: np.ndarray, values: int) -> np.ndarray:
    """The weight 1/r - 1/var of each column; 0 where its prediction is no better than chance.

    Chance: the share of variance that one fitted gain explains in `values` independent values is chi-squared / values.
    """
    residual, variance = held_out.residual(gain), held_out.variance
    better = 1 - residual / variance > _CHI_SQUARED_95 / values
    return np.asarray(np.where(better, 1 / residual - 1 / variance, 0.0))


class _Training:
    """All rows that train a fold; only the columns that are kept are solved for."""

    def __init__(self, moments: Moments, blocks: Blocks) -> None:
        self._moments, self._blocks = moments, blocks
        self._centre = moments.centre(blocks)
        self._gram = moments.gram_about(blocks, self._centre)
        self._unit = float(self._gram.trace()) / moments.width
        self._solvers: dict[float, Callable[[Array], Array]] = {}

    def _solution(self, penalty: float, cross: Array) -> np.ndarray:
        """Ridge weights float64 [d, columns]; targets with the same penalty share the factorisation."""
        if penalty not in self._solvers:
            self._solvers[penalty] = ridge_solver(self._gram, penalty * self._unit, in_single=False)
        return fetched(self._solvers[penalty](cross))

    def tensors(self, columns: np.ndarray, penalty: float, gain: np.ndarray, precision: np.ndarray) -> Tensors:
        """The tensors of the target in the given columns."""
        kept = columns[precision[columns] > 0]
        cross = self._moments.cross_about(self._blocks, self._centre, kept)
        weight = self._solution(penalty, cross)
        scale = np.sqrt(self._unit / self._centre.count)
        return {
            "mean": self._centre.state,
            "scale": np.array([scale]),
            "weight": (weight * (gain[kept] * scale)).astype(np.float32),
            "columns": (kept - columns[0]).astype(np.int32),
            "precision": precision[kept].astype(np.float32),
            "target_mean": self._centre.target[kept].astype(np.float32),
            "penalty": np.array([penalty]),
        }
