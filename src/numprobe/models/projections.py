"""Queries, keys and values out of what the projections of a block give, however the family lays them out."""

from collections.abc import Callable

import torch

#: From the outputs [n, width of each] of the projections to queries, keys and values [n, width of each].
Cut = Callable[[list[torch.Tensor]], list[torch.Tensor]]


def apart(projected: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return the outputs of three projections of their own."""
    return projected


def by_kind(queries: int, keys: int) -> Cut:
    """Return the cut of one projection that holds all queries, then all keys, then all values.

    Parameters
    ----------
    queries, keys
        Heads of the queries, and of the keys and the values.
    """

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        (fused,) = projected
        width = fused.shape[1] // (queries + 2 * keys)
        return list(torch.split(fused, [queries * width, keys * width, keys * width], dim=1))

    return cut


def by_group(queries: int, groups: int) -> Cut:
    """Return the cut of one projection that holds, group by group, heads of queries, one of keys and one of values.

    Parameters
    ----------
    queries, groups
        Heads of the queries, and groups of them: 1 is `by_kind` with one key; as many as queries is head by head.
    """

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        (fused,) = projected
        heads = fused.view(len(fused), groups, queries // groups + 2, -1)
        parts = heads[:, :, :-2], heads[:, :, -2], heads[:, :, -1]
        return [part.flatten(start_dim=1) for part in parts]

    return cut


def by_slices(slices: int) -> Cut:
    """Return the cut of one projection that holds queries, values and keys, in this order, in each of some slices."""

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        (fused,) = projected
        query, value, key = fused.view(len(fused), slices, 3, -1).unbind(dim=2)
        return [part.flatten(start_dim=1) for part in (query, key, value)]

    return cut


def latent(heads: int, key_width: int) -> Cut:
    """Return the cut of queries, and of keys and values that come head by head out of a narrow state.

    Keys are without the part that only tells the position, which all heads share and which is rotated.

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
    """Return the cut of three projections of which the first holds, head by head, queries and gates of the output."""

    def cut(projected: list[torch.Tensor]) -> list[torch.Tensor]:
        query, key, value = projected
        return [query.view(len(query), heads, 2, -1)[:, :, 0].flatten(start_dim=1), key, value]

    return cut
