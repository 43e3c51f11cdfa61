"""Split number VALUES into training and test, in the same way in every context, layer and model.

A split is over values, never over prompts, so a probe is always evaluated on numbers that it has not seen. Values are
assigned to blocks; a fold names the blocks that test, validate and train. Fits accumulate statistics per block, and
any training set is a union of blocks.

A study has one file of splits, results/split.json: its own split, and those of experiments with other folds. It is made
once, and every job reads it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numprobe.errors import NumprobeError
from numprobe.sealed import damaged, read_sealed_json, write_sealed_json
from numprobe.seeding import derive_seed

#: Name of the study's own split in results/split.json; the others are named after their experiments.
STUDY = "study"

# The split of all per-layer experiments of arXiv 2510.26285 (888 training values; torch seed 0, 0..999).
PAPER_VALIDATION = tuple(
    int(n)
    for n in """21 31 37 73 74 75 81 170 207 218 231 233 252 268 276 285 338 342 345 366 376 377 380 383 412 432 445 450
    455 494 498 504 545 570 575 612 615 618 626 647 652 669 680 707 719 720 735 745 753 767 805 817 891 900 914 934
    977""".split()
)
PAPER_TEST = tuple(
    int(n)
    for n in """26 51 69 100 113 140 142 172 221 325 332 337 365 385 403 406 419 452 471 499 526 530 531 549 552 565 579
    593 597 598 599 603 621 645 657 665 693 714 726 763 776 778 792 806 820 861 864 877 883 889 901 902 930 962
    972""".split()
)


@dataclass(frozen=True)
class Fold:
    """One division of the blocks.

    Attributes
    ----------
    name
        "0", "1", ... or "paper".
    test, validation, train
        Disjoint block indices. Values of the test and validation blocks are never classes of a training softmax.
        `validation` may be empty; a fit that needs validation values then takes the first inner group.
    inner
        Groups of blocks that partition `train`: inner folds for hyper-parameters.
    """

    name: str
    test: tuple[int, ...]
    validation: tuple[int, ...]
    train: tuple[int, ...]
    inner: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Split:
    """The blocks of all values min..max, and the folds over them.

    Attributes
    ----------
    minimum, maximum
        The range of values, both included.
    block
        int8 array of length max - min + 1: the block of each value.
    folds
        The folds, in order.
    """

    minimum: int
    maximum: int
    block: np.ndarray
    folds: tuple[Fold, ...]

    @property
    def values(self) -> np.ndarray:
        """All values, min..max."""
        return np.arange(self.minimum, self.maximum + 1)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.block.max()) + 1

    def block_of(self, values: np.ndarray) -> np.ndarray:
        """Return the block of each of `values` (integers within min..max), shape as given."""
        return np.asarray(self.block[np.asarray(values) - self.minimum])

    def values_in(self, blocks: tuple[int, ...]) -> np.ndarray:
        """Return all values of the given blocks, ascending."""
        return np.asarray(self.values[np.isin(self.block, blocks)])


@dataclass(frozen=True)
class StudySplit(Split):
    """A split of a study's numbers, and how it was made.

    Attributes
    ----------
    scheme
        "folds" or "paper".
    seed
        The study's seed.
    """

    scheme: str
    seed: int


def value_block(seed: int, value: int, blocks: int) -> int:
    """Return the block of one value, which depends on (seed, value) and the number of blocks only."""
    return derive_seed(seed, "value", value) % blocks


def make_split(minimum: int, maximum: int, scheme: str, folds: int, inner: int, seed: int) -> StudySplit:
    """Make the blocks and folds of a range of values.

    Parameters
    ----------
    minimum, maximum
        Range of values.
    scheme
        "folds": `folds` blocks by hash, each the test block of one fold. "paper": the fixed split of arXiv 2510.26285
        (888 / 57 / 55 of 0..999), one fold.
    folds
        Number of folds (scheme "folds").
    inner
        Number of inner groups that choose hyper-parameters.
    seed
        The study's seed.

    Raises
    ------
    NumprobeError
        If the paper's split is asked for another range, or a block would be empty.
    """
    values = range(minimum, maximum + 1)
    if scheme == "paper":
        return _paper_split(minimum, maximum, inner, seed)
    block = np.array([value_block(seed, value, folds) for value in values], dtype=np.int8)
    if len(np.unique(block)) < folds:
        raise NumprobeError(
            f"split.folds = {folds} leaves a fold without values in {minimum}..{maximum}: use fewer folds"
        )
    made = tuple(_fold(test, folds, inner) for test in range(folds))
    return StudySplit(minimum, maximum, block, made, scheme, seed)


def _fold(test: int, folds: int, inner: int) -> Fold:
    train = tuple(block for block in range(folds) if block != test)
    return Fold(str(test), (test,), (), train, _groups(train, inner))


def _groups(blocks: tuple[int, ...], inner: int) -> tuple[tuple[int, ...], ...]:
    count = min(inner, len(blocks))
    return tuple(blocks[start::count] for start in range(count))


def _paper_split(minimum: int, maximum: int, inner: int, seed: int) -> StudySplit:
    if (minimum, maximum) != (0, 999):
        raise NumprobeError(f"split.scheme 'paper' is defined for numbers 0..999, not {minimum}..{maximum}")
    train_blocks = 9
    block = np.array([value_block(seed, value, train_blocks) for value in range(1000)], dtype=np.int8)
    block[list(PAPER_VALIDATION)] = train_blocks
    block[list(PAPER_TEST)] = train_blocks + 1
    train = tuple(range(train_blocks))
    fold = Fold("paper", (train_blocks + 1,), (train_blocks,), train, _groups(train, inner))
    return StudySplit(minimum, maximum, block, (fold,), "paper", seed)


def write_splits(path: str | Path, splits: Mapping[str, StudySplit], provenance: Mapping[str, Any]) -> None:
    """Write splits by name, with their checksum (docs/files.md)."""
    described = {
        name: {**vars(split), "block": split.block.tolist(), "folds": [asdict(fold) for fold in split.folds]}
        for name, split in splits.items()
    }
    write_sealed_json(path, {"splits": described, "provenance": provenance})


def load_split(path: str | Path, name: str = STUDY) -> StudySplit:
    """Return a split that `write_splits` wrote.

    Parameters
    ----------
    path
        `results/split.json`.
    name
        `STUDY`, or the experiment with folds of its own.

    Raises
    ------
    NumprobeError
        If the file is missing, damaged, or lacks the split.
    """
    content = read_sealed_json(path)
    try:
        stored = content["splits"][name]
        folds = tuple(_read_fold(**fold) for fold in stored["folds"])
        return StudySplit(**{**stored, "block": np.array(stored["block"], dtype=np.int8), "folds": folds})
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"no split '{name}': {error!r}") from None


def _read_fold(name: str, test: list[int], validation: list[int], train: list[int], inner: list[list[int]]) -> Fold:
    return Fold(name, tuple(test), tuple(validation), tuple(train), tuple(map(tuple, inner)))
