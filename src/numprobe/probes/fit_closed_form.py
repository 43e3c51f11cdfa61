"""Fit all closed-form probes and controls of one activation folder; every layer is read once."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from numprobe.probes.closed_form import PENALTIES, Target, Tensors, fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.controls import control_labels, gaussian_states
from numprobe.probes.dataset import Rows, describe_split, training_rows, whole_fold
from numprobe.probes.probe import GAUSSIAN_LAYER, Probe
from numprobe.probes.statistics import Statistics, accumulate
from numprobe.side_by_side import side_by_side
from numprobe.splits import Split, StudySplit

#: (kind, control)
Key = tuple[str, str]


def save_closed_form(
    states: Path,
    output: Path,
    kinds: Sequence[str],
    controls: Sequence[str],
    split: StudySplit,
    provenance: Mapping[str, Any],
    threads: int,
    device: str | None,
) -> None:
    """Fit probes of all kinds with their controls, and save them as `{kind}[.{control}].safetensors`.

    Parameters
    ----------
    states
        Folder of states.
    output
        Folder of the files.
    kinds, controls, threads, device
        As `fit_closed_form` takes them.
    split
        The study's split, or that of an experiment.
    provenance
        Record of their making, stored in every probe.
    """
    metadata = {"split": describe_split(split, [whole_fold(split), *split.folds]), "provenance": provenance}
    rows = training_rows(states, split)
    probes = fit_closed_form(rows, split, kinds, controls, split.seed, metadata, threads, device)
    for probe in probes.values():
        probe.save(output / probe.file_name)


def fit_closed_form(
    rows: Rows,
    split: Split,
    kinds: Sequence[str],
    controls: Sequence[str],
    seed: int,
    metadata: Mapping[str, Any],
    threads: int = 1,
    device: str | None = None,
) -> dict[Key, Probe]:
    """Fit probes of all kinds on all layers and folds, with their controls.

    Parameters
    ----------
    rows
        The training rows.
    split
        Values, blocks and folds; the fold "all" is added.
    kinds
        Names of `numprobe.probes.codes.CODES`.
    controls
        Any of "shuffled", "gaussian".
    seed
        The study's seed.
    metadata
        Stored in every probe.
    threads
        Number of layers that are fitted side by side. Memory grows with it; the probes do not depend on it.
    device
        The torch device for the linear algebra, one layer at a time; None: NumPy and SciPy on the CPU. Probes are the
        same up to rounding.

    Returns
    -------
    (kind, control) -> probe, the control "none" included. The Gaussian control has the one layer "gaussian".

    Raises
    ------
    NumprobeError
        If a probe or control is unknown, a code is not defined for the range, or the folder is incomplete.
    """
    folds = [whole_fold(split), *split.folds]
    keys = [(kind, control) for control in _label_controls(controls) for kind in kinds]
    targets = [_target(kind, control, split, seed) for kind, control in keys]

    def fit(layer: str) -> list[dict[str, Tensors]] | None:
        return fit_layer(_stream(rows, layer, split, device), split, targets, folds)

    # One layer keeps a GPU busy and may fill its memory.
    workers = threads if device is None else 1
    fitting = tqdm(side_by_side(fit, rows.layers, workers), desc="layers", unit="layer", total=len(rows.layers))
    layers = dict(zip(rows.layers, fitting, strict=True))
    probes = _probes(keys, layers, rows, split, metadata)
    if "gaussian" in controls:
        probes |= _gaussian(rows, split, kinds, seed, metadata, device)
    return probes


def _label_controls(controls: Sequence[str]) -> list[str]:
    return ["none", *(control for control in controls if control != "gaussian")]


def _target(kind: str, control: str, split: Split, seed: int) -> Target:
    labels = control_labels(control, split.values, split, seed)
    return make_target(make_code(kind, split.minimum, split.maximum), labels, split.minimum)


def _stream(rows: Rows, layer: str, split: Split, device: str | None) -> Statistics:
    return reduce(add, (accumulate(states, values, split, device) for states, values in rows.batches(layer)))


def _gaussian(
    rows: Rows, split: Split, kinds: Sequence[str], seed: int, metadata: Mapping[str, Any], device: str | None
) -> dict[Key, Probe]:
    targets = [_target(kind, "gaussian", split, seed) for kind in kinds]

    def fit(layer: str) -> list[dict[str, Tensors]] | None:
        statistics = accumulate(gaussian_states(rows.values, rows.width, seed), rows.values, split, device)
        return fit_layer(statistics, split, targets, [whole_fold(split), *split.folds])

    (fitted,) = side_by_side(fit, [GAUSSIAN_LAYER], 1)
    return _probes([(kind, "gaussian") for kind in kinds], {GAUSSIAN_LAYER: fitted}, rows, split, metadata)


def _probes(
    keys: Sequence[Key],
    layers: Mapping[str, list[dict[str, Tensors]] | None],
    rows: Rows,
    split: Split,
    metadata: Mapping[str, Any],
) -> dict[Key, Probe]:
    """Return the probes from what was fitted on each layer, in the order of the keys; None: a constant layer."""
    return {
        key: _probe(
            key, {layer: fitted[index] if fitted else None for layer, fitted in layers.items()}, rows, split, metadata
        )
        for index, key in enumerate(keys)
    }


def _probe(
    key: Key,
    layers: Mapping[str, dict[str, dict[str, np.ndarray]] | None],
    rows: Rows,
    split: Split,
    metadata: Mapping[str, Any],
) -> Probe:
    kind, control = key
    tensors = {(layer, fold): arrays for layer, fitted in layers.items() if fitted for fold, arrays in fitted.items()}
    return Probe(
        kind=kind,
        numbers=split.values,
        layers=tuple(layer for layer, fitted in layers.items() if fitted),
        folds=(whole_fold(split).name, *(fold.name for fold in split.folds)),
        constant=tuple(layer for layer, fitted in layers.items() if not fitted),
        width=rows.width,
        metadata={**rows.described, **metadata, "control": control, "settings": {"penalties": PENALTIES}},
        tensors=tensors,
    )
