"""Where the rows that embed numbers are moved: towards the fitted code, and, as controls, elsewhere.

arXiv 2506.08966 reports that embeddings aligned with the pattern that a probe finds make fewer arithmetic errors.
"""

import numpy as np

from numprobe.probes.patterns import Patterns
from numprobe.seeding import generator
from numprobe.splits import Split

#: Where rows move: to the pattern of their own number ("none" is no control), to that of another one, anywhere by as
#: much, or to what the first principal directions of the other numbers' rows hold of them.
CONTROLS = ("none", "shuffled", "random", "principal components")
#: As many principal directions are kept as hold this share of the variance between the patterns of all numbers.
HELD = 0.95


def row_changes(
    rows: np.ndarray, values: np.ndarray, patterns: Patterns, layer: str, split: Split, seed: int
) -> dict[str, np.ndarray]:
    """The whole way of every row under every control; a row that moves by a strength s goes s times that far.

    A row moves to what the fold predicts that has not seen its number: (1 - s) E_n + s P(n). A number that no fold
    holds out does not move.

    Parameters
    ----------
    rows
        float [n, width]: the rows of a matrix that stand for numbers.
    values
        int [n]: their numbers.
    patterns
        Fitted on these rows, layer by layer with folds.
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
    others = generator(seed, "alignment", "shuffled").permutation(patterns.numbers)
    directions = generator(seed, "alignment", "random", layer).standard_normal((len(patterns.numbers), rows.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for fold in split.folds:
        moved, known = (np.isin(split.block_of(values), blocks) for blocks in (fold.test, fold.train))
        place = values[moved] - patterns.numbers[0]
        whole = patterns.states(values[moved], layer, fold.name) - rows[moved]
        found["none"][moved] = whole
        found["shuffled"][moved] = patterns.states(others[place], layer, fold.name) - rows[moved]
        found["random"][moved] = directions[place] * np.linalg.norm(whole, axis=1, keepdims=True)
        rank = pattern_rank(patterns, layer, fold.name)
        found["principal components"][moved] = _denoised(rows[moved], rows[known], rank) - rows[moved]
    return found


def is_moved(values: np.ndarray, split: Split) -> np.ndarray:
    """Whether some fold holds a number out, bool [n]."""
    return np.isin(split.block_of(values), [block for fold in split.folds for block in fold.test])


def pattern_rank(patterns: Patterns, layer: str, fold: str) -> int:
    """How many principal directions hold the share `HELD` of the variance between the patterns of all numbers."""
    states = patterns.states(patterns.numbers, layer, fold)
    variance = np.linalg.svd(states - states.mean(axis=0), compute_uv=False) ** 2
    return int((np.cumsum(variance) < HELD * variance.sum()).sum()) + 1


def relative_norm(changes: np.ndarray, rows: np.ndarray, moved: np.ndarray) -> float:
    """The mean length of the change of some rows (`moved`, bool [n]), in units of each one's distance from the mean."""
    distance = np.linalg.norm(rows - rows.mean(axis=0), axis=1)
    return float((np.linalg.norm(changes, axis=1) / distance)[moved].mean())


def _denoised(rows: np.ndarray, others: np.ndarray, rank: int) -> np.ndarray:
    """What the first principal directions of other rows hold of some rows."""
    mean = others.mean(axis=0)
    directions = np.linalg.svd(others - mean, full_matrices=False)[2][:rank]
    return np.asarray(mean + (rows - mean) @ directions.T @ directions)
