"""Activation folders and probes with known readings, written and read through the real modules."""

import numpy as np
import polars as pl

from numprobe.activations.store import write_activations
from numprobe.probes.dataset import describe_split, whole_fold
from numprobe.probes.probe import Probe
from numprobe.splits import make_split

MAXIMUM = 99
SPLIT = make_split(0, MAXIMUM, "folds", 4, 2, 0)
WIDTH = 3


def _factor(layer):
    """States of layer k are k + 1 times those of layer 0."""
    return int(layer) + 1 if layer.isdigit() else 1


def write_folder(folder, values, layers=("0", "1"), error=0, context="number", seen=None, **columns):
    """States whose first component is the value plus `error`, times a factor of the layer."""
    values = np.asarray(values)
    row = np.arange(len(values))
    unsaid = {"operation": None, "domain": None, "text_split": "any", "start": 0, "number_tokens": 1, "prompt": row}
    known = {**unsaid, **columns}
    positions = pl.DataFrame({"row": row.astype(np.uint32), "number": values.astype(np.int32)}).with_columns(
        pl.lit(value if isinstance(value, str | int | None) else pl.Series(value)).alias(name)
        for name, value in known.items()
    )
    seen = values if seen is None else np.asarray(seen)
    states = np.zeros((len(values), WIDTH), dtype=np.float32)
    states[:, 0] = seen + error
    batch = {layer: states * _factor(layer) for layer in layers}
    details = {"model": "fake", "context": context, "weights_sha256": "0"}
    write_activations(
        folder, [batch], layers=layers, width=WIDTH, dtype="float32", positions=positions, details=details
    )
    return folder


def make_probe(layers=("0", "1"), control="none", offsets=None, folds=None, constant=(), context="number"):
    """A linear probe that reads the states of `write_folder` correctly, plus an offset per fold."""
    split_folds = [whole_fold(SPLIT), *SPLIT.folds]
    names = folds or [fold.name for fold in split_folds]
    tensors = {
        (layer, fold): {
            "mean": np.zeros(WIDTH),
            "scale": np.ones(1),
            "weight": np.array([[1 / _factor(layer)], [0], [0]], dtype=np.float32),
            "columns": np.zeros(1, dtype=np.int32),
            "precision": np.ones(1, dtype=np.float32),
            "target_mean": np.full(1, (offsets or {}).get(fold, 0), dtype=np.float32),
        }
        for layer in layers
        for fold in names
    }
    metadata = {
        "model": "fake",
        "context": context,
        "weights_sha256": "0",
        "control": control,
        "split": describe_split(SPLIT, split_folds),
    }
    return Probe(
        "linear", np.arange(MAXIMUM + 1), tuple(layers), tuple(names), tuple(constant), WIDTH, metadata, tensors
    )
