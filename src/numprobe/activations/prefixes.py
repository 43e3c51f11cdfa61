"""What the sequences of a batch begin with in common is run once: its keys and values serve all of them.

States equal those of whole sequences up to rounding, for causal models and sequences within `causal_span`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import Cache, DynamicLayer

#: Prefixes are shared where that saves this part of the tokens.
WORTHWHILE = 0.2


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences of one length, and what is read of them.

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
class Pass:
    """A forward pass, and what of a batch is read in it.

    Attributes
    ----------
    batch
        The tokens that are fed, and where states are read.
    rows
        int64: which rows of the whole batch these are.
    cache
        Keys and values of what comes before, filled by the pass of the prefixes; None: nothing does.
    """

    batch: Batch
    rows: np.ndarray
    cache: Any = None


def passes(batch: Batch, share: bool) -> list[Pass]:
    """The forward passes, in order, that read a batch: one, or prefixes first where that saves a fifth of the tokens.

    Parameters
    ----------
    batch
        Sequences; the more of what begins alike stands together, the more is saved.
    share
        Whether prefixes may be shared.
    """
    length = shared_prefix(batch.sequences.numpy()) if share else 0
    return _two_passes(batch, length) if length else [Pass(batch, np.arange(len(batch.where[0])))]


def shared_prefix(sequences: np.ndarray) -> int:
    """The length of prefix that leaves the fewest tokens to run, 0 if none saves a fifth of them.

    Parameters
    ----------
    sequences
        Token ids [batch, tokens]. Sequences count as alike if they stand together.
    """
    batch, tokens = sequences.shape
    differs = sequences[1:] != sequences[:-1]
    common = np.where(differs.any(axis=1), differs.argmax(axis=1), tokens)
    lengths = np.arange(tokens)
    prefixes = 1 + np.searchsorted(np.sort(common), lengths)
    fed = prefixes * lengths + batch * (tokens - lengths)
    best = int(fed.argmin())
    return best if fed[best] <= (1 - WORTHWHILE) * batch * tokens else 0


def _two_passes(batch: Batch, length: int) -> list[Pass]:
    """The distinct prefixes of a length, then all sequences from there on."""
    begins, rest = batch.sequences[:, :length], batch.sequences[:, length:]
    changed = (begins[1:] != begins[:-1]).any(dim=1)
    group = torch.cat([torch.zeros(1, dtype=torch.int64), changed.cumsum(dim=0)])
    first = torch.cat([torch.ones(1, dtype=torch.bool), changed])
    sequence, token = batch.where
    early = token < length
    cache = Cache(layer_class_to_replicate=lambda: _PrefixLayer(group))
    before = Batch(begins[first], (group.numpy()[sequence[early]], token[early]))
    after = Batch(rest, (sequence[~early], token[~early] - length))
    return [Pass(before, np.flatnonzero(early), cache), Pass(after, np.flatnonzero(~early), cache)]


class _PrefixLayer(DynamicLayer):  # type: ignore[misc]
    """Keeps the keys and values of the prefixes, and hands them to the sequences of each without keeping theirs."""

    def __init__(self, group: torch.Tensor) -> None:
        super().__init__()
        self.group = group

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            return super().update(key_states, value_states)  # type: ignore[no-any-return]
        group = self.group.to(key_states.device)
        return _after(self.keys, group, key_states), _after(self.values, group, value_states)


def _after(prefixes: torch.Tensor, group: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """Keys or values [batch, heads, tokens, width] behind those of each sequence's prefix."""
    return torch.cat([prefixes[group], states], dim=-2)


def merge(found: list[tuple[Pass, torch.Tensor]]) -> torch.Tensor:
    """The states [n, width] of a batch in the order of its rows, from those of its passes."""
    if len(found) == 1:
        return found[0][1]
    order = torch.from_numpy(np.argsort(np.concatenate([one.rows for one, _ in found])))
    states = torch.cat([states for _, states in found])
    return states[order.to(states.device)]
