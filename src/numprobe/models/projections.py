"""Split the outputs of a block's projections into queries, keys and values, whatever the layout of the family."""

from collections.abc import Callable

import torch

#: Maps the outputs [n, width of each] of the projections to queries, keys and values [n, width of each].
Cut = Callable[[list[torch.Tensor]], list[torch.Tensor]]


def apart(projected: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return the outputs of three separate projections unchanged."""
    return projected


def by_kind(queries: int, keys: int) -> Cut:
    """Return the split of one projection that holds all queries, then all keys, then all values.

    Parameters
    ----------
    queries, keys
        Numbers of query heads, and of key and value heads.
    """

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        (fused,) = projected
        width = fused.shape[1] // (queries + 2 * keys)
        return list(torch.split(fused, [queries * width, keys * width, keys * width], dim=1))

    return cut


def by_group(queries: int, groups: int) -> Cut:
    """Return the split of one projection that holds, group by group, query heads, a key head and a value head.

    Parameters
    ----------
    queries, groups
        Numbers of query heads and of groups: 1 equals `by_kind` with one key; as many as queries is head by head.
    """

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        (fused,) = projected
        heads = fused.view(len(fused), groups, queries // groups + 2, -1)
        parts = heads[:, :, :-2], heads[:, :, -2], heads[:, :, -1]
        return [part.flatten(start_dim=1) for part in parts]

    return cut


def by_slices(slices: int) -> Cut:
    """Return the split of one projection that holds queries, values and keys, in this order, in each slice."""

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        (fused,) = projected
        query, value, key = fused.view(len(fused), slices, 3, -1).unbind(dim=2)
        return [part.flatten(start_dim=1) for part in (query, key, value)]

    return cut


def latent(heads: int, key_width: int) -> Cut:
    """Return the split of queries, and of keys and values projected head by head from a latent state.

    Keys lack the rotary part, which encodes only the position and is shared by all heads.

    Parameters
    ----------
    heads
        Attention heads.
    key_width
        Components of a head's keys; its values are the rest.
    """

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        query, both = projected
        by_head = both.view(len(both), heads, -1)
        return [query, by_head[:, :, :key_width].flatten(start_dim=1), by_head[:, :, key_width:].flatten(start_dim=1)]

    return cut


def gated(heads: int) -> Cut:
    """Return the split of three projections where the first holds, head by head, queries and output gates."""

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        query, key, value = projected
        return [query.view(len(query), heads, 2, -1)[:, :, 0].flatten(start_dim=1), key, value]

    return cut
