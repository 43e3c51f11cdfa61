"""Reading without some directions: by the probe as it is, and by one that is fitted again."""

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from numprobe.activations.store import read_positions, read_states
from numprobe.experiments.ablation.directions import ABLATION, RANDOM, component, ordered_directions
from numprobe.experiments.given import Given
from numprobe.intervals import accuracy_interval
from numprobe.interventions.controls import RANDOM_COMPONENT
from numprobe.measure.predict import held_out_rows
from numprobe.probes.closed_form import fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.dataset import TrainingRows, training_rows
from numprobe.probes.moments import CONSTANT_TOLERANCE
from numprobe.probes.patterns import Patterns, load_patterns
from numprobe.probes.probe import Probe, load_probe
from numprobe.probes.statistics import Statistics, accumulate
from numprobe.splits import Fold, Split
from numprobe.tables import Row

#: (subspace, control, rank, metric) -> which test rows are read correctly, float [rows], a mean over the draws.
Readings = dict[tuple[str | None, str, int, str], np.ndarray]

_KIND = "fourier"


@dataclass(frozen=True)
class Removals:
    """Directions to remove, and the folds to remove them from.

    Attributes
    ----------
    layers
        Names of the states.
    ranks, draws
        Directions of the subspaces, and random subspaces of each rank.
    folds
        How many folds are read, the first ones.
    """

    layers: tuple[str, ...]
    ranks: tuple[int, ...]
    draws: int
    folds: int


def refit_ablated(given: Given) -> None:
    """Write the table of a model and context: what a probe reads without directions, as it is and fitted again."""
    split, values = given.split, given.values
    rows, patterns = training_rows(given.folder("states"), split), load_patterns(given.file("patterns"))
    probe = load_probe(given.file("probe")).in_context(patterns.metadata["context"])
    removals = Removals(tuple(values["layers"]), tuple(values["ranks"]), values["draws"], values["folds"])
    found = ablated_probe_rows(rows, probe, patterns, split, removals, values["seed"])
    given.write_rows(found, ABLATION)


def ablated_probe_rows(
    rows: TrainingRows,
    probe: Probe,
    patterns: Patterns,
    split: Split,
    removals: Removals,
    seed: int,
) -> list[Row]:
    """Read unseen numbers in states with and without their component in every subspace.

    Parameters
    ----------
    rows
        States in which a number is read at its own token.
    probe, patterns
        Of these states: they give the subspaces, fold by fold.
    split
        Values and folds, with inner groups.
    removals
        Layers, ranks, random draws and folds.
    seed
        The study's seed.

    Returns
    -------
    Rows like those of `ablation_rows`. Metrics: `reads_before`: accuracy of a probe that is fitted on states as they
    are; without the component, `reads_fixed`: of `probe` as it is; `reads_refitted`: of a probe that is fitted without
    it too.
    """
    positions = read_positions(rows.folder, ["number"])
    tested = dict(list(held_out_rows(positions, split).items())[: removals.folds])
    truth = {fold: positions["number"].to_numpy()[index].astype(np.int64) for fold, index in tested.items()}
    numbers = np.concatenate(list(truth.values()))
    found = []
    for layer in [layer for layer in removals.layers if layer in patterns.layers]:
        sums = reduce(add, (accumulate(states, values, split) for states, values in rows.batches(layer)))
        states = read_states(rows.folder, layer)
        parts = []
        for fold in [fold for fold in split.folds if fold.name in tested]:
            held_out = HeldOut(sums, split, fold, states[tested[fold.name]].astype(np.float64), truth[fold.name])
            parts.append(_readings(held_out, probe, patterns, layer, removals, seed))
        for key in [key for key in parts[0] if all(key in part for part in parts)]:
            interval = accuracy_interval(numbers, np.concatenate([part[key] for part in parts]))
            subspace, control, rank, metric = key
            row = {"layer": layer, "direction": subspace, "control": control, "rank": rank, "metric": metric}
            found.append({**row, **interval.columns(), "seed": seed})
    return found


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One fold of one layer.

    Attributes
    ----------
    statistics
        Of the training rows of all numbers.
    split, fold
        Values, and which of them train.
    states, truth
        float64 [n, width] and int64 [n]: rows of the fold's test numbers.
    """

    statistics: Statistics
    split: Split
    fold: Fold
    states: np.ndarray
    truth: np.ndarray

    def refitted(self, basis: np.ndarray) -> np.ndarray:
        """Return which rows a probe reads correctly that was fitted on states without a subspace: bool [n].

        The basis has orthonormal columns, float64 [width, r]. Where nothing is left, no row is read.
        """
        minimum, maximum = self.split.minimum, self.split.maximum
        target = make_target(make_code(_KIND, minimum, maximum), self.split.values, minimum)
        left = without(self.statistics, basis)
        # What rounding leaves of states that are wholly gone cannot be fitted.
        gone = np.einsum("bii->", left.gram) <= CONSTANT_TOLERANCE * np.einsum("bii->", self.statistics.gram)
        fitted = None if gone else fit_layer(left, self.split, [target], [self.fold])
        if fitted is None:
            return np.zeros(len(self.truth), dtype=bool)
        tensors = {("0", self.fold.name): fitted[0][self.fold.name]}
        width = self.states.shape[1]
        probe = Probe(_KIND, self.split.values, ("0",), (self.fold.name,), (), width, {}, tensors)
        return np.asarray(probe.decode(self.states - self.states @ basis @ basis.T, "0", self.fold.name) == self.truth)


def without(statistics: Statistics, basis: np.ndarray) -> Statistics:
    """Return the statistics of states whose component in a subspace is gone, without a pass over the rows.

    With the projection A = 1 - Q Q' onto the complement, sums s become A s and second moments G become A G A.

    Parameters
    ----------
    statistics
        Of the states.
    basis
        Q, float64 [width, r], orthonormal columns.
    """
    gram = statistics.gram - (statistics.gram @ basis) @ basis.T
    gram = gram - basis @ (basis.T @ gram)
    value_sum = statistics.value_sum - (statistics.value_sum @ basis) @ basis.T
    return Statistics(gram, value_sum, statistics.value_count)


def _readings(
    held_out: HeldOut, probe: Probe, patterns: Patterns, layer: str, removals: Removals, seed: int
) -> Readings:
    fold, mean = held_out.fold.name, patterns.tensors[layer, held_out.fold.name]["mean"]
    directions = ordered_directions(probe, patterns, layer, fold, max(removals.ranks), removals.draws, seed)
    found: dict[tuple[str | None, str, int, str], list[np.ndarray]] = {}
    found[None, "none", 0, "reads_before"] = [held_out.refitted(np.zeros((probe.width, 0)))]
    for rank in removals.ranks:
        for (subspace, _), ordered in directions.items():
            if ordered.shape[1] < rank:
                continue
            basis = ordered[:, :rank]
            control = RANDOM_COMPONENT if subspace == RANDOM else "none"
            fixed = probe.decode(held_out.states - component(held_out.states, mean, basis), layer, fold)
            found.setdefault((subspace, control, rank, "reads_fixed"), []).append(fixed == held_out.truth)
            refitted = held_out.refitted(basis)
            found.setdefault((subspace, control, rank, "reads_refitted"), []).append(refitted)
    return {key: np.mean(marks, axis=0) for key, marks in found.items()}
