"""Activation folders whose layers hold the numbers as waves, each on its own scale, at its own place."""

import numpy as np
import polars as pl

from numprobe.activations.store import write_activations

VALUES = np.arange(100)
_PERIODS = np.array([2, 5, 10, 100])


def waves(seed, width=24):
    """Each period in a random plane that the seed chooses, [100, width]."""
    planes = np.random.default_rng(seed).standard_normal((2 * len(_PERIODS), width)) / np.sqrt(width)
    angle = 2 * np.pi * VALUES[:, None] / _PERIODS
    return np.hstack([np.cos(angle), np.sin(angle)]) @ planes


def write_waves(folder, shapes, context="number", noise=0.01):
    """Layer -> (scale, place, seed of the directions); one row for each number 0..99."""
    random = np.random.default_rng(1)
    states = {
        layer: (scale * (waves(seed) + place + noise * random.standard_normal((100, 24)))).astype(np.float32)
        for layer, (scale, place, seed) in shapes.items()
    }
    row = np.arange(100, dtype=np.uint32)
    positions = pl.DataFrame(
        {
            "row": row,
            "number": VALUES.astype(np.int32),
            "prompt": row,
            "start": 0,
            "number_tokens": 1,
            "text_split": "any",
        }
    ).with_columns(operation=pl.lit(None, pl.String), domain=pl.lit(None, pl.String))
    details = {"model": "fake", "context": context, "weights_sha256": "0"}
    write_activations(
        folder, [states], layers=list(states), width=24, dtype="float32", positions=positions, details=details
    )
    return folder
