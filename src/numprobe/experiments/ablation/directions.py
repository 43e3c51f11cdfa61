"""Ablation: the subspaces, ordered, and the component of states in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from numprobe.interventions.directions import random_basis
from numprobe.measure.outcomes import INTERVENTION
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.probes.readout import readout_basis

#: Subspaces (column `direction`): the probe's read-out, the patterns along which states vary with the number, and
#: random ones.
READOUT, PATTERNS, RANDOM = "readout", "patterns", "random"
#: Stands for the subspace of all directions.
STATE = "state"
#: Column `component`: what is removed or interchanged, the component in the subspace or all but this.
INSIDE, REST = "inside", "rest"
#: Columns that tables of ablations add to `numprobe.tables.MEASUREMENT`.
ABLATION = INTERVENTION | {"direction": pl.String}
#: (subspace, draw) -> float64 [width, directions], orthonormal columns. The first r span the subspace of rank r.
Directions = Mapping[tuple[str, int], np.ndarray]


@dataclass(frozen=True)
class Ablations:
    """Directions to remove and to interchange.

    Attributes
    ----------
    layers
        Names of the states; the last block's, which no answer reads, and those that the patterns lack are left out.
    ranks
        Directions of the subspaces; those that no subspace has are left out.
    draws
        Random subspaces of each rank.
    per_operation
        Questions of an operation at the most.
    interchange_ranks
        Those of the ranks at which components are interchanged, and at which all but the directions is removed.
    """

    layers: tuple[str, ...]
    ranks: tuple[int, ...]
    draws: int
    per_operation: int
    interchange_ranks: tuple[int, ...] = ()


def few_ranks(ranks: Sequence[int], wanted: Sequence[int] | None) -> tuple[int, ...]:
    """Return those of some ranks that are wanted; without a wish every second one, down from the largest."""
    if wanted is not None:
        return tuple(rank for rank in ranks if rank in wanted)
    return tuple(sorted(sorted(ranks, reverse=True)[::2]))


def ordered_directions(
    probe: Probe, patterns: Patterns, layer: str, fold: str, most: int, draws: int, seed: int
) -> Directions:
    """Return the subspaces of a layer, the most important directions first.

    Parameters
    ----------
    probe
        Its read-out directions (`numprobe.probes.readout.readout_basis`).
    patterns
        Their principal directions.
    layer, fold
        One of their layers and folds.
    most
        Maximum number of directions of each; fewer if the probe reads or the patterns span fewer.
    draws, seed
        Number of random subspaces, which are the same for all folds, and the study's seed.
    """
    found = {
        (READOUT, 0): readout_basis(probe.tensors[layer, fold])[:, :most],
        (PATTERNS, 0): patterns.basis(layer, fold, most),
    }
    width = probe.width
    random = {
        (RANDOM, draw): random_basis(width, min(most, width), seed, "ablation", layer, draw) for draw in range(draws)
    }
    return found | random


def component(states: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return the component that an ablation removes: the projection of the states' deviation from `mean`.

    Parameters
    ----------
    states
        float [n, width].
    mean
        float [width].
    basis
        float [width, r], orthonormal columns.

    Returns
    -------
    float64 [n, width].
    """
    return np.asarray((states - mean) @ basis @ basis.T)
