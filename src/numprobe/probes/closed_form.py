"""Probes in closed form: ridge regression of the states onto a code of the numbers.

One Cholesky factor of the states' second moments, for each inner training set and penalty, serves all codes and the
shuffled control. All waves of the Fourier code are solved for through the training VALUES, fewer than the waves: the
solutions for the sums of the states of each value, whose discrete Fourier transform, in the order of the labels, is the
solution for the waves of those labels; a control that permutes the labels costs one more transform.

Penalty, shrinkage and column weights come from predictions on inner groups of held-out VALUES, and these predictions
are needed only through their second moments, so that no row is read again: with p = (x - m)'w, the sum of p s over
held-out rows is w'c, the sum of p^2 is w'Gw. A weighted column with w'c <= 0 is dropped whatever w'Gw is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from operator import add

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.probes.algebra import (
    Array,
    column_products,
    columns_beside,
    columns_of_zeros,
    fetched,
    half_form,
    ridge_solver,
    right_hand_side,
    single,
    whole_form,
    write_waves,
)
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
# States of fewer components are so small a problem that nothing is won through the values.
_WIDE = 256
# Inner training sets whose solutions are kept in memory.
_REMEMBERED = 6

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted: a code, and which of its rows is the code of each value (int64 [N]; docs: controls)."""

    code: Code
    labels: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """The code of the label of each value, float64 [N, c]."""
        return np.asarray(self.code.matrix[self.labels])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.code.matrix.shape[1])

    @cached_property
    def places(self) -> np.ndarray | None:
        """The place of each value's label on the circle, int64 [N]; None if columns are not all waves, labels equal."""
        if self.code.places is None or len(np.unique(self.labels)) < len(self.labels):
            return None
        return np.asarray(self.code.places[self.labels])


def make_target(code: Code, labels: np.ndarray, minimum: int) -> Target:
    """The target where the label of the i-th value is labels[i]."""
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
    moments = make_moments(statistics, np.hstack([target.matrix for target in targets]), split)
    if any(_is_constant(moments, fold.train) for fold in folds):
        return None
    subspace = find_subspace(moments, _RANK_TOLERANCE, _LARGEST_SHARE)
    solver = _Solver(subspace.coordinates(moments) if subspace else moments, targets)
    # The fold of all values, which comes first, shares an inner training set with the last.
    found = {fold.name: _fit_fold(solver, fold) for fold in [*folds[1:], folds[0]]}
    return [
        {
            fold.name: _in_full(found[fold.name][index], subspace) if subspace else found[fold.name][index]
            for fold in folds
        }
        for index in range(len(targets))
    ]


def _in_full(tensors: Tensors, subspace: Subspace) -> Tensors:
    """Tensors for coordinates in a subspace as tensors for the states themselves."""
    mean = subspace.origin + subspace.basis @ tensors["mean"]
    return {**tensors, "mean": mean, "weight": (subspace.basis @ tensors["weight"]).astype(np.float32)}


def _is_constant(moments: Moments, blocks: Blocks) -> bool:
    centre = moments.centre(blocks)
    variance = moments.trace_about(blocks, centre) / centre.count
    return bool(variance <= CONSTANT_TOLERANCE * (variance + centre.state @ centre.state))


class _Solver:
    """Ridge problems of one layer. Neighbouring folds have inner training sets in common, which are solved once.

    Attributes
    ----------
    columns
        The columns of each target among those of all.
    through_values
        bool [c]: which columns are solved for through the training values.
    """

    def __init__(self, moments: Moments, targets: Sequence[Target]) -> None:
        self.moments, self.targets = moments, targets
        ends = np.cumsum([0, *(target.width for target in targets)]).tolist()
        self.columns = [slice(start, end) for start, end in pairwise(ends)]
        is_wide = moments.state_mean.shape[1] >= _WIDE
        self.places = [target.places if is_wide else None for target in targets]
        self.through_values = np.repeat([places is not None for places in self.places], np.diff(ends))
        self._made: dict[Blocks, _Ridge] = {}

    def ridge(self, blocks: Blocks) -> "_Ridge":
        key = tuple(sorted(blocks))
        if key not in self._made:
            while len(self._made) >= _REMEMBERED:
                del self._made[next(iter(self._made))]
            self._made[key] = _Ridge(self, key)
        return self._made[key]


class _Ridge:
    """The solutions on one training set, which are remembered, because the next fold may ask again."""

    def __init__(self, solver: _Solver, blocks: Blocks) -> None:
        self.solver, self._blocks, self._moments = solver, blocks, solver.moments
        self.centre = self._moments.centre(blocks)
        self.gram = self._moments.gram_about(blocks, self.centre)
        self.unit = float(self.gram.trace()) / self._moments.width
        self.constant = _is_constant(self._moments, blocks)
        self._solutions: dict[float, _Solutions] = {}

    @cached_property
    def cross(self) -> Array:
        """States times those target columns that are not solved for through the values."""
        columns = np.flatnonzero(~self.solver.through_values)
        return right_hand_side(self._moments.cross_about(self._blocks, self.centre, columns))

    @cached_property
    def values(self) -> tuple[np.ndarray, Array]:
        """The training values, int64 [n], and the sum of the states of each, float32 [d, n]."""
        return self._moments.present_in(self._blocks), self._moments.values_about(self._blocks, self.centre)

    def weights(self, penalties: Sequence[float]) -> Array:
        """Weights float32 [d, c] with a penalty for each target."""
        chosen = np.array(penalties)
        for penalty in np.unique(chosen).tolist():
            if penalty not in self._solutions:
                self._solutions[penalty] = _Solutions(self, penalty)
            self._solutions[penalty].solve(np.flatnonzero(chosen == penalty).tolist())
        if len(set(penalties)) == 1:
            return self._solutions[penalties[0]].weight
        columns = zip(penalties, self.solver.columns, strict=True)
        return columns_beside([self._solutions[penalty].weight[:, some] for penalty, some in columns])


