"""Ridge solutions of one layer on any training set and with any penalty, each computed once.

The target columns are divided into parts. A part with all waves of some labels is solved for through the training
VALUES, which are fewer: the discrete Fourier transform of the solutions for each value's sum of states, in the order of
the labels, is the solution for the waves, so a control that permutes the labels costs one more transform. All other
columns form one part that is solved for directly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from numprobe.probes.algebra import Array, Factor, all_waves, columns_first, ridge_factor, rows_first, zeros
from numprobe.probes.moments import Blocks, Moments

# Number of inner training sets with solutions in memory: those of a fold and one of the next.
_REMEMBERED = 4


@dataclass(frozen=True, eq=False)
class Part:
    """Target columns that are solved for together.

    Attributes
    ----------
    targets
        Indices of the targets.
    columns
        Their columns among those of all targets.
    within
        The columns of each target in the part.
    places
        For a part with all waves: the place of each value's label on the circle, int64 [N].
    """

    targets: tuple[int, ...]
    columns: slice
    within: tuple[slice, ...]
    places: np.ndarray | None = None


def make_parts(widths: Sequence[int], places: Sequence[np.ndarray]) -> list[Part]:
    """Divide targets with the given numbers of columns into parts; the first targets, with places, each form one."""
    columns = consecutive(widths)
    waves = [Part((i,), columns[i], (slice(0, widths[i]),), one) for i, one in enumerate(places)]
    rest = range(len(places), len(widths))
    if not rest:
        return waves
    within = consecutive([widths[index] for index in rest])
    return [*waves, Part(tuple(rest), slice(columns[rest[0]].start, columns[-1].stop), tuple(within))]


def consecutive(widths: Sequence[int]) -> list[slice]:
    """Return the columns of each of several matrices side by side."""
    return [slice(start, end) for start, end in pairwise(np.cumsum([0, *widths]).tolist())]


class Ridges:
    """The ridge problems of one layer by training set. Neighbouring folds share some."""

    def __init__(self, moments: Moments, parts: Sequence[Part]) -> None:
        self.moments, self.parts = moments, parts
        self._made: dict[Blocks, Ridge] = {}

    def on(self, blocks: Blocks) -> "Ridge":
        """Return the ridge problems of some training blocks."""
        key = tuple(sorted(blocks))
        found = self._made.pop(key, None) or Ridge(self.moments, key)
        while len(self._made) >= _REMEMBERED:
            del self._made[next(iter(self._made))]
        self._made[key] = found
        return found


class Ridge:
    """The ridge problems of one training set: float32 weights from factors that are computed in float64."""

    def __init__(self, moments: Moments, blocks: Blocks) -> None:
        self.moments, self.blocks = moments, blocks
        self.centre = moments.centre(blocks)
        self.gram = columns_first(moments.gram_about(blocks, self.centre))
        self.unit = float(self.gram.trace()) / moments.width
        self.is_constant = moments.is_constant(blocks)
        self._cross: dict[tuple[int, ...], Array] = {}
        self._solutions: dict[float, _Solutions] = {}

    def weights(self, part: Part, penalties: Sequence[float]) -> Array:
        """Return weights, float32 [d, columns of the part]; `penalties` has one entry for each of all targets."""
        if self.is_constant:
            return zeros(self.gram, part.within[-1].stop)
        chosen = np.array([penalties[target] for target in part.targets])
        different = np.unique(chosen).tolist()
        found = {penalty: self._with(penalty).weights(self, part, chosen == penalty) for penalty in different}
        if len(different) == 1:
            return found[different[0]]
        mixed = zeros(self.gram, part.within[-1].stop)
        for penalty, columns in zip(chosen.tolist(), part.within, strict=True):
            mixed[:, columns] = found[penalty][:, columns]
        return mixed

    def _with(self, penalty: float) -> "_Solutions":
        if penalty not in self._solutions:
            self._solutions[penalty] = _Solutions(ridge_factor(self.gram, penalty * self.unit, in_single=True))
        return self._solutions[penalty]

    def cross(self, part: Part) -> Array:
        """Return states times targets, float32 [d, columns of the part]."""
        if part.targets not in self._cross:
            cross = self.moments.cross_about(self.blocks, self.centre, part.columns)
            self._cross[part.targets] = columns_first(cross)
        return self._cross[part.targets]

    @cached_property
    def values(self) -> tuple[np.ndarray, Array]:
        """The training values, int64 [n], and the sum of the states of each, float32 [d, n]."""
        return self.moments.present_in(self.blocks), rows_first(self.moments.values_about(self.blocks, self.centre))


class _Solutions:
    """The solutions of one `Ridge` with one penalty."""

    def __init__(self, factor: Factor) -> None:
        self._factor = factor
        self._by_value: Array | None = None
        self._weights: dict[tuple[int, ...], Array] = {}
        self._known: dict[tuple[int, ...], np.ndarray] = {}

    def weights(self, ridge: Ridge, part: Part, asked: np.ndarray) -> Array:
        """Return weights [d, columns of the part], valid for all targets (bool [targets]) asked for so far."""
        if part.places is None:
            return self._directly(ridge, part, asked)
        if part.targets not in self._weights:
            values, sums = ridge.values
            if self._by_value is None:
                self._by_value = self._factor.solve_rows_first(sums)
            self._weights[part.targets] = all_waves(self._by_value, part.places[values], len(part.places))
        return self._weights[part.targets]

    def _directly(self, ridge: Ridge, part: Part, asked: np.ndarray) -> Array:
        if part.targets not in self._weights:
            self._weights[part.targets] = zeros(ridge.gram, part.within[-1].stop)
            self._known[part.targets] = np.zeros(len(part.targets), dtype=bool)
        weights, known = self._weights[part.targets], self._known[part.targets]
        columns = np.repeat(asked & ~known, [some.stop - some.start for some in part.within]).nonzero()[0]
        if len(columns):
            weights[:, columns] = self._factor.solve(ridge.cross(part)[:, columns])
            known |= asked
        return weights
