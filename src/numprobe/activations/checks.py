"""Refuse states that cannot be stored faithfully."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from numprobe.activations.columns import narrow, widen
from numprobe.errors import NumprobeError

K = TypeVar("K")
# Infinity as an integer.
_INFINITY = {"float32": 0x7F800000, "float16": 0x7C00, "bfloat16": 0x7F80}


def checked(
    batches: Iterable[Mapping[K, np.ndarray]], texts: Callable[[int], str], model: str, dtype: str
) -> Iterator[Mapping[K, np.ndarray]]:
    """Pass batches on as they are stored, refusing states that are not finite, or that do not fit the type on disk.

    Parameters
    ----------
    batches
        Mappings from layer, or from site and layer, to [rows, width]: float32, or as stored
        (`numprobe.activations.columns.narrow`).
    texts
        The text of a row, for messages.
    model
        The model's name, for messages.
    dtype
        Type on disk.

    Raises
    ------
    NumprobeError
        Naming model, layer and prompt.
    """
    start = 0
    for batch in batches:
        stored = {key: narrow(states, dtype) for key, states in batch.items()}
        for key, states in stored.items():
            if _largest(states) >= _INFINITY[dtype]:
                row = int(np.flatnonzero(~np.isfinite(widen(states, dtype)).all(axis=1))[0])
                layer = f"{key[1]} ({key[0]})" if isinstance(key, tuple) else key
                where = f"layer {layer}, prompt {texts(start + row)!r}"
                raise NumprobeError(_refusal(states[row], dtype, model, where))
        yield stored
        start += len(next(iter(stored.values())))


def _largest(stored: np.ndarray) -> int:
    """The largest magnitude as an integer; magnitudes compare as their bits do, from 0 over infinity to no number."""
    if not stored.size:
        return 0
    size = stored.itemsize
    # The largest of the positive numbers, and that of the negative ones without its sign.
    signs = 1 << (8 * size - 1)
    return max(int(stored.view(f"i{size}").max()), int(stored.view(f"u{size}").max()) & ~signs)


def _refusal(stored: np.ndarray, dtype: str, model: str, where: str) -> str:
    if dtype == "float32" or np.isnan(widen(stored, dtype)).any():
        remedy = "run it in another type (dtype: float32), or leave the layer out (states)"
        return f"model '{model}' has states that are not finite in {where}: {remedy}"
    remedy = "set activations.dtype to float32"
    return f"model '{model}' has states that are too large for {dtype} in {where}: {remedy}"
