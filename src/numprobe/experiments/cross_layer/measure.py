"""Read layers with the probes of other layers, one by one, and with probes fitted on all other layers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from numprobe.experiments.cross_layer.layer_likeness import likeness_rows
from numprobe.experiments.given import Given
from numprobe.measure.accuracy import constant_answer_rows, constant_state_rows
from numprobe.measure.by_layer import layer_accuracies, layer_rows, marked
from numprobe.measure.origin import check_origin
from numprobe.measure.predict import control_of, predict
from numprobe.probes.dataset import TrainingRows, describe_split, training_rows, whole_fold
from numprobe.probes.fit_pooled import best_normalisations, fit_left_out, number_target, pooled_probe, select
from numprobe.probes.pooled import Pool
from numprobe.probes.probe import Probe, load_probe
from numprobe.splits import Split
from numprobe.tables import Row

#: Value of `fit_layer` of probes fitted on all layers but the one that is read.
OTHERS = "others"
#: Value of `normalisation` of probes whose normalisation inner values chose, fold by fold.
CHOSEN = "chosen"
METRICS = ("accuracy", "mae")
#: Columns of the table beside the shared ones: the layer of the fit, and how states are centred and scaled.
EXTRA = {"fit_layer": pl.String, "normalisation": pl.String}


def evaluate_cross_layer(given: Given) -> None:
    """Write the table of a run and context: every layer read with probes of the others, one by one and together."""
    split, values = given.split, given.values
    rows = training_rows(given.folder("states"), split)
    probes = [load_probe(path) for path in given.inputs["probes"]]
    for path, probe in zip(given.inputs["probes"], probes, strict=True):
        check_origin(path, probe, rows.described)
    described = describe_split(split, [whole_fold(split), *split.folds])
    found = cross_layer_rows(
        rows,
        split,
        probes,
        given.control,
        values["left_out"],
        values["per_value"],
        described,
        values["resamples"],
        values["seed"],
    )
    given.write_rows(found, EXTRA)


def cross_layer_rows(
    rows: TrainingRows,
    split: Split,
    probes: Sequence[Probe],
    control: str,
    left_out: bool,
    per_value: int,
    described: Mapping[str, Any],
    resamples: int,
    seed: int,
) -> list[Row]:
    """Measure one model in one context across its layers.

    Parameters
    ----------
    rows
        The training rows.
    split
        Values, blocks and folds.
    probes
        The probe of each layer, and its controls of labels.
    control
        "untrained" marks the rows as this control's, without the constant answer, which is the model's.
    left_out
        Whether to fit on all layers but one, too.
    per_value
        Test rows of each number for pairs of layers, at most.
    described
        The description of the split, for probe files.
    resamples, seed
        Of the bootstrap; the seed also shuffles labels.

    Returns
    -------
    Rows for `numprobe.tables.measurements` without `model` and `context`, with `fit_layer` and `normalisation`.
    """
    found: list[Row] = []
    for probe in probes:
        plain = control_of(probe) == control == "none"
        normalisations = ("none", "layer") if plain else ("layer",)
        found += matrix_rows(rows.folder, probe, normalisations, per_value, seed)
    pool = Pool({str(rows.described["context"]): rows}, split) if left_out else None
    if pool is not None and len(pool.layers) > 1:
        controls = [control_of(probe) for probe in probes]
        found += left_out_rows(pool, controls, resamples, seed, {"split": described})
        found += likeness_rows(pool, resamples, seed)
    return marked(found, control)


def matrix_rows(
    folder: str | Path, probe: Probe, normalisations: Sequence[str], per_value: int, seed: int
) -> list[Row]:
    """Measure every pair of layers: the probe of one reads numbers in the other that it has seen in neither.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    probe
        Its probe of all layers.
    normalisations
        "none" (states are centred and scaled as those of the fit), "layer" (by the tested layer's own mean and scale
        over the training values, without labels), or both.
    per_value
        Test rows of each number, at most; the same in every pair.
    seed
        The study's seed, for the rows.

    Returns
    -------
    Rows for `numprobe.tables.measurements` without `model` and `context`, with `fit_layer` and `normalisation`.
    """
    rows = []
    for normalisation in normalisations:
        for fit_layer in probe.layers:
            pair = {"fit_layer": fit_layer, "normalisation": normalisation}
            moved = moved_probe(probe, fit_layer, own_standard=normalisation == "layer")
            found = layer_accuracies(predict(folder, [moved], per_value), seed)
            rows += [{**pair, **row} for row in found]
    return rows + [{"fit_layer": row["layer"], **row} for row in constant_state_rows([probe], seed)]


def moved_probe(probe: Probe, fit_layer: str, own_standard: bool) -> Probe:
    """Return a probe that reads all layers with the weights of one.

    Parameters
    ----------
    probe
        A probe of several layers.
    fit_layer
        The layer whose weights read everywhere.
    own_standard
        Whether each layer keeps its own mean and scale.
    """
    tensors = {
        (layer, fold): {
            **probe.tensors[fit_layer, fold],
            **({name: probe.tensors[layer, fold][name] for name in ("mean", "scale")} if own_standard else {}),
        }
        for layer, fold in probe.tensors
    }
    return replace(probe, tensors=tensors)


def left_out_rows(
    pool: Pool, controls: Sequence[str], resamples: int, seed: int, metadata: Mapping[str, Any]
) -> list[Row]:
    """Fit a probe on all layers but one, and read that one; normalisations "none", "layer" and "chosen".

    Parameters
    ----------
    pool
        The training rows of one model in one context.
    controls
        "none", then any control of labels.
    resamples, seed
        Of the bootstrap; the seed also shuffles labels.
    metadata
        Goes into the probes: the description of the split.

    Returns
    -------
    Rows as `cross_layer_rows` returns them, `fit_layer` = "others", and the controls.
    """
    folder = pool.rows[pool.contexts[0]].folder
    found: list[Row] = []
    constant: list[Row] = []
    for control, normalisation, probe in _left_out_probes(pool, controls, seed, metadata):
        predictions = predict(folder, [probe])
        names = {"fit_layer": OTHERS, "normalisation": normalisation}
        found += [{**names, **row} for row in layer_rows(predictions, METRICS, resamples, seed)]
        if (control, normalisation) == ("none", CHOSEN):
            constant = constant_answer_rows(predictions, seed)
            found += [{**names, **row} for row in constant_state_rows([probe], seed)]
    return found + [{"fit_layer": OTHERS, **row} for row in constant if row["metric"] in METRICS]


def _left_out_probes(
    pool: Pool, controls: Sequence[str], seed: int, metadata: Mapping[str, Any]
) -> Iterator[tuple[str, str, Probe]]:
    """Yield (control, normalisation, probe): each normalisation and the chosen one; of controls the chosen one."""
    folds = pool.split.folds
    targets = [number_target(pool.split, control, seed) for control in controls]
    variants = {name: fit_left_out(pool, folds, targets, name) for name in ("none", "layer")}
    chosen = best_normalisations({name: fitted[0] for name, fitted in variants.items()})
    for place, control in enumerate(controls):
        fitted = {name: of_targets[place] for name, of_targets in variants.items()}
        picked = {CHOSEN: select(fitted, chosen)}
        for name, tensors in ({**fitted, **picked} if control == "none" else picked).items():
            described = {**metadata, "control": control, "normalisation": name}
            yield control, name, pooled_probe(pool, tensors, folds, described)
