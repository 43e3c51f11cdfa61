"""Label-free repair: move the last state before the answer towards the number that the probe reads from it.

h <- h + alpha Q Q' (P[n] - h): n is the probe's reading of h, P[n] the pattern of n, and Q the directions in which
states of different numbers differ most. Other directions are left unchanged. A probe that is less accurate than the
model does harm, so the move can be limited to the states of which the probe is surest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from scipy.special import logsumexp

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.experiments.asked import load_asked
from numprobe.experiments.given import Given
from numprobe.interventions.choice import TEST, is_validation
from numprobe.interventions.controls import RANDOM_SUBSPACE, WRONG_NUMBER
from numprobe.interventions.directions import random_complement, rescaled
from numprobe.interventions.folds import Folds, other_numbers, pattern_states
from numprobe.interventions.measure import MOVEMENT, Movement, Trial, movement_rows
from numprobe.interventions.trial import last_token_trial
from numprobe.measure.outcomes import share_rows
from numprobe.probes.dataset import training_rows
from numprobe.probes.patterns import Patterns, load_patterns
from numprobe.probes.probe import Probe, load_probe
from numprobe.probes.ranks import readout_ranks
from numprobe.splits import Split
from numprobe.tables import Row

#: (layer, fold) -> rank.
Ranks = Mapping[tuple[str, str], int]


def evaluate_denoising(given: Given) -> None:
    """Write the table of a model and context: gain and harm of the repair over layers, strengths and shares."""
    asked, values, seed = load_asked(given), given.values, given.values["seed"]
    patterns, split = load_patterns(given.file("patterns")), given.split
    layers = [layer for layer in values["layers"] if layer in patterns.layers]
    if values["rank"] is None:
        ranks = readout_ranks(training_rows(given.folder("states"), split), split, layers, patterns.folds, seed)
    else:
        ranks = {(layer, fold): values["rank"] for layer in layers for fold in patterns.folds}
    grid = (layers, values["strengths"], values["shares"], values["prompts"])
    probe = load_probe(given.file("probe"))
    rows = denoising_rows(*asked, probe, patterns, ranks, split, *grid, seed)
    given.write_rows(rows, MOVEMENT)


def denoising_rows(
    answer_model: AnswerModel,
    questions: Questions,
    probe: Probe,
    patterns: Patterns,
    ranks: Ranks,
    split: Split,
    layers: Sequence[str],
    strengths: Sequence[float],
    shares: Sequence[float],
    per_operation: int,
    seed: int,
) -> list[Row]:
    """Denoise every layer at every strength, on prompts whose results neither probe nor patterns have seen.

    Parameters
    ----------
    answer_model, questions
        The model and the questions.
    probe, patterns
        Probe and patterns of the states of this context.
    ranks
        Number of directions of the patterns in which a state is moved, per layer and fold.
    split
        Values and folds.
    layers, strengths
        The grid; layers that the probe does not read are left out.
    shares
        Shares of the prompts that are moved: those read most surely, by a threshold of the prompts that choose.
    per_operation
        Prompts of each operation, at most.
    seed
        The study's seed.

    Returns
    -------
    Rows as of `numprobe.interventions.measure.movement_rows`, and on the reported prompts the metric `readable`: the
    share of wrong answers whose true result the probe reads in the layer, roughly the possible gain.

    Raises
    ------
    NumprobeError
        If no prompt can be used.
    """
    known = [layer for layer in layers if layer in patterns.layers and layer in probe.layers]
    names = [fold for fold in patterns.folds if fold in probe.folds]
    trial, folds = last_token_trial(answer_model, questions, split, names, known, per_operation, seed)
    choosing = is_validation(trial.questions.table["number"].to_numpy(), seed)
    found = {layer: readings(trial.states[layer], probe, folds, layer) for layer in known}
    read = {layer: numbers for layer, (numbers, _) in found.items()}
    movements = [
        replace(movement, share=share, moved=sure >= np.quantile(sure[choosing], 1 - share))
        for movement in denoising_movements(trial, read, patterns, ranks, folds, split, seed)
        for sure in [found[movement.layer][1]]
        for share in shares
    ]
    rows = movement_rows(trial, movements, strengths, seed)
    chosen = {row["layer"] for row in rows if row["chosen"]}
    return rows + _readable_rows(trial, read, chosen, seed)


def readings(states: np.ndarray, probe: Probe, folds: Folds, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the reading of each prompt by its own fold of the probe, int64 [n], and its log odds, float64 [n].

    Parameters
    ----------
    states
        float [n, width].
    probe, layer
        A probe whose scores are log-likelihoods, such as `fourier`, and one of its layers.
    folds
        Rows of each fold; together all n.
    """
    read, odds = np.zeros(len(states), dtype=np.int64), np.zeros(len(states))
    for fold, rows in folds.items():
        scores = probe.scores(states[rows], layer, fold).astype(np.float64)
        best = scores.argmax(axis=1)[:, None]
        read[rows], highest = probe.numbers[best[:, 0]], np.take_along_axis(scores, best, axis=1)[:, 0]
        np.put_along_axis(scores, best, -np.inf, axis=1)
        odds[rows] = highest - logsumexp(scores, axis=1)
    return read, odds


def denoising_movements(
    trial: Trial,
    read: Mapping[str, np.ndarray],
    patterns: Patterns,
    ranks: Ranks,
    folds: Folds,
    split: Split,
    seed: int,
) -> list[Movement]:
    """Return the move and its controls in every layer of `read`; strength 1 writes the pattern into the subspace.

    Parameters
    ----------
    trial
        The model, the questions, and the states of the layers at their last tokens.
    read
        Layer -> int64 [prompts]: the readings (`readings`).
    patterns, ranks, folds, split, seed
        As `denoising_rows`; `folds` as `numprobe.interventions.folds.unseen_folds`.

    Returns
    -------
    Per layer: the move; the control "wrong number", which writes another number into the same subspace; the control
    "random subspace", which moves as far towards the same pattern in random directions orthogonal to the subspace.
    """
    table = trial.questions.table
    truth, prompts = table["number"].to_numpy().astype(np.int64), table["prompt"].to_numpy()
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
    """Return the projection of each prompt's change onto the subspace of its fold, float32 [n, width].

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


def _readable_rows(trial: Trial, read: Mapping[str, np.ndarray], chosen: set[str], seed: int) -> list[Row]:
    truth = trial.questions.table["number"].to_numpy().astype(np.int64)
    wrong = (trial.answers.values != truth) & ~is_validation(truth, seed)
    if not wrong.any():
        return []
    table = trial.questions.table.filter(pl.Series(wrong))
    return [
        {"layer": layer, "part": TEST, "chosen": layer in chosen, **row}
        for layer, numbers in read.items()
        for row in share_rows(table, "readable", (numbers == truth)[wrong], seed, layer in chosen)
    ]