class _Solutions:
    """The solutions on one training set with one penalty, from one factor that is made in float64.

    `weight` is float32 [d, c]; the columns of a target are there once it was asked for.
    """

    def __init__(self, ridge: _Ridge, penalty: float) -> None:
        self._ridge, self._penalty = ridge, penalty * ridge.unit
        self._solved: set[int] = set()
        self.weight = columns_of_zeros(ridge.gram, len(ridge.solver.through_values))

    @cached_property
    def _solver(self) -> Callable[[Array], Array]:
        return ridge_solver(self._ridge.gram, self._penalty, in_single=True)

    @cached_property
    def _by_value(self) -> Array:
        _, sums = self._ridge.values
        return self._solver(sums)

    def solve(self, targets: Sequence[int]) -> None:
        """Find the weights of some targets, unless all states are one vector."""
        missing = [index for index in targets if index not in self._solved]
        self._solved.update(missing)
        if missing and not self._ridge.constant:
            for index in missing:
                self._transform(index)
            self._solve_directly(missing)

    def _transform(self, target: int) -> None:
        places = self._ridge.solver.places[target]
        if places is not None:
            values, _ = self._ridge.values
            write_waves(self.weight[:, self._ridge.solver.columns[target]], self._by_value, places[values])

    def _solve_directly(self, targets: Sequence[int]) -> None:
        solver = self._ridge.solver
        asked = np.zeros(len(solver.through_values), dtype=bool)
        for index in targets:
            asked[solver.columns[index]] = solver.places[index] is None
        if asked.any():
            cross = self._ridge.cross[:, np.flatnonzero(asked[~solver.through_values])]
            self.weight[:, np.flatnonzero(asked)] = self._solver(cross)


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

    def products(self, weight: Array) -> np.ndarray:
        """The sum of p s for each column of weights [d, c], float64 [c]."""
        return column_products(weight, self._cross).astype(np.float64)

    def held_out(self, weight: Array, product: np.ndarray, needed: np.ndarray) -> _HeldOut:
        """What weights [d, c] predict here.

        Of the columns that are solved for through the values, most are of no use, and only those that are `needed`
        (bool [c]) have a square that is not null.
        """
        square = np.zeros_like(product)
        through_values = self.ridge.solver.through_values
        for columns, find in ((~through_values, whole_form), (through_values & needed, half_form)):
            if columns.any():
                square[columns] = find(self._gram, weight if columns.all() else weight[:, np.flatnonzero(columns)])
        return _HeldOut(self._count, product, square, self._target_square)


def _fit_fold(solver: _Solver, fold: Fold) -> list[Tensors]:
    groups = [_Group(solver, fold, group) for group in _usable_groups(solver.moments, fold)]
    sizes = [target.width for target in solver.targets]
    weighted = np.repeat([target.code.weighted for target in solver.targets], sizes)
    penalties = _choose_penalties(groups[0], weighted, sizes)
    held_out = _held_out(groups, penalties, weighted)
    gain = held_out.gain(weighted)
    precision = np.where(weighted, _precision(held_out, gain, int(solver.moments.values[list(fold.train)].sum())), 1.0)
    explained = np.where(precision > 0, np.log(held_out.variance / held_out.residual(gain)), 0.0) / 2
    training = _Training(solver.moments, fold.train)
    return [
        training.tensors(columns, penalty, gain, precision) | {"information": np.array([explained[columns].sum()])}
        for penalty, columns in zip(penalties, solver.columns, strict=True)
    ]


def _held_out(groups: Sequence[_Group], penalties: Sequence[float], weighted: np.ndarray) -> _HeldOut:
    """The sum over all inner groups at the penalty of each target."""
    weights = [group.ridge.weights(penalties) for group in groups]
    products = [group.products(weight) for group, weight in zip(groups, weights, strict=True)]
    parts = zip(groups, weights, products, strict=True)
    needed = ~weighted | (sum(products) > 0)
    return reduce(add, (group.held_out(weight, product, needed) for group, weight, product in parts))


def _usable_groups(moments: Moments, fold: Fold) -> list[Blocks]:
    """The inner groups that have rows and leave rows to train on."""
    rows = [float(moments.count[list(group)].sum()) for group in fold.inner]
    usable = [group for group, count in zip(fold.inner, rows, strict=True) if 0 < count < sum(rows)]
    if not usable:
        raise NumprobeError(
            f"fold {fold.name}: all training numbers are in one inner group; use fewer inner groups (split.inner)"
        )
    return usable


def _choose_penalties(group: _Group, weighted: np.ndarray, sizes: Sequence[int]) -> list[float]:
    """The penalty of each target that has the most Gaussian information on held-out values: sum of log(var / r) / 2.

    One inner group is enough: the choice is insensitive (halving or doubling the penalty changes little), while the
    weights of single columns need all groups.
    """
    starts = np.cumsum([0, *sizes[:-1]])
    information = []
    for penalty in PENALTIES:
        held_out = _held_out([group], [penalty] * len(sizes), weighted)
        residual = held_out.residual(held_out.gain(weighted))
        explained = np.maximum(0, np.log(held_out.variance / residual))
        information.append(np.add.reduceat(explained, starts))
    return [PENALTIES[chosen] for chosen in np.argmax(information, axis=0)]


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

    def tensors(self, columns: slice, penalty: float, gain: np.ndarray, precision: np.ndarray) -> Tensors:
        """The tensors of the target in the given columns."""
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
