"""Pairs of states to compare between two models of different depth."""

from collections.abc import Sequence
from typing import NamedTuple

from numprobe.layers import layer_order


class MatchedLayers(NamedTuple):
    """A state of each model, and the relative depth at which they stand (None for `final_norm`)."""

    first: str
    second: str
    depth: float | None


def matched_layers(
    first: Sequence[str], second: Sequence[str], first_blocks: int, second_blocks: int
) -> list[MatchedLayers]:
    """Pair the states of two models by relative depth, block k of L standing at k / L.

    Every numbered state of the model with fewer blocks is paired with the nearest of the other (the earlier of two that
    are equally near); `final_norm` with `final_norm`, where both have it.

    Parameters
    ----------
    first, second
        Names of the states that are there.
    first_blocks, second_blocks
        How many blocks the models have.
    """
    if first_blocks > second_blocks:
        swapped = matched_layers(second, first, second_blocks, first_blocks)
        return [MatchedLayers(pair.second, pair.first, pair.depth) for pair in swapped]
    candidates = _numbered(second)
    pairs = []
    for layer in _numbered(first):
        # |other / second - layer / first| in whole numbers, so that equally near ones are recognised.
        nearest = min(candidates, key=lambda other: (abs(other * first_blocks - layer * second_blocks), other))
        pairs.append(MatchedLayers(str(layer), str(nearest), layer / first_blocks))
    if "final_norm" in first and "final_norm" in second:
        pairs.append(MatchedLayers("final_norm", "final_norm", None))
    return pairs


def _numbered(layers: Sequence[str]) -> list[int]:
    return [int(layer) for layer in layer_order(layers) if layer.isdecimal()]
