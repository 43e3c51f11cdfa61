"""Assign every prompt to the fold that never saw its number, whose probe and patterns are used for it."""

from collections.abc import Collection, Mapping
from typing import Protocol

import numpy as np

from numprobe.seeding import derive_seed
from numprobe.splits import Split

#: Fold -> rows (int64, ascending) of the prompts whose number is a test number of the fold.
Folds = Mapping[str, np.ndarray]


class StatesOfNumbers(Protocol):
    """A map from numbers to states, such as `numprobe.probes.patterns.Patterns`."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds."""

    @property
    def width(self) -> int:
        """Components per state."""

    def states(self, values: np.ndarray, layer: str, fold: str) -> np.ndarray:
        """Return the states [n, width] of the numbers `values`, int [n], in a layer according to a fold."""


def unseen_folds(values: np.ndarray, split: Split, folds: Collection[str]) -> Folds:
    """Return the rows of the prompts that each fold tests; folds without rows are left out.

    Prompts of numbers that no fold tests are in none of them; filter them with `is_tested`.

    Parameters
    ----------
    values
        int [n]: the number of each prompt, such as its true result.
    split
        Values and folds.
    folds
        Names of the folds that were fitted.
    """
    within = (values >= split.minimum) & (values <= split.maximum)
    block = np.full(len(values), -1)
    block[within] = split.block_of(values[within])
    rows = {fold.name: np.flatnonzero(np.isin(block, fold.test)) for fold in split.folds if fold.name in folds}
    return {fold: found for fold, found in rows.items() if len(found)}


def is_tested(values: np.ndarray, split: Split, folds: Collection[str]) -> np.ndarray:
    """Return whether some fold tests a prompt's number, bool [n]; parameters as in `unseen_folds`."""
    mark = np.zeros(len(values), dtype=bool)
    for rows in unseen_folds(values, split, folds).values():
        mark[rows] = True
    return mark


def pattern_states(patterns: StatesOfNumbers, folds: Folds, numbers: np.ndarray, layer: str) -> np.ndarray:
    """Return the state of each prompt's number according to the prompt's own fold, float32 [n, width].

    Parameters
    ----------
    patterns
        The forward model (`numprobe.probes.patterns.Patterns`).
    folds
        Rows of each fold; together all n.
    numbers
        int [n]: the number to write in each prompt.
    layer
        One of the patterns' layers.
    """
    states = np.full((len(numbers), patterns.width), np.nan, dtype=np.float32)
    for fold, rows in folds.items():
        states[rows] = patterns.states(numbers[rows], layer, fold)
    return states


def other_numbers(taken: np.ndarray, prompts: np.ndarray, split: Split, folds: Folds, seed: int) -> np.ndarray:
    """Draw a wrong number for each prompt, int64 [n]: a test number of its fold, unseen like the right one.

    Parameters
    ----------
    taken
        int [n, k]: numbers excluded for each prompt, such as its right number.
    prompts
        int [n]: indices of the prompts, each of which has a separate draw.
    split, folds
        Values and folds, and the rows of each fold.
    seed
        The study's seed.
    """
    others = np.full(len(taken), split.minimum, dtype=np.int64)
    blocks = {fold.name: fold.test for fold in split.folds}
    for fold, rows in folds.items():
        numbers = split.values_in(blocks[fold])
        for row in rows:
            choices = numbers[~np.isin(numbers, taken[row])]
            others[row] = choices[derive_seed(seed, "wrong number", int(prompts[row])) % len(choices)]
    return others
