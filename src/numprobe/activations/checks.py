"""Refuse states that cannot be stored faithfully."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from numprobe.activations.store import narrow, widen
from numprobe.errors import NumprobeError

K = TypeVar("K")


def checked(
    batches: Iterable[Mapping[K, np.ndarray]], texts: Callable[[int], str], model: str, dtype: str
) -> Iterator[Mapping[K, np.ndarray]]:
    """Pass batches on, refusing states that are not finite, or that do not fit the type on disk.

    Parameters
    ----------
    batches
        Mappings from layer, or from site and layer, to float32 [rows, width].
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
        rows = 0
        for key, states in batch.items():
            layer = f"{key[1]} ({key[0]})" if isinstance(key, tuple) else key
            rows = len(states)
            bad = _first_bad(states)
            if bad is not None:
                raise NumprobeError(
                    f"model '{model}' has states that are not finite in layer {layer}, prompt {texts(start + bad)!r}: "
                    "run it in another type (dtype: float32), or leave the layer out (states)"
                )
            bad = None if dtype == "float32" else _first_bad(widen(narrow(states, dtype), dtype))
            if bad is not None:
                raise NumprobeError(
                    f"states of model '{model}' in layer {layer} are too large for {dtype}, prompt "
                    f"{texts(start + bad)!r} ({np.abs(states[bad]).max():.3g}): set activations.dtype to float32"
                )
        yield batch
        start += rows


def _first_bad(states: np.ndarray) -> int | None:
    finite = np.isfinite(states)
    return None if finite.all() else int(np.flatnonzero(~finite.all(axis=1))[0])
