"""The subspaces of one layer that are compared: trained by interchange, read, written, and random."""

from dataclasses import dataclass

import numpy as np

from numprobe.experiments.causal_subspace.own_probe import OWN_LAYER
from numprobe.experiments.causal_subspace.subspaces import Subspaces
from numprobe.interventions.directions import random_basis
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.probes.readout import readout_basis
from numprobe.splits import Split
from numprobe.tables import Row

#: Values of the column `subspace`: trained by interchange; what the study's probe reads from, and a probe of this layer
#: alone; where the states move with the number; the directions of largest variance; random.
CAUSAL, READOUT, OWN, PATTERN, VARIANCE, RANDOM = (
    "causal", "read-out", "layer's read-out", "pattern", "variance", "random",
)  # fmt: skip
#: The whole state is interchanged.
WHOLE = "whole state"


@dataclass(frozen=True, eq=False)
class Space:
    """A subspace at one layer: name, draw, and orthonormal columns float64 [width, rank]; None: the whole state."""

    name: str
    draw: int | None
    basis: np.ndarray | None

    @property
    def names(self) -> Row:
        """The columns that tell it apart."""
        return {
            "subspace": self.name,
            "draw": self.draw,
            "rank": None if self.basis is None else self.basis.shape[1],
            "control": "random" if self.name == RANDOM else "none",
        }


@dataclass(frozen=True, eq=False)
class Study:
    """Inputs of one model's rows beside the model and its subspaces.

    Attributes
    ----------
    split
        The study's.
    probe, patterns
        A `fourier` probe that reads an operand at its own token, and the patterns fitted with it.
    random
        How many random subspaces.
    seed
        The study's seed.
    """

    split: Split
    probe: Probe
    patterns: Patterns
    random: int
    seed: int

    @property
    def fold(self) -> str:
        """The fold that has not seen the numbers of the test pairs."""
        return self.split.folds[0].name


def spaces_of(
    layer: str,
    learned: Subspaces,
    own: Probe | None,
    states: np.ndarray,
    values: np.ndarray,
    split: Split,
    study: Study,
) -> list[Space]:
    """Return all subspaces of one layer, of the rank of the trained ones as far as they have so many directions.

    A layer without a trained basis has the others alone, of the rank of the first layer with one.

    Parameters
    ----------
    layer
        Its name.
    learned
        The trained bases.
    own
        A probe of this layer alone; None if its states are constant.
    states, values
        float32 [n, width] and int64 [n]: states of the sources of all pairs, and their operands.
    split
        Result of `interchange_split`.
    study
        The study's probe and patterns, and how many random subspaces.
    """
    trained = layer in learned.layers
    rank = learned.basis(layer if trained else learned.layers[0], learned.seeds[0]).shape[1]
    width = states.shape[1]
    train = ~np.isin(split.block_of(values), split.folds[0].test)
    centred = states[train].astype(np.float64) - states[train].mean(axis=0, dtype=np.float64)
    fixed = {
        READOUT: readout_basis(study.probe.tensors[layer, study.fold]),
        OWN: np.empty((width, 0)) if own is None else readout_basis(own.tensors[OWN_LAYER, own.folds[0]]),
        PATTERN: study.patterns.basis(layer, study.fold, rank),
        VARIANCE: np.fliplr(np.linalg.eigh(centred.T @ centred)[1]).copy(),
    }
    drawn = [random_basis(width, rank, study.seed, "causal_subspace", layer, draw) for draw in range(study.random)]
    return [
        *(Space(CAUSAL, seed, learned.basis(layer, seed).astype(np.float64)) for seed in learned.seeds if trained),
        *(Space(name, None, basis[:, :rank]) for name, basis in fixed.items() if basis.shape[1]),
        *(Space(RANDOM, draw, basis) for draw, basis in enumerate(drawn)),
        Space(WHOLE, None, None),
    ]
