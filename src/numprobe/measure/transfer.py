"""Does a probe that was fitted in one context read the numbers of another, numbers that it has seen in neither?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numprobe.measure.accuracy import constant_state_rows, score
from numprobe.measure.predict import predict
from numprobe.probes.probe import Probe

METRICS = ("accuracy", "mae", "r2")


def transfer_rows(
    folders: Mapping[str, Path], probes: Mapping[str, Probe], resamples: int, seed: int
) -> list[dict[str, Any]]:
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
    row without a value where the fitted states are constant.
    """
    rows = []
    for fit_context, probe in probes.items():
        for context, folder in folders.items():
            pair = {"context": context, "fit_context": fit_context}
            for part in predict(folder, [probe]).partition_by("layer", maintain_order=True):
                names = {**pair, "layer": part["layer"][0], "probe": probe.kind}
                rows += [{**names, **row} for row in score(part, METRICS, resamples, seed)]
            rows += [{**pair, **row} for row in constant_state_rows([probe], seed)]
    return rows
