"""Prefixes shared within a batch are computed once: prefixes and their continuations share one pass.

Each row holds prefixes, and after each the rests of the sequences that begin with it. Every token keeps its position in
its sequence, and a mask lets it attend to its own prefix and rest only. States equal those of whole sequences up to
rounding, for causal models and sequences within `causal_span`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

#: Prefixes are shared if that saves at least this fraction of the tokens.
WORTHWHILE = 0.2
# In rows of so many tokens attention costs about as much as all else (an estimate: it only sets how long rows are).
_ATTENTION_TOKENS = 1000


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences of one length, and the tokens that are read.

    Attributes
    ----------
    sequences
        int64 [batch, tokens]: token ids.
    where
        Two integer arrays [n]: index into the batch, and index of the token.
    """

    sequences: torch.Tensor
    where: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Layout:
    """Layout of the tokens of several sequences in one row; each int64 [rows, tokens].

    Attributes
    ----------
    positions
        Each token's place in its sequence.
    prefix
        The prefix that it belongs to or follows; -1 for padding.
    sequence
        The sequence that it belongs to; -1 for tokens of a prefix.
    """

    positions: torch.Tensor
    prefix: torch.Tensor
    sequence: torch.Tensor

    def visible(self, device: torch.device | str = "cpu") -> torch.Tensor:
        """Return whether a token (second axis) attends to another (third axis), bool [rows, tokens, tokens]."""
        prefix, sequence = self.prefix.to(device), self.sequence.to(device)
        same = prefix[:, :, None] == prefix[:, None, :]
        own = (sequence[:, None, :] == -1) | (sequence[:, :, None] == sequence[:, None, :])
        return (same & own).tril()


@dataclass(frozen=True, eq=False)
class Pass:
    """The forward pass that reads a batch.

    Attributes
    ----------
    batch
        The tokens that are fed, and where the states of the batch's rows are read among them, in the same order.
    layout
        None: each row is a sequence.
    """

    batch: Batch
    layout: Layout | None = None


def plan_pass(batch: Batch, share: bool) -> Pass:
    """Return the pass that reads a batch: whole sequences, or prefixes once if that saves a fifth of the tokens.

    Parameters
    ----------
    batch
        Sequences; only adjacent ones share prefixes, so sorted sequences save the most.
    share
        Whether prefixes may be shared.
    """
    length = shared_prefix(batch.sequences.numpy()) if share else 0
    return pack(batch, length) if length else Pass(batch)


def shared_prefix(sequences: np.ndarray) -> int:
    """Return the prefix length that leaves the fewest tokens to compute; 0 if none saves a fifth of them.

    Parameters
    ----------
    sequences
        Token ids [batch, tokens]. Only adjacent sequences share prefixes.
    """
    batch, tokens = sequences.shape
    differs = sequences[1:] != sequences[:-1]
    common = np.where(differs.any(axis=1), differs.argmax(axis=1), tokens)
    lengths = np.arange(tokens)
    prefixes = 1 + np.searchsorted(np.sort(common), lengths)
    fed = prefixes * lengths + batch * (tokens - lengths)
    best = int(fed.argmin())
    return best if fed[best] <= (1 - WORTHWHILE) * batch * tokens else 0


class _Piece(NamedTuple):
    """A prefix in a row, and the number of rests that follow it."""

    row: int
    start: int
    rests: int


def pack(batch: Batch, length: int) -> Pass:
    """Return the pass that holds each prefix of a given length once, followed by the rests of its sequences.

    Parameters
    ----------
    batch
        Sequences; those with a common prefix are adjacent.
    length
        Tokens of a prefix, fewer than of a sequence. Rows are about equally long.
    """
    sequences = batch.sequences.numpy()
    count, tokens = sequences.shape
    changed = (sequences[1:, :length] != sequences[:-1, :length]).any(axis=1)
    sizes = np.diff(np.flatnonzero(np.concatenate([[True], changed, [True]])))
    pieces = _pieces(sizes.tolist(), length, tokens - length)
    row, start, rests = np.array(pieces).T
    piece = np.repeat(np.arange(len(pieces)), rests)
    within = np.arange(count) - np.repeat(np.cumsum(rests) - rests, rests)
    behind = start[piece] + length + within * (tokens - length)
    # Column of each token of each sequence; the sequences of a piece share those of the prefix.
    place = np.arange(tokens)
    at = np.where(place < length, start[piece][:, None] + place, behind[:, None] + place - length)
    rows = row[piece][:, None]
    shape = (int(row[-1]) + 1, int(at.max()) + 1)
    fed, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    prefix, own = np.full(shape, -1), np.full(shape, -1)
    fed[rows, at], positions[rows, at], prefix[rows, at] = sequences, place, piece[:, None]
    own[rows, at] = np.where(place < length, -1, np.arange(count)[:, None])
    sequence, token = batch.where
    where = row[piece[sequence]], at[sequence, token]
    layout = Layout(*(torch.from_numpy(each) for each in (positions, prefix, own)))
    return Pass(Batch(torch.from_numpy(fed), where), layout)


def _pieces(sizes: Sequence[int], length: int, rest: int) -> list[_Piece]:
    """Place prefixes of `length` tokens, each with `sizes` rests of `rest` tokens, in rows of the cheapest length.

    Short rows repeat prefixes, long rows cost attention: with x tokens of rests per prefix, each of them
    costs (length + x) / x (_ATTENTION_TOKENS + length + x), least at x^2 = length (_ATTENTION_TOKENS + length).
    """
    best = length + max(rest, math.sqrt(length * (_ATTENTION_TOKENS + length)))
    total = sum(length + size * rest for size in sizes)
    # A row wastes less than a prefix and a rest: what does not fit, or a repeated prefix.
    capacities = {math.ceil(total / math.ceil(total / best)) + length + rest}
    largest = length + max(sizes) * rest
    if largest <= 2 * best:
        # Nothing is wasted if all prefixes have equally many rests.
        capacities.add(largest)
    return min(
        (list(_filled(sizes, length, rest, capacity)) for capacity in sorted(capacities)), key=_cost(length, rest)
    )


def _cost(length: int, rest: int) -> Callable[[list[_Piece]], int]:
    def cost(pieces: list[_Piece]) -> int:
        rows, longest = pieces[-1].row + 1, max(start + length + rests * rest for _, start, rests in pieces)
        return rows * longest * (_ATTENTION_TOKENS + longest)

    return cost


def _filled(sizes: Sequence[int], length: int, rest: int, capacity: int) -> Iterator[_Piece]:
    """Yield rows of at most `capacity` tokens; rests that do not fit go to the next row, after the prefix again."""
    row = start = 0
    for size in sizes:
        left = size
        while left:
            fitting = min(left, (capacity - start - length) // rest)
            if fitting > 0:
                yield _Piece(row, start, fitting)
                start += length + fitting * rest
                left -= fitting
            else:
                row, start = row + 1, 0
