"""Out-of-fold readings: every test row, decoded by the probe of the fold that never saw its number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import RESIDUAL, read_manifest, read_positions, read_states
from numprobe.errors import NumprobeError
from numprobe.probes.controls import control_labels, gaussian_states
from numprobe.probes.probe import ALL, GAUSSIAN_LAYER, Probe
from numprobe.seeding import generator
from numprobe.splits import Fold, Split

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
        "number": pl.Int32,
        "label": pl.Int32,
        "decoded": pl.Int32,
        "operation": pl.String,
        "domain": pl.String,
        "number_tokens": pl.UInt32,
    }
)


def predict(folder: str | Path, probes: Sequence[Probe], per_value: int | None = None) -> pl.DataFrame:
    """Decode the test rows of an activation folder with every probe.

    A row tests if its number is in the fold's test block and its text is not a training text; no fold has seen either.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    probes
        Probes of that model and of one site. Layers that they do not hold (constant ones, or states that were not
        stored) are left out.
    per_value
        At most so many test rows of each number, drawn once for all layers and probes; None: all.

    Returns
    -------
    A table with the columns of `PREDICTION`, by layer in the order of the manifest, then by probe, fold and row.
    `number` is what is written there, `label` what the probe should answer (they differ under `shuffled`).

    Raises
    ------
    NumprobeError
        If no row tests, or the probes do not fit the states.
    """
    positions = read_positions(folder, ["number"])
    return predict_states(_layers(folder, positions, probes), positions, probes, per_value)


def predict_states(
    layers: Iterable[tuple[str, np.ndarray]],
    positions: pl.DataFrame,
    probes: Sequence[Probe],
    per_value: int | None = None,
) -> pl.DataFrame:
    """Decode the test rows of some states with every probe.

    Parameters
    ----------
    layers
        (layer, states [rows, width]); each is in memory only as long as the iterable keeps it there.
    positions
        The position table of the rows: `text_split`, and the columns of `PREDICTION` that tell of a row.
    probes, per_value
        As in `predict`, which describes the table and the errors too.
    """
    tested = [_drawn(held_out_rows(positions, split_of(probe)), positions, per_value, _seed(probe)) for probe in probes]
    parts = [
        _readings(states, positions, rows, probe, layer)
        for layer, states in layers
        for probe, rows in zip(probes, tested, strict=True)
        if layer in probe.layers
    ]
    return pl.concat([pl.DataFrame(schema=PREDICTION), *parts])


def split_of(probe: Probe) -> Split:
    """The value split that a probe file records; without inner groups and the fold of all values."""
    stored = probe.metadata["split"]
    folds = [
        Fold(name, tuple(parts["test"]), tuple(parts["validation"]), tuple(parts["train"]), ())
        for name, parts in stored["folds"].items()
        if name in probe.folds and name != ALL
    ]
    block = np.array(stored["blocks"], dtype=np.int8)
    return Split(int(probe.numbers[0]), int(probe.numbers[-1]), block, tuple(folds))


def held_out_rows(positions: pl.DataFrame, split: Split) -> dict[str, np.ndarray]:
    """Row indices (int64, ascending) of the test rows of each fold that has some.

    Raises
    ------
    NumprobeError
        If no row tests.
    """
    tests = positions.with_row_index("index").filter(
        (pl.col("text_split") != "train") & pl.col("number").is_between(split.minimum, split.maximum)
    )
    index, block = tests["index"].to_numpy().astype(np.int64), split.block_of(tests["number"].to_numpy())
    rows = {fold.name: index[np.isin(block, fold.test)] for fold in split.folds}
    if not any(map(len, rows.values())):
        raise NumprobeError(
            f"no row tests: the context has no test texts with held-out numbers of {split.minimum}..{split.maximum}; "
            "use more texts"
        )
    return {fold: found for fold, found in rows.items() if len(found)}


def _drawn(
    rows: Mapping[str, np.ndarray], positions: pl.DataFrame, per_value: int | None, seed: int
) -> Mapping[str, np.ndarray]:
    """At most `per_value` of the rows of each number, ascending."""
    if per_value is None:
        return rows
    order = generator(seed, "test rows").permutation(positions.height)
    shuffled = pl.DataFrame({"row": order, "number": positions["number"].to_numpy()[order]})
    kept = shuffled.filter(pl.col("row").is_in(np.concatenate(list(rows.values())))).group_by("number").head(per_value)
    return {fold: np.intersect1d(found, kept["row"].to_numpy()) for fold, found in rows.items()}


def labels_of(probe: Probe, values: np.ndarray) -> np.ndarray:
    """Return the label that the probe should give each written number, int64, shape as `values`."""
    return control_labels(control_of(probe), values, split_of(probe), _seed(probe))


def control_of(probe: Probe) -> str:
    """The control that the probe was fitted under, or "none"."""
    return str(probe.metadata.get("control", "none"))


def _layers(folder: str | Path, positions: pl.DataFrame, probes: Sequence[Probe]) -> Iterator[tuple[str, np.ndarray]]:
    """(layer, states) of every layer that a probe reads, one in memory at a time; last the Gaussian control's."""
    wanted = {layer for probe in probes for layer in probe.layers}
    site = str(probes[0].metadata.get("site", RESIDUAL))
    for state in read_manifest(folder)["states"]:
        if state["site"] == site and state["layer"] in wanted:
            yield state["layer"], read_states(folder, state["layer"], site)
    for probe in probes:
        if GAUSSIAN_LAYER in probe.layers:
            yield GAUSSIAN_LAYER, gaussian_states(positions["number"].to_numpy(), probe.width, _seed(probe))
            return


def _readings(
    states: np.ndarray, positions: pl.DataFrame, tested: Mapping[str, np.ndarray], probe: Probe, layer: str
) -> pl.DataFrame:
    found = positions[np.concatenate(list(tested.values()))]
    decoded = [probe.decode(states[rows], layer, fold) for fold, rows in tested.items()]
    table = found.with_columns(
        pl.lit(layer).alias("layer"),
        pl.lit(probe.kind).alias("probe"),
        pl.lit(control_of(probe)).alias("control"),
        pl.Series("fold", [fold for fold, rows in tested.items() for _ in rows]),
        pl.Series("label", labels_of(probe, found["number"].to_numpy())),
        pl.Series("decoded", np.concatenate(decoded)),
    )
    return table.select(pl.col(name).cast(dtype) for name, dtype in PREDICTION.items())


def _seed(probe: Probe) -> int:
    return int(probe.metadata["split"]["seed"])
