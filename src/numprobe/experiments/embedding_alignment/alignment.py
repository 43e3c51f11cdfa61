"""Move the embedding rows of numbers to the fitted code or, as controls, elsewhere.

arXiv 2506.08966 reports that embeddings aligned with the pattern that a probe finds make fewer arithmetic errors.
"""

import numpy as np

from numprobe.interventions.directions import random_change
from numprobe.interventions.folds import unseen_folds
from numprobe.probes.patterns import Patterns
from numprobe.seeding import generator
from numprobe.splits import Split

#: Targets of the rows: the pattern of their own number ("none" is no control), that of another number, a random
#: direction by as much, or their projection on the first principal directions of the other numbers' rows.
CONTROLS = ("none", "wrong number", "random direction", "principal components")
#: Share of the variance between the patterns of all numbers that the kept principal directions hold.
HELD = 0.95


def row_changes(
    rows: np.ndarray, values: np.ndarray, patterns: Patterns, layer: str, split: Split, seed: int
) -> dict[str, np.ndarray]:
    """Return the full move of every row under every control; strength s moves a row s times as far.

    A row moves to the prediction of the fold that has not seen its number: (1 - s) E_n + s P(n). A number that no fold
    holds out does not move.

    Parameters
    ----------
    rows
        float [n, width]: the rows of a matrix for numbers.
    values
        int [n]: their numbers.
    patterns
        Fitted on these rows.
    layer
        "embedding" or "unembedding".
    split
        The folds of the patterns.
    seed
        The study's seed.

    Returns
    -------
    Mapping from each of `CONTROLS` to float64 [n, width].
    """
    rows = np.asarray(rows, dtype=np.float64)
    found = {control: np.zeros_like(rows) for control in CONTROLS}
    others = generator(seed, "alignment", "wrong number").permutation(patterns.numbers)
    folds = unseen_folds(values, split, patterns.folds)
    for fold in split.folds:
        if fold.name not in folds:
            continue
        moved, known = folds[fold.name], np.isin(split.block_of(values), fold.train)
        own, number = rows[moved], values[moved]
        wrong = others[number - patterns.numbers[0]]
        rank = pattern_rank(patterns, layer, fold.name)
        found["none"][moved] = patterns.states(number, layer, fold.name) - own
        found["wrong number"][moved] = patterns.states(wrong, layer, fold.name) - own
        found["principal components"][moved] = _denoised(own, rows[known], rank) - own
    found["random direction"] = random_change(found["none"], seed, "alignment", layer).astype(np.float64)
    return found


def pattern_rank(patterns: Patterns, layer: str, fold: str) -> int:
    """Return the number of principal directions that hold the share `HELD` of the variance between all patterns."""
    states = patterns.states(patterns.numbers, layer, fold)
    variance = np.linalg.svd(states - states.mean(axis=0), compute_uv=False) ** 2
    return int((np.cumsum(variance) < HELD * variance.sum()).sum()) + 1


def _denoised(rows: np.ndarray, others: np.ndarray, rank: int) -> np.ndarray:
    """Return the projection of some rows on the first principal directions of other rows."""
    mean = others.mean(axis=0)
    directions = np.linalg.svd(others - mean, full_matrices=False)[2][:rank]
    return np.asarray(mean + (rows - mean) @ directions.T @ directions)
