"""Out-of-fold readings: every test row, decoded by the probe of the fold that never saw its number."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.errors import NumprobeError
from numprobe.probes.controls import control_labels, gaussian_states
from numprobe.probes.probe import ALL, GAUSSIAN_LAYER, Probe
from numprobe.splits import Split, make_split

SplitKey = tuple[int, int, str, int, int]

#: One row per decoded state, probe and control.
PREDICTION = pl.Schema(
    {
        "row": pl.UInt32,
        "prompt": pl.UInt32,
        "start": pl.UInt32,
        "layer": pl.String,
        "probe": pl.String,
        "control": pl.String,
        "fold": pl.String,
        "value": pl.Int32,
        "label": pl.Int32,
        "decoded": pl.Int32,
        "operation": pl.String,
        "domain": pl.String,
    }
)


def predict(folder: str | Path, probes: Sequence[Probe]) -> pl.DataFrame:
    """Decode the test rows of an activation folder with every probe.

    A row tests if its number is in the fold's test block and its text is not a training text; no fold has seen either.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    probes
        Probes of that model. Layers that they do not hold (constant ones, or states that were not stored) are left out.

    Returns
    -------
    A table with the columns of `PREDICTION`, by layer in the order of the manifest, then by probe, fold and row.
    `value` is the number that is written there, `label` what the probe should answer (they differ under `shuffled`).

    Raises
    ------
    NumprobeError
        If a number lies outside a probe's range, or no row tests.
    """
    positions = read_positions(folder)
    tested = {split: held_out_rows(positions, split_of(split)) for split in {split_key(probe) for probe in probes}}
    parts = [
        _readings(states, positions, tested[split_key(probe)], probe, layer)
        for layer, states in _layers(folder, positions, probes)
        for probe in probes
        if layer in probe.layers
    ]
    return pl.concat([_empty(), *parts])


def split_key(probe: Probe) -> SplitKey:
    """What determines a probe's value split: minimum, maximum, scheme, folds, seed."""
    split = probe.metadata["split"]
    return int(probe.numbers[0]), int(probe.numbers[-1]), split["scheme"], split["folds"], split["seed"]


@lru_cache
def split_of(key: SplitKey) -> Split:
    """The split that `split_key` names. Its inner groups are those of no fit: evaluation does not need them."""
    minimum, maximum, scheme, folds, seed = key
    return make_split(minimum, maximum, scheme, folds, 1, seed)


def held_out_rows(positions: pl.DataFrame, split: Split) -> dict[str, np.ndarray]:
    """Row indices of the test rows of each fold, ascending, int64.

    Raises
    ------
    NumprobeError
        If a number lies outside the split, or no row tests.
    """
    values = positions["value"].to_numpy()
    if len(values) and not split.minimum <= values.min() <= values.max() <= split.maximum:
        raise NumprobeError(
            f"the states are of numbers {values.min()}..{values.max()}, the probe of {split.minimum}..{split.maximum}: "
            "fit the probe again on the same range"
        )
    unread = (positions["text_split"] != "train").to_numpy()
    block = split.block_of(values)
    rows = {fold.name: np.flatnonzero(unread & np.isin(block, fold.test)) for fold in split.folds}
    if not any(map(len, rows.values())):
        raise NumprobeError("no row tests: the context has no test texts with numbers of a test fold; use more texts")
    return rows


def labels_of(probe: Probe, values: np.ndarray) -> np.ndarray:
    """What the probe should answer for each written number, int64, shape as `values`."""
    key = split_key(probe)
    return control_labels(control_of(probe), values, split_of(key), key[-1])


def control_of(probe: Probe) -> str:
    """The control that the probe was fitted under, or "none"."""
    return str(probe.metadata.get("control", "none"))


def check_origin(path: str | Path, probe: Probe, model: str, context: str) -> None:
    """See to it that a probe was fitted on this model in this context.

    Raises
    ------
    NumprobeError
        If it was fitted elsewhere.
    """
    found = (probe.metadata.get("model"), probe.metadata.get("context"))
    if found != (model, context):
        raise NumprobeError(
            f"{path} was fitted on model {found[0]} in context {found[1]}, not on {model} in {context}: name that one's"
        )


def _layers(folder: str | Path, positions: pl.DataFrame, probes: Sequence[Probe]) -> Iterator[tuple[str, np.ndarray]]:
    """(layer, states) of every layer that a probe reads, one in memory at a time; last the Gaussian control's."""
    wanted = {layer for probe in probes for layer in probe.layers}
    for state in read_manifest(folder)["states"]:
        if state["site"] == "residual" and state["layer"] in wanted:
            yield state["layer"], read_states(folder, state["layer"])
    for probe in probes:
        if GAUSSIAN_LAYER in probe.layers:
            yield GAUSSIAN_LAYER, gaussian_states(positions["value"].to_numpy(), probe.width, split_key(probe)[-1])
            return


def _readings(
    states: np.ndarray, positions: pl.DataFrame, tested: Mapping[str, np.ndarray], probe: Probe, layer: str
) -> pl.DataFrame:
    folds = [fold for fold in probe.folds if fold != ALL and len(tested[fold])]
    if not folds:
        return _empty()
    found = positions[np.concatenate([tested[fold] for fold in folds])]
    table = found.with_columns(
        pl.lit(layer).alias("layer"),
        pl.lit(probe.kind).alias("probe"),
        pl.lit(control_of(probe)).alias("control"),
        pl.Series("fold", [fold for fold in folds for _ in tested[fold]]),
        pl.Series("label", labels_of(probe, found["value"].to_numpy())),
        pl.Series("decoded", np.concatenate([probe.decode(states[tested[fold]], layer, fold) for fold in folds])),
    )
    return table.select(pl.col(name).cast(dtype) for name, dtype in PREDICTION.items())


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema=PREDICTION)
