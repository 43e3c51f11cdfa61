"""Refuse states that cannot be stored faithfully."""

from collections.abc import Callable

import numpy as np

from numprobe.activations.columns import not_finite, widen
from numprobe.activations.store import RESIDUAL, Check, Key, state_file
from numprobe.errors import NumprobeError
from numprobe.texts import excerpt


def state_check(texts: Callable[[int], str], model: str, context: str, dtype: str) -> Check:
    """Return a function that refuses states that are not finite or do not fit the type on disk.

    It takes site and layer, the row of the first state, and states [rows, width] as stored
    (`numprobe.activations.columns.narrow`), and raises a NumprobeError that names model, context, layer, prompt, file
    and row.

    Parameters
    ----------
    texts
        The text of a row, for messages.
    model, context
        Their names, for messages.
    dtype
        Type on disk.
    """

    def check(key: Key, first: int, stored: np.ndarray) -> None:
        row = not_finite(stored, dtype)
        if row is not None:
            site, layer = key
            inside = "" if site == RESIDUAL else f" ({site})"
            file = f"row {first + row} of {state_file(layer, site)}"
            where = f"layer {layer}{inside}, prompt {excerpt(texts(first + row))} (context {context}, {file})"
            raise NumprobeError(_refusal(stored[row], dtype, model, where))

    return check


def _refusal(stored: np.ndarray, dtype: str, model: str, where: str) -> str:
    if dtype == "float32" or np.isnan(widen(stored, dtype)).any():
        remedy = "run it in another type (dtype: float32), or leave the layer out (states)"
        return f"model '{model}' has states that are not finite in {where}: {remedy}"
    wider = "bfloat16, which takes no more room, or float32" if dtype == "float16" else "float32"
    return f"model '{model}' has states that are too large for {dtype} in {where}: set activations.dtype to {wider}"
