"""Pool the rows of several states (layers, contexts) as the training rows of one probe, from their statistics alone.

A probe that reads several states needs them on one scale: each state can be centred by its own mean and divided by its
own scale, both over the fold's training values and without labels. Sums over rows stay sums under such a map, so the
statistics of a pool are added, never subtracted, and no row is read again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from operator import add
from typing import TypeVar

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.probes.dataset import TrainingRows
from numprobe.probes.moments import CONSTANT_TOLERANCE, Blocks
from numprobe.probes.statistics import Statistics, accumulate
from numprobe.splits import Split

#: Mean and scale of each state: none, those of its layer over all contexts, or those of its layer and context.
NORMALISATIONS = ("none", "layer", "layer_context")
# Memory for cached statistics; the others are accumulated again when needed.
_MEMORY_BYTES = 4e9

#: (layer, context)
Place = tuple[str, str]
Part = TypeVar("Part")


@dataclass(frozen=True, eq=False)
class Standard:
    """The centre of a state, float64 [d], and its divisor."""

    mean: np.ndarray
    scale: float


@dataclass(frozen=True, eq=False)
class Spread:
    """Sums over rows that give their mean and scale: number or weight of rows, sum [d], and sum of squared norms."""

    count: float
    total: np.ndarray
    square: float

    def __add__(self, other: "Spread") -> "Spread":
        return Spread(self.count + other.count, self.total + other.total, self.square + other.square)

    @property
    def standard(self) -> Standard:
        """The mean, and the square root of the mean variance of a component."""
        mean = self.total / self.count
        variance = max(self.square / self.count - float(mean @ mean), 0.0)
        return Standard(mean, float(np.sqrt(variance / len(mean))))

    @property
    def is_constant(self) -> bool:
        """True if all rows are one vector, up to rounding."""
        standard = self.standard
        variance = standard.scale**2 * len(standard.mean)
        return bool(variance <= CONSTANT_TOLERANCE * (variance + standard.mean @ standard.mean))


def spread(statistics: Statistics, split: Split, blocks: Blocks) -> Spread:
    """Return count, sum and squared norms of the rows of some value blocks."""
    chosen = np.isin(split.block, blocks)
    square = float(np.einsum("bii->", statistics.gram[list(blocks)]))
    return Spread(float(statistics.value_count[chosen].sum()), statistics.value_sum[chosen].sum(axis=0), square)


def weighted(statistics: Statistics, factor: float) -> Statistics:
    """Return the statistics of the rows, each counted `factor` times."""
    return Statistics(statistics.gram * factor, statistics.value_sum * factor, statistics.value_count * factor)


def normalised(statistics: Statistics, split: Split, standard: Standard) -> Statistics:
    """Return the statistics of the rows (x - mean) / scale, from those of the rows x."""
    mean, scale = standard.mean, standard.scale
    gram = np.empty_like(statistics.gram)
    for block in range(split.n_blocks):
        chosen = split.block == block
        mixed = np.outer(statistics.value_sum[chosen].sum(axis=0), mean)
        count = statistics.value_count[chosen].sum()
        gram[block] = (statistics.gram[block] - mixed - mixed.T + count * np.outer(mean, mean)) / scale**2
    shifted = (statistics.value_sum - np.outer(statistics.value_count, mean)) / scale
    return Statistics(gram, shifted, statistics.value_count)


def leaving_one_out(parts: Sequence[Part], load: Callable[[Part], Statistics]) -> Iterator[tuple[Part, Statistics]]:
    """Yield each part with the sum of the statistics of all OTHERS, without subtraction.

    Sums of halves are passed down: n log n additions, log n sums in memory at once.

    Raises
    ------
    NumprobeError
        If there are fewer than two parts.
    """
    if len(parts) < 2:
        raise NumprobeError(f"leaving one layer out needs at least two layers that vary, not {list(parts)}")
    yield from _descend(parts, None, load)


def _descend(
    parts: Sequence[Part], others: Statistics | None, load: Callable[[Part], Statistics]
) -> Iterator[tuple[Part, Statistics]]:
    if len(parts) == 1:
        assert others is not None
        yield parts[0], others
        return
    half = len(parts) // 2
    for kept, left in ((parts[:half], parts[half:]), (parts[half:], parts[:half])):
        total = reduce(add, map(load, left))
        yield from _descend(kept, total if others is None else others + total, load)


class Pool:
    """The training rows of one model in one context or several. All contexts have equal weight.

    Parameters
    ----------
    rows
        Context -> its training rows.
    split
        Assigns values to blocks.
    """

    def __init__(self, rows: Mapping[str, TrainingRows], split: Split) -> None:
        self.rows, self.split = dict(rows), split
        self.contexts = tuple(rows)
        first = next(iter(rows.values()))
        average = float(np.mean([len(part.values) for part in rows.values()]))
        self._factor = {context: average / len(part.values) for context, part in rows.items()}
        size = 8 * first.width**2 * split.n_blocks
        self.capacity = max(1, int(_MEMORY_BYTES / size))
        self.statistics = lru_cache(maxsize=self.capacity)(self._accumulate)
        self._block_spreads = cache(self._spread_blocks)
        shared = [layer for layer in first.layers if all(layer in part.layers for part in rows.values())]
        self.constant = tuple(layer for layer in shared if self._is_constant(layer))
        self.layers = tuple(layer for layer in shared if layer not in self.constant)

    def _accumulate(self, layer: str, context: str) -> Statistics:
        batches = self.rows[context].batches(layer)
        total = reduce(add, (accumulate(states, values, self.split) for states, values in batches))
        return total if len(self.contexts) == 1 else weighted(total, self._factor[context])

    def _is_constant(self, layer: str) -> bool:
        """Return whether a layer is constant in some context."""
        blocks = tuple(range(self.split.n_blocks))
        return any(self._spread(layer, context, blocks).is_constant for context in self.contexts)

    def _spread(self, layer: str, context: str, blocks: Blocks) -> Spread:
        """Return the sums over the rows of some value blocks."""
        parts = self._block_spreads(layer, context)
        return reduce(add, (parts[block] for block in blocks))

    def _spread_blocks(self, layer: str, context: str) -> list[Spread]:
        """Return the sums of each block, which are small enough to cache when the statistics are not."""
        statistics = self.statistics(layer, context)
        return [spread(statistics, self.split, (block,)) for block in range(self.split.n_blocks)]

    def standards(self, blocks: Blocks, normalisation: str) -> dict[Place, Standard] | None:
        """Return the normalisation of each state, from the rows of some value blocks; None for "none".

        Raises
        ------
        NumprobeError
            If the normalisation is unknown.
        """
        if normalisation not in NORMALISATIONS:
            raise NumprobeError(f"there is no normalisation '{normalisation}': choose from {', '.join(NORMALISATIONS)}")
        if normalisation == "none":
            return None
        result = {}
        for layer in self.layers:
            own = {context: self._spread(layer, context, blocks) for context in self.contexts}
            of_layer = reduce(add, own.values()).standard
            for context, part in own.items():
                result[layer, context] = part.standard if normalisation == "layer_context" else of_layer
        return result

    def layer_standards(self, blocks: Blocks) -> dict[str, Standard]:
        """Return the normalisation of each layer for states of unknown context."""
        standards = self.standards(blocks, "layer")
        assert standards is not None
        return {layer: standards[layer, self.contexts[0]] for layer in self.layers}

    def loader(self, standards: Mapping[Place, Standard] | None) -> Callable[[str], Statistics]:
        """Return a function from a layer to the statistics of its normalised rows, all contexts together."""

        def load(layer: str) -> Statistics:
            return reduce(add, (self._one(layer, context, standards) for context in self.contexts))

        return lru_cache(maxsize=self.capacity)(load)

    def _one(self, layer: str, context: str, standards: Mapping[Place, Standard] | None) -> Statistics:
        statistics = self.statistics(layer, context)
        return statistics if standards is None else normalised(statistics, self.split, standards[layer, context])
