"""Does a probe that was fitted in one context read the numbers of another, numbers that it has seen in neither?"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.intervals import change_interval
from numprobe.measure.accuracy import constant_state_rows, score
from numprobe.measure.predict import predict
from numprobe.probes.probe import Probe

METRICS = ("accuracy", "mae", "r2")
#: Accuracy minus that of the tested context's own probe in the same layer, paired row by row.
DIFFERENCE = "accuracy_difference"

Row = dict[str, Any]


def transfer_rows(folders: Mapping[str, Path], probes: Mapping[str, Probe], resamples: int, seed: int) -> list[Row]:
    """Every pair of contexts of one model, each with itself too, layer by layer.

    The value split is the same in every context, so the numbers that test a fold are new to its probe wherever they
    stand.

    Parameters
    ----------
    folders
        Context -> its activation folder.
    probes
        Context -> the probe that was fitted in it.
    resamples, seed
        Of the bootstrap over values.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `context` (tested) and `fit_context`, without `model`; a
    row without a value where the fitted states are constant. Between contexts also `DIFFERENCE`.
    """
    rows: list[Row] = []
    own = {context: predict(folders[context], [probe]) for context, probe in probes.items()}
    for fit_context, probe in probes.items():
        for context, folder in folders.items():
            pair = {"context": context, "fit_context": fit_context}
            read = own[context] if context == fit_context else predict(folder, [probe])
            for part in read.partition_by("layer", maintain_order=True):
                names = {**pair, "layer": part["layer"][0], "probe": probe.kind}
                rows += [{**names, **row} for row in score(part, METRICS, resamples, seed)]
                if context != fit_context:
                    rows += [{**names, **row} for row in _over_own(part, own[context], seed)]
            rows += [{**pair, **row} for row in constant_state_rows([probe], seed)]
    return rows


def _over_own(read: pl.DataFrame, own: pl.DataFrame, seed: int) -> Iterator[Row]:
    """Yield what a probe reads in a layer minus what the context's own probe reads there, if that reads the layer."""
    key = ["layer", "row", "fold"]
    pairs = read.join(own.select(*key, own="decoded"), on=key, maintain_order="left")
    if pairs.height:
        label, decoded, rival = (pairs[name].to_numpy().astype(np.int64) for name in ("label", "decoded", "own"))
        interval = change_interval(label, rival == label, decoded == label)
        yield {"metric": DIFFERENCE, **interval.columns(), "seed": seed}
