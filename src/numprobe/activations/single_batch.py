"""Write folders of states that are already in memory, such as rows of a matrix, as a single batch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.activations.checks import state_check
from numprobe.activations.store import write_activations


def write_single_batch(
    folder: str | Path,
    states: Mapping[str, np.ndarray],
    positions: pl.DataFrame,
    text: str,
    dtype: str,
    details: Mapping[str, Any],
) -> None:
    """Check states and write their folder (docs/files.md).

    Parameters
    ----------
    folder
        Where to write.
    states
        Layer -> float32 [rows, width].
    positions
        The position table.
    text
        Its column that names a row in messages.
    dtype
        Type on disk.
    details
        Further entries of the manifest, as for `numprobe.activations.store.writing_states`, with `model` and `context`.

    Raises
    ------
    NumprobeError
        If a state is not finite, or too large for `dtype`.
    """
    write_activations(
        folder,
        [states] if positions.height else [],
        layers=list(states),
        width=next(iter(states.values())).shape[1],
        dtype=dtype,
        positions=positions,
        details=details,
        check=state_check(lambda row: str(positions[text][row]), details["model"], details["context"], dtype),
    )
