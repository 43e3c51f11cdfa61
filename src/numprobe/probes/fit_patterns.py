"""Fit patterns in closed form: ridge regression of the numbers' mean states on the columns that a probe reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels
from numprobe.probes.dataset import TrainingRows, whole_fold
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.splits import Fold, Split

#: Penalties to choose from, in units of the mean square of the scaled columns.
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


def fit_patterns(
    rows: TrainingRows, probe: Probe, split: Split, control: str, seed: int, metadata: Mapping[str, Any]
) -> Patterns:
    """Fit the patterns of every layer and fold that a `fourier` probe reads.

    All numbers have equal weight, however many rows they have. A column is scaled by the share of its variance that the
    probe reads on held-out numbers, so that the penalty mainly shrinks columns that the states hardly encode. The
    penalty is the one that best predicts the mean states of inner held-out numbers. No row of a fold's test numbers
    takes part.

    Parameters
    ----------
    rows
        The training rows.
    probe
        A `fourier` probe of this model, with the same split: its columns and precisions.
    split
        Values, blocks and folds; the fold "all" is added.
    control
        "none", or "shuffled": one permutation of the numbers.
    seed
        The study's seed.
    metadata
        Stored in the file.
    """
    code = make_code("fourier", split.minimum, split.maximum).matrix
    labels = control_labels(control, split.values, split, seed) - split.minimum
    folds = [fold for fold in (whole_fold(split), *split.folds) if fold.name in probe.folds]
    layers = tuple(layer for layer in rows.layers if layer in probe.layers)
    tensors: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for layer in layers:
        means, present = _number_means(rows, layer, split)
        for fold in folds:
            read = probe.tensors[layer, fold.name]
            tensors[layer, fold.name] = _fit(means, present, code[labels], read, split, fold)
    return Patterns(
        numbers=split.values,
        layers=layers,
        folds=tuple(fold.name for fold in folds),
        width=rows.width,
        metadata={**rows.described, **metadata, "control": control},
        tensors=tensors,
    )


def _number_means(rows: TrainingRows, layer: str, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean state of each number, float64 [N, d], and whether it has rows, bool [N]."""
    total = np.zeros((len(split.values), rows.width))
    count = np.zeros(len(split.values))
    for states, values in rows.batches(layer):
        np.add.at(total, values - split.minimum, states.astype(np.float64))
        count += np.bincount(values - split.minimum, minlength=len(count))
    return total / np.maximum(count, 1)[:, None], count > 0


def _fit(
    means: np.ndarray,
    present: np.ndarray,
    code: np.ndarray,
    read: Mapping[str, np.ndarray],
    split: Split,
    fold: Fold,
) -> dict[str, np.ndarray]:
    columns = read["columns"]
    information = read["precision"].astype(np.float64) * code[:, columns].var(axis=0)
    scale = np.sqrt(information / (1 + information))
    scaled = code[:, columns] * scale
    groups = [present & np.isin(split.block, group) for group in fold.inner]
    train = present & np.isin(split.block, fold.train)
    penalty = _best_penalty(means, scaled, train, [group for group in groups if group.any()])
    loadings, mean, code_mean = _ridge(means[train], scaled[train], penalty)
    return {
        "mean": mean,
        "loadings": (loadings * scale[:, None]).astype(np.float32),
        "columns": columns.astype(np.int32),
        "code_mean": (code_mean / scale).astype(np.float32),
        "penalty": np.array([penalty]),
    }


def _best_penalty(means: np.ndarray, scaled: np.ndarray, train: np.ndarray, groups: Sequence[np.ndarray]) -> float:
    """Return the penalty with the smallest error on the mean states of inner held-out numbers."""
    errors = dict.fromkeys(PENALTIES, 0.0)
    for group in groups:
        for penalty in PENALTIES:
            loadings, mean, code_mean = _ridge(means[train & ~group], scaled[train & ~group], penalty)
            predicted = mean + (scaled[group] - code_mean) @ loadings
            errors[penalty] += float(((means[group] - predicted) ** 2).sum())
    return min(errors, key=lambda penalty: errors[penalty])


def _ridge(means: np.ndarray, scaled: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the loadings, float64 [k, d], the mean state [d] and the mean code [k] of some numbers."""
    mean, code_mean = means.mean(axis=0), scaled.mean(axis=0)
    centred = scaled - code_mean
    gram = centred.T @ centred
    unit = np.trace(gram) / max(len(gram), 1)
    cross = centred.T @ (means - mean)
    return np.linalg.solve(gram + penalty * unit * np.eye(len(gram)), cross), mean, code_mean
