"""Without labels: the last state before the answer, moved towards the number that the probe reads in it.

h <- h + alpha Q Q' (P[n] - h): n is what the probe reads in h, P[n] where states of n lie, Q the directions in which
states of different numbers differ most. What lies outside these directions stays as it is.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from numprobe.answers.ask import Asker
from numprobe.answers.questions import Questions
from numprobe.evaluation.outcomes import share_rows
from numprobe.interventions.choice import TEST, is_validation
from numprobe.interventions.controls import RANDOM_SUBSPACE, WRONG_NUMBER
from numprobe.interventions.directions import random_complement, rescaled
from numprobe.interventions.folds import Folds, other_numbers, pattern_states
from numprobe.interventions.measure import Movement, Row, Trial, movement_rows
from numprobe.interventions.trial import last_token_trial
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.splits import Split

#: (layer, fold) -> rank.
Ranks = Mapping[tuple[str, str], int]


def denoising_rows(
    asker: Asker,
    questions: Questions,
    probe: Probe,
    patterns: Patterns,
    ranks: Ranks,
    split: Split,
    layers: Sequence[str],
    strengths: Sequence[float],
    per_operation: int,
    resamples: int,
    seed: int,
) -> list[Row]:
    """Denoise every layer with every strength, on prompts whose results neither probe nor patterns have seen.

    Parameters
    ----------
    asker, questions
        Who is asked, and what.
    probe, patterns
        What reads the states of this context, and where they lie for each number.
    ranks
        Directions of the patterns in which a state is moved, per layer and fold.
    split
        Values and folds.
    layers, strengths
        The grid; layers that the probe does not read are left out.
    per_operation
        Prompts of each operation, at most.
    resamples, seed
        Of the bootstrap over true results; the seed is the study's.

    Returns
    -------
    Rows as `numprobe.interventions.measure.movement_rows`, and on the prompts that are reported the metric `readable`:
    the share of wrong answers whose true result the probe reads in the layer. No label-free repair of this kind can
    be expected to mend more.

    Raises
    ------
    NumprobeError
        If no prompt can be used.
    """
    known = [layer for layer in layers if layer in patterns.layers and layer in probe.layers]
    names = [fold for fold in patterns.folds if fold in probe.folds]
    trial, folds = last_token_trial(asker, questions, split, names, known, per_operation, seed)
    read = {layer: readings(trial.states[layer], probe, folds, layer) for layer in known}
    movements = denoising_movements(trial, read, patterns, ranks, folds, split, seed)
    rows = movement_rows(trial, movements, strengths, resamples, seed)
    chosen = {row["layer"] for row in rows if row["chosen"]}
    return rows + _readable_rows(trial, read, chosen, resamples, seed)


def readings(states: np.ndarray, probe: Probe, folds: Folds, layer: str) -> np.ndarray:
    """What each prompt's own fold of the probe reads in its state, int64 [n].

    Parameters
    ----------
    states
        float [n, width].
    probe, layer
        The probe and one of its layers.
    folds
        Rows of each fold; together all n.
    """
    read = np.zeros(len(states), dtype=np.int64)
    for fold, rows in folds.items():
        read[rows] = probe.decode(states[rows], layer, fold)
    return read


def denoising_movements(
    trial: Trial,
    read: Mapping[str, np.ndarray],
    patterns: Patterns,
    ranks: Ranks,
    folds: Folds,
    split: Split,
    seed: int,
) -> list[Movement]:
    """The change and its controls in every layer of `read`; strength 1 writes the number's pattern into the subspace.

    Parameters
    ----------
    trial
        The model, the questions, and the states of the layers at their last tokens.
    read
        Layer -> int64 [prompts]: what is read there (`readings`).
    patterns, ranks, folds, split, seed
        As `denoising_rows`; `folds` as `numprobe.interventions.folds.unseen_folds`.

    Returns
    -------
    Per layer: the change; the control "wrong number", which writes another number into the same subspace; the control
    "random subspace", which goes as far towards the same pattern, in random directions at right angles to the others.
    """
    table = trial.questions.table
    truth, prompts = table["value"].to_numpy().astype(np.int64), table["prompt"].to_numpy()
    found = []
    for layer, numbers in read.items():
        states = trial.states[layer]
        bases = {fold: patterns.basis(layer, fold, ranks[layer, fold]) for fold in folds}
        randoms = {fold: random_complement(basis, seed, layer, fold) for fold, basis in bases.items()}
        wrong = other_numbers(np.column_stack([numbers, truth]), prompts, split, folds, seed)
        towards = pattern_states(patterns, folds, numbers, layer) - states
        elsewhere = pattern_states(patterns, folds, wrong, layer) - states
        change = confined(towards, bases, folds)
        rank = int(np.median([basis.shape[1] for basis in bases.values()]))
        found += [
            Movement(layer, "none", change, numbers, rank),
            Movement(layer, WRONG_NUMBER, confined(elsewhere, bases, folds), wrong, rank),
            Movement(layer, RANDOM_SUBSPACE, rescaled(confined(towards, randoms, folds), change), None, rank),
        ]
    return found


def confined(change: np.ndarray, bases: Mapping[str, np.ndarray], folds: Folds) -> np.ndarray:
    """The part of each prompt's change within the subspace of its fold, float32 [n, width].

    Parameters
    ----------
    change
        float [n, width].
    bases
        Fold -> orthonormal columns [width, rank].
    folds
        Rows of each fold; together all n.
    """
    within = np.zeros(change.shape, dtype=np.float32)
    for fold, rows in folds.items():
        within[rows] = change[rows] @ bases[fold] @ bases[fold].T
    return within


def _readable_rows(
    trial: Trial, read: Mapping[str, np.ndarray], chosen: set[str], resamples: int, seed: int
) -> list[Row]:
    truth = trial.questions.table["value"].to_numpy().astype(np.int64)
    wrong = (trial.answers.values != truth) & ~is_validation(truth, seed)
    if not wrong.any():
        return []
    table = trial.questions.table.filter(pl.Series(wrong))
    return [
        {"layer": layer, "prompts": TEST, "chosen": layer in chosen, **row}
        for layer, numbers in read.items()
        for row in share_rows(table, "readable", (numbers == truth)[wrong], resamples, seed, layer in chosen)
    ]
