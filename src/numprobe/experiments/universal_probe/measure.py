"""Measure one probe for all layers, and one for all layers and contexts, against the probe of each layer."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from numprobe.experiments.given import Given
from numprobe.intervals import change_interval
from numprobe.measure.accuracy import constant_answer_rows, constant_state_rows, in_layers
from numprobe.measure.by_layer import layer_rows, marked
from numprobe.measure.predict import predict
from numprobe.probes.pooled import NORMALISATIONS
from numprobe.probes.probe import ALL, Probe, load_probe
from numprobe.tables import Row

#: Values of `fitted_on`: one layer, all layers of one context, all layers of all contexts.
OWN, LAYERS, CONTEXTS = "one layer", "all layers", "all layers and contexts"
#: Value of `normalisation` of probes whose normalisation inner values chose, fold by fold.
CHOSEN = "chosen"
#: Value of `normalisation` where the probe of all contexts reads without the name of the context.
UNNAMED = "chosen, context unknown"
METRICS = ("accuracy", "mae")
DIFFERENCE = "accuracy_difference"
#: Columns of the table beside the shared ones: what a probe was fitted on, and how states are centred and scaled.
EXTRA = {"fitted_on": pl.String, "normalisation": pl.String}


def evaluate_universal_probe(given: Given) -> None:
    """Write the table of a run: one probe for all layers and contexts beside a probe of each."""
    own, variants, universal = (map(load_probe, given.inputs[name]) for name in ("own", "variants", "universal"))
    folders, values = given.by_context("states"), given.values
    found = universal_rows(
        folders,
        dict(zip(folders, own, strict=True)),
        list(variants),
        list(universal),
        given.control,
        values["resamples"],
        values["seed"],
    )
    placed = in_layers([row for row in found if "layer" in row], values["layers"])
    rows = placed + [row for row in found if "layer" not in row]
    given.write_rows(rows, EXTRA)


def universal_rows(
    folders: Mapping[str, Path],
    own: Mapping[str, Probe],
    pooled: Sequence[Probe],
    universal: Sequence[Probe],
    control: str,
    resamples: int,
    seed: int,
) -> list[Row]:
    """Measure every probe of several states beside the probe of each state.

    Parameters
    ----------
    folders
        Context -> its activation folder.
    own
        Context -> the probe with weights of its own for each layer.
    pooled
        Probes with one normalisation each, of all layers of one context or of all contexts.
    universal
        The universal probe, its normalisation chosen, then its controls.
    control
        "untrained" or "mixed" marks the rows as this control's, without the constant answer, which is the model's.
    resamples, seed
        Of the bootstrap over values.

    Returns
    -------
    Rows for `numprobe.tables.measurements` without `model`, with `fitted_on` and `normalisation`. Metric
    "accuracy_difference": accuracy minus that of the layer's own probe on the same rows, paired within each number.
    Metric "chosen_share": the share of folds in which inner values chose a normalisation.
    """
    rows: list[Row] = []
    for context, folder in folders.items():
        baseline = predict(folder, [own[context]])
        plain = {"context": context, "fitted_on": OWN}
        rows += [{**plain, **row} for row in layer_rows(baseline, METRICS, resamples, seed)]
        rows += [{**plain, **row} for row in constant_state_rows([own[context]], seed)]
        constant = constant_answer_rows(baseline, seed)
        rows += [{"context": context, **row} for row in constant if row["metric"] in METRICS]
        for names, probe in _readers(context, pooled, universal):
            found = predict(folder, [probe])
            measured = [*layer_rows(found, METRICS, resamples, seed)]
            if found["control"][0] == "none":
                measured += _differences(found, baseline, seed)
            rows += [{"context": context, **names, **row} for row in measured]
    return marked(rows + _choices(universal[0], seed), control)


def _choices(universal: Probe, seed: int) -> list[Row]:
    """Return the share of the folds that chose each normalisation."""
    chosen = [universal.metadata["normalisation"][fold] for fold in universal.folds if fold != ALL]
    names = {"fitted_on": CONTEXTS, "probe": universal.kind, "metric": "chosen_share", "seed": seed}
    return [{**names, "normalisation": name, "value": chosen.count(name) / len(chosen)} for name in NORMALISATIONS]


def _readers(
    context: str, pooled: Sequence[Probe], universal: Sequence[Probe]
) -> Iterator[tuple[dict[str, str], Probe]]:
    """Yield all probes that read a context, with the columns that distinguish them."""
    # For a model that is read in one context alone, the probe of all contexts is that of the context: once is enough.
    pooled_once = {(*probe.metadata["contexts"], probe.metadata["normalisation"]): probe for probe in pooled}
    for (*contexts, normalisation), probe in pooled_once.items():
        if context in contexts:
            names = {"fitted_on": LAYERS if contexts == [context] else CONTEXTS}
            yield names | {"normalisation": normalisation}, probe.in_context(context)
    for probe in universal:
        yield {"fitted_on": CONTEXTS, "normalisation": CHOSEN}, probe.in_context(context)
        if any("@" in name for arrays in probe.tensors.values() for name in arrays):
            yield {"fitted_on": CONTEXTS, "normalisation": UNNAMED}, probe


def _differences(predictions: pl.DataFrame, baseline: pl.DataFrame, seed: int) -> Iterator[Row]:
    """Yield, by layer, the accuracy minus that of the baseline on the same rows, paired within each number."""
    key = ["layer", "row", "fold"]
    right = pl.col("label") == pl.col("decoded")
    other = baseline.select(*key, (pl.col("number") == pl.col("decoded")).alias("own"))
    joined = predictions.with_columns(right.alias("right")).join(other, on=key, how="inner", maintain_order="left")
    for part in joined.partition_by("layer", maintain_order=True):
        found = change_interval(part["number"].to_numpy(), part["own"].to_numpy(), part["right"].to_numpy())
        yield {
            "layer": part["layer"][0],
            "probe": part["probe"][0],
            "metric": DIFFERENCE,
            **found.columns(),
            "seed": seed,
        }
