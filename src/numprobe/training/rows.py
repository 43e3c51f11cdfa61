"""Tokenised templates with slots, filled for many rows at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from numprobe.training.tokenizer import BOS_ID, FIRST_NUMBER, PAD_ID

Encode = Callable[[str], list[int]]
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Batch:
    """Rows of one length.

    Attributes
    ----------
    tokens
        int64, shape (rows, length), padded on the right.
    scored
        bool, same shape: tokens that the model is trained to predict from those before them.
    weight
        Weight of this batch's mean loss.
    """

    tokens: np.ndarray
    scored: np.ndarray
    weight: float = 1.0


@dataclass(frozen=True)
class Pattern:
    """A tokenised template.

    Attributes
    ----------
    tokens
        int64, shape (length,): begin-of-text, the fixed tokens, and -1 at the slots.
    slots
        Slot name -> position.
    """

    tokens: np.ndarray
    slots: dict[str, int]

    def fill(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return rows with the given token ids in the slots: int64, shape (rows, length)."""
        rows = len(next(iter(columns.values())))
        filled = np.tile(self.tokens, (rows, 1))
        for name, position in self.slots.items():
            filled[:, position] = columns[name]
        return filled

    def scored(self, rows: int, names: tuple[str, ...]) -> np.ndarray:
        """Return a mask that is true at the named slots: bool, shape (rows, length)."""
        mask = np.zeros((rows, len(self.tokens)), dtype=bool)
        mask[:, [self.slots[name] for name in names]] = True
        return mask


def compile_pattern(template: str, encode: Encode) -> Pattern:
    """Tokenise a template such as "{a} plus {b} is {c}".

    Parameters
    ----------
    template
        Text with slots in braces.
    encode
        Maps a text to token ids, without special tokens.
    """
    tokens = [BOS_ID]
    slots: dict[str, int] = {}
    for index, part in enumerate(_SLOT.split(template)):
        if index % 2:
            slots[part] = len(tokens)
            tokens.append(-1)
        else:
            tokens.extend(encode(part))
    return Pattern(np.array(tokens), slots)


def number_tokens(values: np.ndarray) -> np.ndarray:
    """Return the token ids of numbers 0..999."""
    return np.asarray(values) + FIRST_NUMBER


def stack(parts: list[tuple[np.ndarray, np.ndarray]], weight: float = 1.0) -> Batch:
    """Return rows of several lengths as one batch, padded on the right."""
    length = max(tokens.shape[1] for tokens, _ in parts)
    widths = [((0, 0), (0, length - tokens.shape[1])) for tokens, _ in parts]
    tokens = [np.pad(part[0], width, constant_values=PAD_ID) for part, width in zip(parts, widths, strict=True)]
    scored = [np.pad(part[1], width) for part, width in zip(parts, widths, strict=True)]
    return Batch(np.concatenate(tokens), np.concatenate(scored), weight)
